use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use image::{ImageError, ImageFormat, ImageReader};

use super::error::DecodeError;
use super::limits::limits;

/// The formats that the API accepts and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
}

/// A completely decoded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The format, detected from the content.
    pub format: Format,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
}

/// The reason why a file is not a complete picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It begins like no known format.
    #[error("{0}")]
    Unknown(&'static str),
    /// It is truncated.
    #[error("the {0} is cut off")]
    CutOff(&'static str),
    /// It would need too much memory.
    #[error("{}", DecodeError::TooLarge)]
    TooLarge,
    /// It cannot be decoded.
    #[error("{0}")]
    Undecodable(String),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 4] = [Format::Jpeg, Format::Png, Format::Gif, Format::WebP];

    /// Detects the format from the first bytes of a file.
    pub fn sniff(head: &[u8]) -> Option<Format> {
        match image::guess_format(head).ok()? {
            ImageFormat::Jpeg => Some(Format::Jpeg),
            ImageFormat::Png => Some(Format::Png),
            ImageFormat::Gif => Some(Format::Gif),
            ImageFormat::WebP => Some(Format::WebP),
            _ => None,
        }
    }

    /// Returns the file name extension of the format.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Jpeg => "jpg",
            Format::Png => "png",
            Format::Gif => "gif",
            Format::WebP => "webp",
        }
    }

    /// Returns the format with this file name extension.
    pub fn from_extension(extension: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.extension() == extension)
    }

    fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::Gif => "GIF",
            Format::WebP => "WebP",
        }
    }

    fn decoder(self) -> ImageFormat {
        match self {
            Format::Jpeg => ImageFormat::Jpeg,
            Format::Png => ImageFormat::Png,
            Format::Gif => ImageFormat::Gif,
            Format::WebP => ImageFormat::WebP,
        }
    }
}

/// Reads the format and the size from the header of the picture at `path`, and checks that the file is not truncated.
/// Nothing is decoded.
pub fn inspect(path: &Path) -> Result<Picture, PictureError> {
    let mut file = BufReader::new(File::open(path)?);
    let picture = header(&mut file)?;
    check_end_of(&mut file, picture.format)?;
    Ok(picture)
}

/// Reads the format and the size from the header of the picture in `source`.
pub fn header(source: &mut (impl BufRead + Seek)) -> Result<Picture, PictureError> {
    let format = format_of(source)?;
    let dimensions = reader(source, format)?.into_dimensions();
    let (width, height) = dimensions.map_err(|error| undecodable(&error).message_of(format))?;
    Ok(Picture { format, width, height })
}

impl PictureError {
    /// Converts the decoder's error to a uniform message, because the messages of the decoders differ.
    fn message_of(self, format: Format) -> PictureError {
        const CUT_OFF_MESSAGES: [&str; 6] =
            ["end of file", "eof", "exhausted", "more bytes", "enough bytes", "fill whole buffer"];
        let message = match &self {
            PictureError::Undecodable(message) => message.to_lowercase(),
            _ => return self,
        };
        match CUT_OFF_MESSAGES.iter().any(|end| message.contains(end)) {
            true => PictureError::CutOff(format.name()),
            false => PictureError::Undecodable(format!("its header is not that of a {}", format.name())),
        }
    }
}

/// Checks that the picture in `source` is not truncated, without decoding it.
pub fn check_end(source: &mut (impl BufRead + Seek)) -> Result<(), PictureError> {
    let format = format_of(source)?;
    check_end_of(source, format)
}

/// Decodes the picture in `source` completely, with bounded memory. The end is checked too, because decoders tolerate a
/// missing one.
pub fn verify(source: &mut (impl BufRead + Seek)) -> Result<Picture, PictureError> {
    let format = format_of(source)?;
    check_end_of(source, format)?;
    let decoded = reader(source, format)?.decode().map_err(|error| undecodable(&error))?;
    Ok(Picture { format, width: decoded.width(), height: decoded.height() })
}

