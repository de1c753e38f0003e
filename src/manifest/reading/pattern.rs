//! Patterns of file names, as in shells.

use std::path::{Component, Path, PathBuf};

/// Returns the files that match `pattern`, which is relative to `folder`, sorted by path. Hidden files match only if a
/// component of the pattern starts with a dot. Files that file managers leave in folders never match.
///
/// # Errors
/// Why the pattern is invalid.
pub fn files_matching(folder: &Path, pattern: &Path) -> Result<Vec<PathBuf>, &'static str> {
    const LEFT_BY_FILE_MANAGERS: [&str; 2] = ["thumbs.db", "desktop.ini"];
    let whole = Path::new(&glob::Pattern::escape(&folder.to_string_lossy())).join(pattern);
    let found = glob::glob(&whole.to_string_lossy()).map_err(|error| error.msg)?;
    let begins_with_a_dot = |part: Component<'_>| match part {
        Component::Normal(name) => name.as_encoded_bytes().starts_with(b"."),
        _ => false,
    };
    let names_hidden = pattern.components().any(begins_with_a_dot);
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        let is_hidden = path.strip_prefix(folder).unwrap_or(path).components().any(begins_with_a_dot);
        let is_left = LEFT_BY_FILE_MANAGERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        path.is_file() && (names_hidden || !is_hidden) && !is_left
    };
    let mut files: Vec<PathBuf> = found.flatten().filter(is_meant).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_do_not_match_a_star() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.jpg", "a.jpg", "._a.jpg", ".DS_Store", "Thumbs.db"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = files_matching(folder.path(), Path::new(pattern)).unwrap();
            found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names("*"), ["a.jpg", "b.jpg"]);
        assert_eq!(names("*.jpg"), ["a.jpg", "b.jpg"]);
        assert_eq!(names("._*.jpg"), ["._a.jpg"]);
        assert!(files_matching(folder.path(), Path::new("a[")).is_err());
    }
}
