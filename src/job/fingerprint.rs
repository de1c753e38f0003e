use std::cell::RefCell;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{EditRequest, ImageRef, RequestRef, Seed};

/// What makes two edits the same edit: 16 bytes over everything that is sent.
///
/// The model, the prompt, the images in order, the size, the seed and the switches count. A local picture counts by
/// its content, so that a moved catalog is not paid for again and a retouched photograph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 16]);

/// The BLAKE3 hash of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `request`; `content` gives the hash of a local picture.
    pub fn of(request: &EditRequest, content: impl FnMut(&Path) -> ContentHash) -> Fingerprint {
        Fingerprint::of_borrowed(&request.borrowed(), content)
    }

    /// The same, of a request that is not held in memory of its own.
    ///
    /// Each part goes in behind its length, so that no two requests run together to the same bytes.
    pub fn of_borrowed(request: &RequestRef<'_>, mut content: impl FnMut(&Path) -> ContentHash) -> Fingerprint {
        // A manifest has a million of these: the key is derived once, and the parts are hashed in one go, by a hasher that
        // is not copied, for it has room for files of any size.
        thread_local! {
            static KEYED: RefCell<blake3::Hasher> =
                RefCell::new(blake3::Hasher::new_derive_key("dyehouse 2026-11 edit fingerprint v1"));
        }
        let mut all: Vec<u8> = Vec::with_capacity(512);
        let mut part = |tag: u8, bytes: &[u8]| {
            all.push(tag);
            all.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            all.extend_from_slice(bytes);
        };
        part(b'm', request.model.as_bytes());
        part(b'p', request.prompt.as_bytes());
        for image in &request.images {
            match image {
                ImageRef::Url(url) => part(b'u', url.as_bytes()),
                ImageRef::Data(uri) => part(b'd', uri.as_bytes()),
                ImageRef::File(path) => part(b'f', &content(path).0),
            }
        }
        if let Some(size) = request.size {
            part(b's', size.as_str().as_bytes());
        }
        if let Some(seed) = request.seed {
            part(b'n', &seed.get().to_le_bytes());
        }
        let switches = request.switches;
        let named = [
            (b'1', switches.enable_sync_mode),
            (b'2', switches.enable_base64_output),
            (b'3', switches.enable_safety_checker),
        ];
        for (tag, switch) in named {
            if let Some(on) = switch {
                part(tag, &[u8::from(on)]);
            }
        }
        let hash = KEYED.with_borrow_mut(|hasher| hasher.reset().update(&all).finalize());
        let (first, _) = hash.as_bytes().split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        Fingerprint(*first)
    }

    /// The fingerprint of a re-roll of this edit with another seed.
    pub fn rerolled(self, seed: Seed) -> Fingerprint {
        let mut hasher = blake3::Hasher::new_derive_key("dyehouse 2026-11 re-roll fingerprint v1");
        hasher.update(&self.0).update(&seed.get().to_le_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Fingerprint(bytes)
    }

    /// The first eight hex digits, for file names and messages.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(8);
        text
    }

    /// The sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl ContentHash {
    /// The hash of bytes in memory.
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(*blake3::hash(bytes).as_bytes())
    }

    /// Takes the end of a hash that was fed piece by piece.
    pub fn from_hasher(hasher: &blake3::Hasher) -> ContentHash {
        ContentHash(*hasher.finalize().as_bytes())
    }
}

/// Why a text is no hash.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hex digits")]
pub struct HexError {
    expected: usize,
}

fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let error = HexError { expected: 2 * N };
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(error);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| (digit as char).to_digit(16);
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => *byte = (high * 16 + low) as u8,
            _ => return Err(error),
        }
    }
    Ok(bytes)
}

macro_rules! hex_text {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl FromStr for $type {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                from_hex(text).map(Self)
            }
        }

        impl TryFrom<String> for $type {
            type Error = HexError;

            fn try_from(text: String) -> Result<Self, HexError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(hash: $type) -> String {
                hash.to_string()
            }
        }
    };
}

hex_text!(Fingerprint);
hex_text!(ContentHash);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{DEFAULT_MODEL, ImageSource, Size, Switches};

    fn request() -> EditRequest {
        EditRequest {
            model: DEFAULT_MODEL.to_owned(),
            prompt: "make it blue".to_owned(),
            images: vec![ImageSource::File("a.png".into()), ImageSource::Url("https://example.com/b.png".to_owned())],
            size: None,
            seed: None,
            switches: Switches::default(),
        }
    }

    fn print(request: &EditRequest) -> Fingerprint {
        Fingerprint::of(request, |_| ContentHash::of(b"picture"))
    }

    #[test]
    fn a_fingerprint_reads_back_from_its_text() {
        let fingerprint = print(&request());
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert!("xyz".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn a_fingerprint_is_what_it_was_in_every_journal_that_is_out_there() {
        let whole = EditRequest {
            size: Some(Size::Large),
            seed: Seed::new(42),
            switches: Switches {
                enable_sync_mode: Some(true),
                enable_base64_output: Some(false),
                enable_safety_checker: Some(true),
            },
            ..request()
        };
        let inline =
            EditRequest { images: vec![ImageSource::Data("data:image/png;base64,AAAA".to_owned())], ..request() };
        assert_eq!(
            [request(), whole, inline].map(|request| print(&request).to_string()),
            [
                "3299b9ad8b9c6666b49c0a8e79d0289e",
                "6ca172eb02184a316f2bc0bddf18f1f4",
                "2b341aa0bd8c31deec4e835e9e059531"
            ]
        );
    }

    #[test]
    fn every_part_of_a_request_counts() {
        let base = request();
        let mut variants = vec![base.clone(); 8];
        variants[1].prompt.push('!');
        variants[2].images.reverse();
        variants[3].size = Some(Size::Small);
        variants[4].seed = Seed::new(0);
        variants[5].switches.enable_sync_mode = Some(false);
        variants[6].switches.enable_safety_checker = Some(false);
        variants[7].model.push('2');
        let mut prints: Vec<_> = variants.iter().map(print).collect();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), variants.len());
    }

    #[test]
    fn a_local_picture_counts_by_content_and_not_by_path() {
        let mut moved = request();
        moved.images[0] = ImageSource::File("elsewhere/a.png".into());
        assert_eq!(print(&request()), print(&moved));
        assert_ne!(print(&request()), Fingerprint::of(&request(), |_| ContentHash::of(b"retouched")));
    }
}