fn format_of(source: &mut (impl Read + Seek)) -> Result<Format, PictureError> {
    let mut head = Vec::with_capacity(32);
    source.rewind()?;
    source.take(32).read_to_end(&mut head)?;
    Format::sniff(&head).ok_or_else(|| {
        PictureError::Unknown(match head.trim_ascii_start() {
            [] => "it is empty",
            [b'<', ..] => "it is a page of HTML or XML",
            [b'{' | b'[', ..] => "it is JSON",
            // Some servers compress everything, whether it was requested or not.
            [0x1F, 0x8B, ..] => "it is compressed with gzip",
            [0x28, 0xB5, 0x2F, 0xFD, ..] => "it is compressed with Zstandard",
            _ => "it is not a JPEG, PNG, GIF or WebP",
        })
    })
}

fn reader<S: BufRead + Seek>(source: &mut S, format: Format) -> io::Result<ImageReader<&mut S>> {
    source.rewind()?;
    let mut reader = ImageReader::with_format(source, format.decoder());
    reader.limits(limits());
    Ok(reader)
}

fn undecodable(error: &ImageError) -> PictureError {
    match error {
        ImageError::Limits(_) => PictureError::TooLarge,
        other => PictureError::Undecodable(other.to_string()),
    }
}

/// Checks that a picture has the end that its format requires. Anything may follow it, because some programs append
/// padding or other files.
fn check_end_of(source: &mut (impl BufRead + Seek), format: Format) -> Result<(), PictureError> {
    source.rewind()?;
    let is_whole = match format {
        Format::Jpeg => has_jpeg_end(source)?,
        Format::Png => reaches_end(has_png_end(source))?,
        Format::Gif => reaches_end(has_gif_end(source))?,
        Format::WebP => has_webp_length(source)?,
    };
    if is_whole { Ok(()) } else { Err(PictureError::CutOff(format.name())) }
}

/// Returns whether a search has found the end of a picture. It has not if the file ends before.
fn reaches_end(found: io::Result<bool>) -> io::Result<bool> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        found => found,
    }
}

/// Whether a PNG has its last chunk, with its checksum.
fn has_png_end(source: &mut impl BufRead) -> io::Result<bool> {
    const SIGNATURE: u64 = 8;
    const CHECKSUM: u64 = 4;
    skip(source, SIGNATURE)?;
    loop {
        let [a, b, c, d, kind @ ..] = bytes::<8>(source)?;
        skip(source, u64::from(u32::from_be_bytes([a, b, c, d])) + CHECKSUM)?;
        if kind == *b"IEND" {
            return Ok(true);
        }
    }
}

/// Whether a GIF has its trailer after its blocks (GIF89a, sections 18 to 27).
fn has_gif_end(source: &mut impl BufRead) -> io::Result<bool> {
    const EXTENSION: u8 = 0x21;
    const IMAGE: u8 = 0x2C;
    const TRAILER: u8 = 0x3B;
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let [.., flags, _background, _aspect] = bytes::<13>(source)?;
    skip(source, table(flags))?;
    loop {
        match bytes::<1>(source)? {
            [TRAILER] => return Ok(true),
            [EXTENSION] => skip(source, 1)?,
            [IMAGE] => {
                let [.., flags] = bytes::<9>(source)?;
                skip(source, table(flags) + 1)?;
            }
            // Some programs write the end of a block twice.
            [0] => continue,
            _ => return Ok(false),
        }
        loop {
            let [length] = bytes::<1>(source)?;
            if length == 0 {
                break;
            }
            skip(source, u64::from(length))?;
        }
    }
}

