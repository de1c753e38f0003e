use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::sync::LazyLock;

use foldhash::quality::RandomState;
use serde::{Deserialize, Serialize};

use super::borrowed::{ImageRef, RequestRef};
use super::content_hash::ContentHash;
use super::hex_text::hex_text;
use super::normal_form::{normal_prompt, normal_url};
use super::request::{EditRequest, Seed};

/// The identity of an edit: a 16-byte hash over everything that is sent.
///
/// It includes the model, the prompt, the images in order, the size, the seed and the switches. Local pictures are
/// identified by their content, so that a moved catalog is not paid for again, but a retouched photograph is. Prompts and
/// URLs are hashed in their normal form, so that a catalog that was only exported again is not paid for again either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Returns the fingerprint of `request`. `content` returns the hash of a local picture.
    ///
    /// # Errors
    ///
    /// An error of `content`. Without the hash of every picture, different edits could have the same fingerprint.
    pub fn of<E>(
        request: &EditRequest,
        content: impl FnMut(&Path) -> Result<ContentHash, E>,
    ) -> Result<Fingerprint, E> {
        Fingerprint::of_borrowed(&request.borrowed(), content)
    }

    /// Returns the fingerprint of a borrowed request.
    ///
    /// # Errors
    ///
    /// An error of `content`.
    pub fn of_borrowed<E>(
        request: &RequestRef<'_>,
        content: impl FnMut(&Path) -> Result<ContentHash, E>,
    ) -> Result<Fingerprint, E> {
        Fingerprint::in_form(Form::Normal, request, content)
    }

    /// Returns the fingerprint of the bytes of a request, as earlier versions recorded it. It is different only if the
    /// request is not [in normal form](RequestRef::is_in_normal_form).
    ///
    /// # Errors
    ///
    /// An error of `content`.
    pub fn as_written<E>(
        request: &RequestRef<'_>,
        content: impl FnMut(&Path) -> Result<ContentHash, E>,
    ) -> Result<Fingerprint, E> {
        Fingerprint::in_form(Form::Written, request, content)
    }

    fn in_form<E>(
        form: Form,
        request: &RequestRef<'_>,
        content: impl FnMut(&Path) -> Result<ContentHash, E>,
    ) -> Result<Fingerprint, E> {
        // This runs for millions of requests: the key is derived once per thread, and the parts are hashed in one call
        // by a hasher that is reset instead of copied, because it is large.
        thread_local! {
            static KEYED: RefCell<(blake3::Hasher, Vec<u8>)> = RefCell::new((
                blake3::Hasher::new_derive_key("dyehouse 2026-11 edit fingerprint v1"), Vec::new()
            ));
        }
        let hash = KEYED.with_borrow_mut(|(hasher, all)| {
            all.clear();
            each_part(form, request, content, |tag, part| {
                all.push(tag);
                all.extend_from_slice(&(part.len() as u64).to_le_bytes());
                all.extend_from_slice(part);
            })?;
            Ok(hasher.reset().update(all).finalize())
        })?;
        let (first, _) = hash.as_bytes().split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        Ok(Fingerprint(*first))
    }

    /// Returns the fingerprint of a re-roll of this edit with another seed.
    pub fn rerolled(self, seed: Seed) -> Fingerprint {
        let mut hasher = blake3::Hasher::new_derive_key("dyehouse 2026-11 re-roll fingerprint v1");
        hasher.update(&self.0).update(&seed.get().to_le_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Fingerprint(bytes)
    }

    /// Returns the first eight hex digits, for file names and messages.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(8);
        text
    }

    /// Returns the sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

hex_text!(Fingerprint);

/// A hash over the same data as a fingerprint, but five times as fast, with a random key per process. It distinguishes
/// edits where no journal is involved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHash(pub u64);

