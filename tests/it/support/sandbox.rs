use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder in which the program runs, without the environment and the settings of the user who runs the tests.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        Sandbox { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Replaces the journal of the run's folder `folder` by that of a process that died. Only a process that ends
    /// normally writes a checkpoint, so it is removed.
    pub fn rewind(&self, folder: &str, journal: impl AsRef<[u8]>) {
        self.write(&format!("{folder}/journal.jsonl"), journal);
        fs::remove_file(self.path(&format!("{folder}/.known-journal"))).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Returns the command of the program with `arguments`, which are separated by spaces.
    pub fn dyehouse(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dyehouse"));
        command.current_dir(self.folder.path()).args(arguments.split_whitespace());
        for variable in [
            "VIBEDREAM_API_KEY",
            "VIBEDREAM_API_KEY_FILE",
            "CREDENTIALS_DIRECTORY",
            "VIBEDREAM_BASE_URL",
            "RUST_LOG",
            "NO_COLOR",
            "DYEHOUSE_NOTIFY_URL",
            "DYEHOUSE_NOTIFY_SECRET",
            "DYEHOUSE_NOTIFY_SECRET_FILE",
            "DYEHOUSE_HEALTHCHECK_URL",
        ] {
            command.env_remove(variable);
        }
        command.env("NO_PROXY", "*");
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &str) -> Output {
        self.dyehouse(arguments).output().unwrap()
    }

    /// Returns the names in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Writes a manifest whose rows each request a color for the thing that their id names.
    pub fn edits(&self, name: &str, rows: &[(&str, &str)]) -> PathBuf {
        let rows: String = rows
            .iter()
            .map(|(id, color)| format!("{id},Make the {id} {color},https://example.com/{id}.jpg\n"))
            .collect();
        self.write(name, format!("id,prompt,images\n{rows}"))
    }

    /// Writes a manifest of `count` jobs whose pictures are URLs.
    pub fn manifest(&self, name: &str, count: usize) -> PathBuf {
        let rows: String = (0..count)
            .map(|number| format!("job-{number:03},Make it #1E90FF number {number},https://example.com/{number}.jpg\n"))
            .collect();
        self.write(name, format!("id,prompt,images\n{rows}"))
    }
}

/// Checks the exit code, and returns the output.
#[track_caller]
pub fn code(output: &Output, expected: i32) -> String {
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(expected), "{printed}");
    printed
}
