//! Secrets from the environment and from files: a variable, a file whose path is in a variable, or a credential of
//! systemd.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// The maximum length of a secret in bytes.
const MAX_LENGTH: u64 = 64 << 10;

/// The variable with the folder of systemd's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A secret that may be given, with the names of its sources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret {
    /// The variable with the secret. The variable with the suffix `_FILE` has the path of a file with the secret.
    pub variable: &'static str,
    /// The name of its systemd credential: a file in the folder `CREDENTIALS_DIRECTORY`.
    pub credential: &'static str,
}

/// A secret that was found.
#[derive(Debug, Default)]
pub(crate) struct FoundSecret {
    /// The secret, without leading and trailing white space.
    pub value: SecretString,
    /// Notices for the user about its source.
    pub notices: Vec<String>,
}

/// The reason why a secret cannot be read. No message contains any part of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("read {}, which {named_by} names: {cause}", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The variable with the path.
        named_by: String,
        /// The operating system's error.
        cause: io::Error,
    },
    /// The file is empty.
    #[error("read {}, which {named_by} names: it is empty", path.display())]
    Empty {
        /// The path of the file.
        path: PathBuf,
        /// The variable with the path.
        named_by: String,
    },
    /// The file is not one line of text, or far too long.
    #[error("read {}, which {named_by} names: it does not contain one line of text", path.display())]
    NoSecret {
        /// The path of the file.
        path: PathBuf,
        /// The variable with the path.
        named_by: String,
    },
}

impl Secret {
    /// The provider's API key.
    pub(crate) const API_KEY: Secret = Secret { variable: "VIBEDREAM_API_KEY", credential: "vibedream-api-key" };
    /// The URL of a webhook, which is secret because it may allow anyone to post.
    pub(crate) const NOTIFY_URL: Secret = Secret { variable: "DYEHOUSE_NOTIFY_URL", credential: "dyehouse-notify-url" };
    /// The key for signing messages to a webhook.
    pub(crate) const NOTIFY_SECRET: Secret =
        Secret { variable: "DYEHOUSE_NOTIFY_SECRET", credential: "dyehouse-notify-secret" };
    /// The URL of a monitor.
    pub(crate) const HEALTHCHECK_URL: Secret =
        Secret { variable: "DYEHOUSE_HEALTHCHECK_URL", credential: "dyehouse-healthcheck-url" };

    /// All secrets.
    pub(crate) const ALL: [Secret; 4] =
        [Secret::API_KEY, Secret::NOTIFY_URL, Secret::NOTIFY_SECRET, Secret::HEALTHCHECK_URL];

    /// Returns the names of all variables that have a secret, or the path of one.
    pub(crate) fn variables() -> impl Iterator<Item = String> {
        let named = Secret::ALL.into_iter().flat_map(|secret| [secret.variable.to_owned(), secret.file_variable()]);
        named.chain([CREDENTIALS.to_owned()])
    }

    /// Looks for the secret: first in the variable, then in the file whose path is in a variable, then in the systemd
    /// credential. `lookup` returns the variables of the environment. Empty ones are ignored.
    ///
    /// # Errors
    ///
    /// A file that was given explicitly cannot be read or has no secret. A missing credential is not an error.
    pub(crate) fn find(&self, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Option<FoundSecret>, SecretError> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let file_variable = self.file_variable();
        let named = lookup(&file_variable);
        if let Some(value) = lookup(self.variable) {
            let value = value.to_string_lossy().trim().to_owned();
            if !value.is_empty() {
                let both = named.is_some();
                let notice = || format!("both {} and {file_variable} are set; the first one is used", self.variable);
                return Ok(Some(FoundSecret { value: value.into(), notices: both.then(notice).into_iter().collect() }));
            }
        }
        if let Some(path) = named {
            return read(Path::new(&path), &file_variable).map(Some);
        }
        let Some(folder) = lookup(CREDENTIALS) else { return Ok(None) };
        let path = Path::new(&folder).join(self.credential);
        if path.exists() { read(&path, CREDENTIALS).map(Some) } else { Ok(None) }
    }

    fn file_variable(&self) -> String {
        format!("{}_FILE", self.variable)
    }
}

fn read(path: &Path, named_by: &str) -> Result<FoundSecret, SecretError> {
    let (path, named_by) = (path.to_owned(), named_by.to_owned());
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(&path).and_then(|file| {
        let open_to_all = is_open_to_all(&file.metadata()?);
        file.take(MAX_LENGTH + 1).read_to_end(&mut bytes)?;
        Ok(open_to_all)
    });
    let open_to_all = match opened {
        Ok(open_to_all) => open_to_all,
        Err(cause) => return Err(SecretError::Unreadable { path, named_by, cause }),
    };
    let text = std::str::from_utf8(&bytes).map(str::trim).unwrap_or("\n");
    match text {
        "" => Err(SecretError::Empty { path, named_by }),
        text if text.contains(['\n', '\r', '\0']) || bytes.len() as u64 > MAX_LENGTH => {
            Err(SecretError::NoSecret { path, named_by })
        }
        text => {
            let notice =
                || format!("{} can be read by every user of this machine: protect it with chmod 600", path.display());
            Ok(FoundSecret { value: text.into(), notices: open_to_all.then(notice).into_iter().collect() })
        }
    }
}

#[cfg(unix)]
fn is_open_to_all(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const KEY: Secret = Secret { variable: "KEY", credential: "the-key" };

    fn find(variables: &[(&str, &Path)]) -> Result<Option<FoundSecret>, SecretError> {
        KEY.find(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into()))
    }

    fn value(found: &FoundSecret) -> &str {
        found.value.expose_secret()
    }

    #[test]
    fn the_variable_takes_precedence_over_the_file_and_the_file_over_the_credential() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "from the file\r\n").unwrap();
        std::fs::write(folder.path().join("the-key"), "from systemd\n").unwrap();
        let directory = ("CREDENTIALS_DIRECTORY", folder.path());
        let all = find(&[("KEY", Path::new(" itself\n")), ("KEY_FILE", &file), directory]).unwrap().unwrap();
        assert_eq!(value(&all), "itself");
        assert!(all.notices[0].contains("both KEY and KEY_FILE"), "{:?}", all.notices);
        assert_eq!(
            value(&find(&[("KEY", Path::new("")), ("KEY_FILE", &file), directory]).unwrap().unwrap()),
            "from the file"
        );
        assert_eq!(value(&find(&[directory]).unwrap().unwrap()), "from systemd");
        assert!(find(&[("CREDENTIALS_DIRECTORY", &folder.path().join("none"))]).unwrap().is_none());
    }

    #[test]
    fn errors_about_a_file_show_its_path_but_never_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let error_of = |content: &[u8]| {
            std::fs::write(&file, content).unwrap();
            find(&[("KEY_FILE", &file)]).unwrap_err().to_string()
        };
        assert!(error_of(b" \n").ends_with("which KEY_FILE names: it is empty"));
        for content in [&b"two\nlines"[..], &[0xff, 0xfe], &[b'x'; 70_000]] {
            let error = error_of(content);
            assert!(error.contains("does not contain one line of text") && !error.contains("two"), "{error}");
        }
        let missing = find(&[("KEY_FILE", &folder.path().join("missing"))]).unwrap_err();
        assert!(matches!(missing, SecretError::Unreadable { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn a_world_readable_file_is_reported() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "x").unwrap();
        for (mode, notices) in [(0o644, 1), (0o640, 0), (0o400, 0)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(find(&[("KEY_FILE", &file)]).unwrap().unwrap().notices.len(), notices, "{mode:o}");
        }
    }
}
