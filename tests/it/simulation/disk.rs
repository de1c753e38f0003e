use std::io;

use dyehouse::journal::{Disk, ReadAt};

use super::world::World;

/// The disk of one life of the program. Appended data may be lost until it is synced.
pub struct SimulatedDisk {
    pub world: World,
    pub life: u32,
}

impl SimulatedDisk {
    fn maybe_fails(&self) -> io::Result<()> {
        let may_fail = self.world.state().disk_may_fail;
        if may_fail && self.world.fails(20) { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

impl Disk for SimulatedDisk {
    async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.world.step(self.life).await;
        if let Err(error) = self.maybe_fails() {
            // A full disk writes only a part of the data.
            let mut state = self.world.state();
            let part = state.random.usize(..=bytes.len());
            state.volatile.extend_from_slice(&bytes[..part]);
            return Err(error);
        }
        self.world.state().volatile.extend(bytes);
        Ok(())
    }

    async fn sync(&mut self) -> io::Result<()> {
        self.world.step(self.life).await;
        self.maybe_fails()?;
        let mut state = self.world.state();
        let volatile = std::mem::take(&mut state.volatile);
        state.durable.extend(volatile);
        Ok(())
    }

    fn length(&self) -> io::Result<Option<u64>> {
        let state = self.world.state();
        Ok(Some((state.durable.len() + state.volatile.len()) as u64))
    }
}

/// The journal, read by the program while it is written.
impl ReadAt for World {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state();
        let offset = usize::try_from(offset).unwrap();
        let unread = state.durable.iter().chain(&state.volatile).skip(offset);
        Ok(buffer.iter_mut().zip(unread).map(|(byte, read)| *byte = *read).count())
    }
}
