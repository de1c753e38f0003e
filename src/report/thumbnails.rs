//! Thumbnails for the page. Each is made once, on all cores, and named by the content of its picture.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbImage};
use rayon::iter::{ParallelBridge, ParallelIterator};

use super::error::ReportError;
use super::files::{ReportFolder, THUMBNAILS};
use crate::job::ContentHash;
use crate::photo::Photo;

/// The longer side of a thumbnail, in pixels.
const LONGER_SIDE: u32 = 320;

/// The JPEG quality. At this size, a higher quality makes no visible difference.
const QUALITY: u8 = 82;

/// The maximum number of queued thumbnails: enough to keep all cores busy, and bounded to limit memory.
const MAX_WAITING: usize = 64;

/// Accepts orders for thumbnails while others are being made.
#[derive(Debug)]
pub(crate) struct Thumbnails {
    /// The names of thumbnails that exist or are ordered.
    known: HashSet<String>,
    orders: SyncSender<Order>,
}

#[derive(Debug)]
struct Order {
    source: PathBuf,
    target: PathBuf,
}

impl Thumbnails {
    /// Orders the thumbnail of the picture at `source`, unless it exists, and returns its name.
    ///
    /// A picture that cannot be decoded gets none, and the page falls back to the picture itself.
    pub(crate) fn of(&mut self, source: &Path, content: &ContentHash, report: &mut ReportFolder) -> String {
        let name = format!("{THUMBNAILS}/{}.jpg", &content.to_string()[..32]);
        report.keep(&name);
        if self.known.insert(name.clone()) {
            let order = Order { source: source.to_owned(), target: report.root().join(&name) };
            // The receiver exists until `orders` is dropped.
            let _ = self.orders.send(order);
        }
        name
    }
}

/// Runs `work`, which orders thumbnails for the report in `root`, while they are made. Returns when both are done.
pub(crate) fn alongside<T, E: From<ReportError>>(
    root: &Path,
    work: impl FnOnce(&mut Thumbnails) -> Result<T, E>,
) -> Result<T, E> {
    let folder = root.join(THUMBNAILS);
    fs::create_dir_all(&folder).map_err(|cause| ReportError::io("make", &folder, cause))?;
    let known = names(&folder).map_err(|cause| ReportError::io("read", &folder, cause))?;
    let (orders, queue) = mpsc::sync_channel::<Order>(MAX_WAITING);
    thread::scope(|scope| {
        scope.spawn(|| {
            queue.into_iter().par_bridge().for_each(|order| {
                if let Err(error) = order.fill() {
                    tracing::debug!(source = %order.source.display(), %error, "no thumbnail was made");
                }
            });
        });
        // When `thumbnails` is dropped, the channel closes, and the thread ends.
        let mut thumbnails = Thumbnails { known, orders };
        work(&mut thumbnails)
    })
}

/// Returns the existing thumbnails. Empty files, which a crash may leave behind, do not count.
fn names(folder: &Path) -> io::Result<HashSet<String>> {
    let entries = fs::read_dir(folder)?.flatten();
    let whole = entries.filter(|entry| entry.metadata().is_ok_and(|found| found.len() > 0));
    Ok(whole.map(|entry| format!("{THUMBNAILS}/{}", entry.file_name().to_string_lossy())).collect())
}

impl Order {
    fn fill(&self) -> io::Result<()> {
        let bytes = fs::read(&self.source)?;
        let jpeg = thumbnail(&bytes)?;
        let folder = self.target.parent().unwrap_or(Path::new("."));
        let mut file = crate::files::draft_in(folder)?;
        file.write_all(&jpeg)?;
        file.persist(&self.target).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Returns a JPEG of at most [`LONGER_SIDE`] pixels per side, with white in place of transparency.
fn thumbnail(encoded: &[u8]) -> io::Result<Vec<u8>> {
    let photo = Photo::decode(encoded).map_err(io::Error::other)?;
    let photo = if photo.longer_side() > LONGER_SIDE { photo.resized(LONGER_SIDE) } else { photo };
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    on_white(photo.image()).write_with_encoder(encoder).map_err(io::Error::other)?;
    Ok(jpeg)
}

fn on_white(pixels: &DynamicImage) -> RgbImage {
    if !pixels.color().has_alpha() {
        return pixels.to_rgb8();
    }
    let pixels = pixels.to_rgba8();
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0.map(u16::from);
        image::Rgb([red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgba, RgbaImage};

    fn png(image: &RgbaImage) -> Vec<u8> {
        let mut bytes = io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_thumbnail_keeps_the_aspect_ratio_and_has_a_white_background() {
        let clear = RgbaImage::from_pixel(1000, 500, Rgba([0, 0, 255, 0]));
        let small = image::load_from_memory(&thumbnail(&png(&clear)).unwrap()).unwrap().to_rgb8();
        assert_eq!(small.dimensions(), (320, 160));
        assert!(small.pixels().all(|pixel| pixel.0.iter().all(|value| *value > 250)));
    }

    #[test]
    fn small_pictures_are_not_enlarged() {
        let blue = RgbaImage::from_pixel(40, 30, Rgba([0, 0, 255, 255]));
        let small = image::load_from_memory(&thumbnail(&png(&blue)).unwrap()).unwrap();
        assert_eq!((small.width(), small.height()), (40, 30));
    }

    #[test]
    fn existing_thumbnails_are_kept_and_leftovers_of_a_crash_are_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("blue.png");
        fs::write(&source, png(&RgbaImage::from_pixel(8, 8, Rgba([0, 0, 255, 255])))).unwrap();
        let mut report = ReportFolder::open(folder.path().join("report")).unwrap();
        let root = report.root().to_owned();
        let mut order = |content: &[u8]| {
            alongside(&root, |thumbnails| {
                Ok::<_, ReportError>(thumbnails.of(&source, &ContentHash::of(content), &mut report))
            })
            .unwrap()
        };
        let name = order(b"a");
        assert!(fs::read(root.join(&name)).unwrap().starts_with(b"\xff\xd8"));
        fs::write(root.join(&name), "kept").unwrap();
        assert_eq!(order(b"a"), name);
        assert_eq!(fs::read(root.join(&name)).unwrap(), b"kept");
        fs::write(root.join(&name), "").unwrap();
        order(b"a");
        assert!(fs::read(root.join(&name)).unwrap().starts_with(b"\xff\xd8"));
    }
}