fn bytes<const N: usize>(source: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads over `count` bytes, all of which must exist.
fn skip(source: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut source.take(count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Whether a WebP has at least the length in its header.
fn has_webp_length(source: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut riff = [0; 8];
    source.read_exact(&mut riff)?;
    let [.., a, b, c, d] = riff;
    Ok(u64::from(u32::from_le_bytes([a, b, c, d])) + 8 <= source.seek(SeekFrom::End(0))?)
}

/// Whether a JPEG has an end-of-image marker after the start of its first scan. Thumbnails in the segments before have
/// their own marker, and phones append other files after it (ITU-T T.81, annex B).
fn has_jpeg_end(source: &mut impl BufRead) -> io::Result<bool> {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut in_scan = false;
    loop {
        if source.skip_until(0xFF)? == 0 {
            return Ok(false);
        }
        let marker = loop {
            match source.fill_buf()?.first().copied() {
                None => return Ok(false),
                // Any number of fill bytes may precede a marker.
                Some(0xFF) => source.consume(1),
                Some(byte) => break byte,
            }
        };
        source.consume(1);
        match marker {
            END_OF_IMAGE if in_scan => return Ok(true),
            START_OF_SCAN => in_scan = true,
            // A segment with a length. All others are standalone markers, or bytes of a scan.
            0xC0..=0xCF | 0xDB..=0xFE if !in_scan => skip_segment(source)?,
            _ => {}
        }
    }
}

fn skip_segment(source: &mut impl BufRead) -> io::Result<()> {
    let mut length = [0; 2];
    match source.read_exact(&mut length) {
        Ok(()) => io::copy(&mut source.take(u64::from(u16::from_be_bytes(length).saturating_sub(2))), &mut io::sink())?,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
        Err(error) => return Err(error),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};

    use super::*;
    use crate::photo::tests::with_side;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 * 4, y as u8 * 5, (x ^ y) as u8]));
        let mut bytes = io::Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn verify_bytes(bytes: &[u8]) -> Result<Picture, PictureError> {
        verify(&mut io::Cursor::new(bytes))
    }

    #[test]
    fn complete_pictures_pass_in_every_format() {
        for (encoder, format) in [
            (ImageFormat::Png, Format::Png),
            (ImageFormat::Jpeg, Format::Jpeg),
            (ImageFormat::Gif, Format::Gif),
            (ImageFormat::WebP, Format::WebP),
        ] {
            assert_eq!(verify_bytes(&encoded(encoder)).unwrap(), Picture { format, width: 64, height: 48 });
        }
    }

    #[test]
    fn a_jpeg_with_a_thumbnail_or_an_appended_file_is_complete() {
        let whole = encoded(ImageFormat::Jpeg);
        let mut thumbnail = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 8, 0xFF, 0xDA, 0xFF, 0xD9, 0, 0];
        thumbnail.extend(&whole[2..]);
        let video = [&whole[..], &[7; 10_000]].concat();
        for bytes in [&whole, &thumbnail, &video] {
            assert!(has_jpeg_end(&mut &bytes[..]).unwrap());
        }
        assert!(!has_jpeg_end(&mut &thumbnail[..thumbnail.len() - 2]).unwrap());
    }

    #[test]
    fn a_picture_with_something_behind_its_end_is_complete() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            for appended in [&[0; 5_000][..], &[7; 5_000], b"<!-- from the cache -->"] {
                let picture = verify_bytes(&[&encoded(format), appended].concat());
                assert_eq!(picture.map(|picture| picture.width).unwrap(), 64, "{format:?}");
            }
        }
    }

    #[test]
    fn a_truncated_picture_does_not_pass() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let whole = encoded(format);
            // Near the end, the file is cut at every byte, to cover bodies that are only slightly too short.
            let ends = (0..whole.len() - 16).step_by(29).chain(whole.len() - 16..whole.len());
            for end in ends {
                assert!(verify_bytes(&whole[..end]).is_err(), "{format:?} cut at {end} of {}", whole.len());
            }
        }
    }

    #[test]
    fn what_is_no_picture_is_reported_as_what_it_is() {
        let told = |bytes: &[u8]| verify_bytes(bytes).unwrap_err().to_string();
        assert_eq!(told(b"\n<!doctype html><title>expired</title>"), "it is a page of HTML or XML");
        assert_eq!(told(b"{\"error\": \"expired\"}"), "it is JSON");
        assert_eq!(told(b"\x1f\x8b\x08\0\0\0\0\0"), "it is compressed with gzip");
        assert_eq!(told(b"\x28\xb5\x2f\xfd\x04"), "it is compressed with Zstandard");
        assert_eq!(told(b"BM"), "it is not a JPEG, PNG, GIF or WebP");
        assert_eq!(told(b""), "it is empty");
    }

    #[test]
    fn a_decompression_bomb_is_refused_by_its_header() {
        let png = with_side(encoded(ImageFormat::Png), 60_000);
        let error = verify_bytes(&png).unwrap_err();
        assert!(matches!(error, PictureError::TooLarge), "{error}");
    }
}
