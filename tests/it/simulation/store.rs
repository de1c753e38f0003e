use std::io;

use dyehouse::api::Output;
use dyehouse::job::ContentHash;
use dyehouse::journal::{Presence, SavedFile};
use dyehouse::outputs::{Destination, OutputError, ResultStore, Slot, Verified};

use super::world::World;

/// The results folder in one life of the program. The content of a picture is its prediction's id.
pub struct SimulatedStore {
    pub world: World,
    pub life: u32,
}

/// A picture with a temporary name. It is removed when this is dropped, unless the power fails first.
pub struct SimulatedPicture {
    world: World,
    life: u32,
    number: u64,
    content: String,
}

impl Drop for SimulatedPicture {
    fn drop(&mut self) {
        let mut state = self.world.state();
        if state.life == self.life {
            state.staged.remove(&self.number);
        }
    }
}

impl Verified for SimulatedPicture {
    fn extension(&self) -> &'static str {
        "png"
    }

    fn saved_as(&self, name: String) -> SavedFile {
        let blake3 = ContentHash::of(self.content.as_bytes());
        SavedFile { name, bytes: self.content.len() as u64, blake3, width: 1, height: 1 }
    }
}

impl SimulatedStore {
    fn maybe_fails(&self) -> Result<(), OutputError> {
        let may_fail = self.world.state().disk_may_fail;
        if may_fail && self.world.fails(5) {
            return Err(OutputError::Disk {
                path: "results".into(),
                cause: io::Error::from(io::ErrorKind::StorageFull),
            });
        }
        Ok(())
    }

    fn set_aside(&self, displaced: &[SavedFile]) {
        let mut state = self.world.state();
        for file in displaced {
            let hash = |content: &String| ContentHash::of(content.as_bytes()) == file.blake3;
            if state.results.get(&file.name).is_some_and(hash) {
                let content = state.results.remove(&file.name).unwrap();
                state.earlier.insert(content);
            }
        }
    }

    async fn rename(&self, number: u64, file: &SavedFile, place: &Destination) -> Result<(), OutputError> {
        self.world.step(self.life).await;
        self.maybe_fails()?;
        let mut state = self.world.state();
        let content = state.staged.remove(&number).unwrap();
        match place {
            Destination::Results { .. } => drop(state.renamed.insert(file.name.clone(), (content, number))),
            Destination::Aside => drop(state.earlier.insert(content)),
        }
        Ok(())
    }

    async fn sync(&self) -> Result<(), OutputError> {
        self.world.step(self.life).await;
        self.maybe_fails()?;
        let mut state = self.world.state();
        for (name, (content, _)) in std::mem::take(&mut state.renamed) {
            state.results.insert(name, content);
        }
        Ok(())
    }
}

impl ResultStore for SimulatedStore {
    type Staged = SimulatedPicture;

    async fn fetch(&self, output: &Output, _slot: Slot) -> Result<SimulatedPicture, OutputError> {
        self.world.step(self.life).await;
        if self.world.fails(60) {
            return Err(OutputError::Unavailable { cause: "the host is down".into(), retry_after: None });
        }
        self.maybe_fails()?;
        let Output::Short(url) = output else { unreachable!("the simulated API answers with URLs") };
        let content = url.rsplit('/').next().unwrap().to_owned();
        let mut state = self.world.state();
        let number = state.number();
        state.staged.insert(number, content.clone());
        drop(state);
        Ok(SimulatedPicture { world: self.world.clone(), life: self.life, number, content })
    }

    async fn publish(&self, staged: Vec<(SimulatedPicture, SavedFile)>, place: Destination) -> Result<(), OutputError> {
        if let Destination::Results { displaced } = &place {
            self.set_aside(displaced);
        }
        for (picture, file) in staged {
            self.rename(picture.number, &file, &place).await?;
        }
        self.sync().await
    }

    async fn recover(&self, files: Vec<SavedFile>, place: Destination) -> Result<bool, OutputError> {
        if let Destination::Results { displaced } = &place {
            self.set_aside(displaced);
        }
        for file in files {
            let is_it = |content: &String| ContentHash::of(content.as_bytes()) == file.blake3;
            let (is_there, stray) = {
                let state = self.world.state();
                let is_there = match place {
                    Destination::Results { .. } => state.results.get(&file.name).is_some_and(is_it),
                    Destination::Aside => state.earlier.iter().any(is_it),
                };
                (is_there, state.staged.iter().find(|(_, content)| is_it(content)).map(|(number, _)| *number))
            };
            match (is_there, stray) {
                (true, _) => {}
                (false, Some(number)) => self.rename(number, &file, &place).await?,
                (false, None) => return Ok(false),
            }
        }
        self.sync().await?;
        Ok(true)
    }

    fn presence(&self, file: &SavedFile) -> Presence {
        self.world.state().presence(file)
    }

    async fn replace(&self, original: SavedFile, png: Vec<u8>) -> Result<Option<SavedFile>, OutputError> {
        self.world.step(self.life).await;
        self.maybe_fails()?;
        let content = String::from_utf8(png).unwrap();
        {
            let mut state = self.world.state();
            let was = state.results.get(&original.name).cloned().unwrap();
            if ContentHash::of(was.as_bytes()) == original.blake3 {
                state.originals.insert(original.name.clone(), was);
            }
            state.results.insert(original.name.clone(), content.clone());
        }
        // The power may fail before this is recorded in the journal.
        self.world.step(self.life).await;
        Ok(Some(SavedFile { blake3: ContentHash::of(content.as_bytes()), bytes: content.len() as u64, ..original }))
    }

    async fn restore(&self, originals: Vec<SavedFile>, _corrected: Vec<SavedFile>) -> Result<bool, OutputError> {
        self.world.step(self.life).await;
        self.maybe_fails()?;
        let mut state = self.world.state();
        for file in originals {
            let is_it = |content: &&String| ContentHash::of(content.as_bytes()) == file.blake3;
            if let Some(content) = state.originals.get(&file.name).filter(is_it).cloned() {
                state.results.insert(file.name.clone(), content);
            }
        }
        Ok(true)
    }

    async fn reinstate(&self, files: Vec<SavedFile>, displaced: Vec<SavedFile>) -> Result<bool, OutputError> {
        self.world.step(self.life).await;
        self.maybe_fails()?;
        self.set_aside(&displaced);
        let mut state = self.world.state();
        for file in files {
            let is_it = |content: &&String| ContentHash::of(content.as_bytes()) == file.blake3;
            if state.results.get(&file.name).is_some_and(|content| is_it(&content)) {
                continue;
            }
            let Some(content) = state.earlier.iter().find(is_it).cloned() else { return Ok(false) };
            state.earlier.remove(&content);
            let displaced = state.results.insert(file.name.clone(), content);
            state.earlier.extend(displaced);
        }
        Ok(true)
    }
}
