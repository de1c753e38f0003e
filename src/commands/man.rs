use std::path::Path;

use crate::cli::definition;
use crate::exit::Exit;
use crate::files::make_folder;

use super::Failure;
use super::print::print;

/// Prints the manual page of the program, or writes those of all commands into a folder.
pub(super) fn man(folder: Option<&Path>) -> Result<Exit, Failure> {
    match folder {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(definition()).render(&mut page).map_err(|cause| Failure::Output { cause })?;
            print(&page)?;
        }
        Some(folder) => {
            let written = make_folder(folder).and_then(|()| clap_mangen::generate_to(definition(), folder));
            let path = folder.display().to_string();
            written.map_err(|cause| Failure::Write { path, cause: cause.to_string() })?;
        }
    }
    Ok(Exit::Complete)
}