impl RequestHash {
    /// Returns the hash of `request`. `content` returns the hash of a local picture.
    ///
    /// # Errors
    ///
    /// An error of `content`.
    pub fn of<E>(
        request: &RequestRef<'_>,
        content: impl FnMut(&Path) -> Result<ContentHash, E>,
    ) -> Result<RequestHash, E> {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::default);
        let mut hasher = KEY.build_hasher();
        each_part(Form::Normal, request, content, |tag, part| {
            // No part is long enough for its length to overlap with the tag.
            hasher.write_u64(u64::from(tag) << 56 | part.len() as u64);
            hasher.write(part);
        })?;
        Ok(RequestHash(hasher.finish()))
    }
}

impl From<Fingerprint> for RequestHash {
    fn from(fingerprint: Fingerprint) -> RequestHash {
        let (first, _) = fingerprint.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        RequestHash(u64::from_be_bytes(*first))
    }
}

/// The form of the texts that are hashed.
#[derive(Clone, Copy)]
enum Form {
    Normal,
    Written,
}

/// Passes all parts of a request to `part`, each with a tag for its kind. Callers also hash the length of each part, so
/// that different requests never give the same bytes.
fn each_part<E>(
    form: Form,
    request: &RequestRef<'_>,
    mut content: impl FnMut(&Path) -> Result<ContentHash, E>,
    mut part: impl FnMut(u8, &[u8]),
) -> Result<(), E> {
    part(b'm', request.model.as_bytes());
    match form {
        Form::Normal => part(b'p', normal_prompt(request.prompt).as_bytes()),
        Form::Written => part(b'p', request.prompt.as_bytes()),
    }
    for image in request.images.iter() {
        match (image, form) {
            (ImageRef::Url(url), Form::Normal) => part(b'u', normal_url(url).as_bytes()),
            (ImageRef::Url(url), Form::Written) => part(b'u', url.as_str().as_bytes()),
            (ImageRef::Data(uri), _) => part(b'd', uri.as_bytes()),
            (ImageRef::File(path), _) => part(b'f', content(path)?.as_bytes()),
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

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
        print_with(request, b"picture")
    }

    fn print_with(request: &EditRequest, picture: &[u8]) -> Fingerprint {
        Fingerprint::of(request, |_| Ok::<_, Infallible>(ContentHash::of(picture))).unwrap()
    }

    #[test]
    fn a_fingerprint_round_trips_through_its_text() {
        let fingerprint = print(&request());
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert!("xyz".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn fingerprints_equal_those_in_existing_journals() {
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
    fn every_part_of_a_request_changes_the_fingerprint() {
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
        let request_hash = |request: &EditRequest| {
            let content = |_: &Path| Ok::<_, Infallible>(ContentHash::of(b"picture"));
            RequestHash::of(&request.borrowed(), content).unwrap().0
        };
        let mut likenesses: Vec<u64> = variants.iter().map(request_hash).collect();
        assert_eq!(request_hash(&base), likenesses[0]);
        likenesses.sort_unstable();
        likenesses.dedup();
        assert_eq!(likenesses.len(), variants.len());
    }

    #[test]
    fn local_pictures_are_identified_by_content_and_not_by_path() {
        let mut moved = request();
        moved.images[0] = ImageSource::File("elsewhere/a.png".into());
        assert_eq!(print(&request()), print(&moved));
        assert_ne!(print(&request()), print_with(&request(), b"retouched"));
    }

    #[test]
    fn a_request_that_was_only_exported_again_has_the_same_fingerprint() {
        let mut exported = request();
        exported.prompt = "make it blue \r\n".to_owned();
        exported.images[1] = ImageSource::Url("https://EXAMPLE.com/b.png?Expires=1767225600&Signature=s".to_owned());
        assert_eq!(print(&exported), print(&request()));
        let written = |request: &EditRequest| {
            Fingerprint::as_written(&request.borrowed(), |_| Ok::<_, Infallible>(ContentHash::of(b"picture"))).unwrap()
        };
        assert_eq!(written(&request()), print(&request()));
        assert_ne!(written(&exported), print(&exported));
    }

    #[test]
    fn a_picture_with_unknown_content_is_an_error() {
        assert_eq!(Fingerprint::of(&request(), |_| Err("not read")), Err("not read"));
        assert_eq!(RequestHash::of(&request().borrowed(), |_| Err("not read")), Err("not read"));
    }
}
