//! Paths as a page's links: relative if possible, and with every byte encoded that has a meaning in URLs.

use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// All but the characters that RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The link from a page in `folder` to the file `target`, both absolute.
///
/// It is relative, so that a run's folder can be moved or served with what it refers to; a target on another drive
/// gets a `file:` URL. A browser resolves `..` in the text of a URL, so nothing here looks at the disk either.
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

/// Takes `.` and `..` out of an absolute path by its text alone.
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
    fn a_link_means_the_file_whatever_its_name() {
        let link = |name: &str| link(Path::new("/r"), &Path::new("/r").join(name));
        assert_eq!(link("50% off?#1.png"), "50%25%20off%3F%231.png");
        assert_eq!(link("a\"><script>.png"), "a%22%3E%3Cscript%3E.png");
        assert_eq!(link("javascript:alert(1)"), "javascript%3Aalert%281%29");
        assert_eq!(link("größe.png"), "gr%C3%B6%C3%9Fe.png");
    }
}
