//! Paths as links of a page: relative if possible, and percent-encoded.

use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// All characters except the unreserved ones of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the link from a page in `folder` to the file `target`. Both paths are absolute.
///
/// The link is relative, so that the folder of a run can be moved or served together with the files that it refers to.
/// A target on another drive gets a `file:` URL. Browsers resolve `..` in URLs textually, so the file system is not
/// consulted here either.
pub(crate) fn link(folder: &Path, target: &Path) -> String {
    let (folder, target) = (normalized(folder), normalized(target));
    let shared = folder.components().zip(target.components()).take_while(|(left, right)| left == right).count();
    if shared == 0 {
        return file_url(&target);
    }
    let ups = folder.components().skip(shared).map(|_| "..".to_owned());
    let downs = target.components().skip(shared).map(encoded);
    ups.chain(downs).collect::<Vec<_>>().join("/")
}

fn file_url(target: &Path) -> String {
    let parts: Vec<_> = target
        .components()
        .filter(|part| !matches!(part, Component::RootDir))
        .map(|part| match part {
            Component::Prefix(prefix) => prefix.as_os_str().to_string_lossy().into_owned(),
            part => encoded(part),
        })
        .collect();
    format!("file:///{}", parts.join("/"))
}

fn encoded(part: Component<'_>) -> String {
    percent_encode(part.as_os_str().as_encoded_bytes(), ENCODED).to_string()
}

/// Resolves `.` and `..` in an absolute path textually.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normalized.pop();
            }
            part => normalized.push(part),
        }
    }
    normalized
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_goes_up_to_the_common_folder_and_down_again() {
        let link = |target: &str| link(Path::new("/home/ann/runs/spring/report"), Path::new(target));
        assert_eq!(link("/home/ann/runs/spring/results/mug.png"), "../results/mug.png");
        assert_eq!(link("/home/ann/photos/./x/../mug.png"), "../../../photos/mug.png");
        assert_eq!(link("/srv/mug.png"), "../../../../../srv/mug.png");
    }

    #[test]
    fn a_link_leads_to_the_file_whatever_its_name() {
        let link = |name: &str| link(Path::new("/r"), &Path::new("/r").join(name));
        assert_eq!(link("50% off?#1.png"), "50%25%20off%3F%231.png");
        assert_eq!(link("a\"><script>.png"), "a%22%3E%3Cscript%3E.png");
        assert_eq!(link("javascript:alert(1)"), "javascript%3Aalert%281%29");
        assert_eq!(link("größe.png"), "gr%C3%B6%C3%9Fe.png");
    }
}
