use std::ops::Range;

use crate::color::Rgb;

use super::surface::{BLOCK, Surface, color, put};
use super::{Recoloring, Rim, Side};

/// A painter that works row by row. It needs no plane of the picture's full size.
pub struct Painter<'r> {
    recoloring: &'r Recoloring,
    height: usize,
    /// The factor by which the outline is sharper than that of the reduced picture.
    sharpness: f32,
    columns: Vec<Place>,
    /// The first and the last column that may change, in each row of the reduced picture.
    spans: Vec<Option<(usize, usize)>>,
}

/// The position of a column or row among those of the reduced picture: the two that enclose it, and the nearest one.
#[derive(Clone, Copy, Debug)]
struct Place {
    low: usize,
    high: usize,
    share: f32,
    nearest: usize,
}

impl Place {
    fn new(at: usize, of: usize, among: usize) -> Place {
        let exact = ((at as f32 + 0.5) * among as f32 / of as f32 - 0.5).clamp(0.0, (among - 1) as f32);
        let low = exact as usize;
        let high = (low + 1).min(among - 1);
        let share = exact - low as f32;
        Place { low, high, share, nearest: if share < 0.5 { low } else { high } }
    }
}

impl<'r> Painter<'r> {
    pub(super) fn new(recoloring: &'r Recoloring, width: usize, height: usize) -> Painter<'r> {
        let sides = &recoloring.matte.sides;
        let columns: Vec<Place> = (0..width).map(|x| Place::new(x, width, sides.width)).collect();
        let spans = sides
            .data
            .chunks_exact(sides.width.max(1))
            .map(|row| {
                let is_near = |side: &Side| *side != Side::Outside;
                Some((row.iter().position(is_near)?, row.iter().rposition(is_near)?))
            })
            .collect();
        let sharpness = width as f32 / sides.width as f32;
        Painter { recoloring, height, sharpness, columns, spans }
    }

    /// Returns the columns of a row that may change, if any.
    pub fn span(&self, y: usize) -> Option<Range<usize>> {
        let row = Place::new(y, self.height, self.recoloring.matte.sides.height).nearest;
        let (first, last) = self.spans[row]?;
        let from = self.columns.partition_point(|index| index.nearest < first);
        let to = self.columns.partition_point(|index| index.nearest <= last);
        (from < to).then_some(from..to)
    }

    /// Paints `pixels`, which belong to row `y` and start at column `first`.
    pub fn paint(&self, y: usize, first: usize, pixels: &mut [Rgb]) {
        let Recoloring { surface, matte, slow, .. } = self.recoloring;
        let row = Place::new(y, self.height, matte.sides.height);
        let width = matte.sides.width;
        let sides = &matte.sides.data[row.nearest * width..][..width];
        let slow_rows =
            slow.as_ref().map(|slow| (&slow.data[row.low * width..][..width], &slow.data[row.high * width..][..width]));
        let slow = |index: &Place| {
            slow_rows.map_or(1.0, |(upper, lower)| {
                let mix = |row: &[f32]| row[index.low] + (row[index.high] - row[index.low]) * index.share;
                mix(upper) + (mix(lower) - mix(upper)) * row.share
            })
        };
        let rim =
            |column: usize| matte.rim(row.low * width + column).mixed(matte.rim(row.high * width + column), row.share);
        let mut rest = pixels;
        for run in self.columns[first..][..rest.len()].chunk_by(|one, next| sides[one.nearest] == sides[next.nearest]) {
            let (pixels, behind) = rest.split_at_mut(run.len());
            rest = behind;
            match sides[run[0].nearest] {
                Side::Outside => {}
                Side::Inside => surface.light(pixels, |at| slow(&run[at])),
                Side::Band => {
                    for (run, pixels) in run.chunks(BLOCK).zip(pixels.chunks_mut(BLOCK)) {
                        let mut band = Band::default();
                        for (first, run) in enclosed(run) {
                            let (left, right) = (rim(run[0].low), rim(run[0].high));
                            for (lane, index) in (first..).zip(run) {
                                band.put(lane, pixels[lane], left.mixed(right, index.share), slow(index));
                            }
                        }
                        band.paint(surface, self.sharpness, pixels);
                    }
                }
            }
        }
    }
}

/// Returns the runs of columns that lie between the same two columns of the reduced picture, and where each begins.
fn enclosed(columns: &[Place]) -> impl Iterator<Item = (usize, &[Place])> {
    columns.chunk_by(|one, next| one.low == next.low).scan(0, |end, run| {
        *end += run.len();
        Some((*end - run.len(), run))
    })
}

/// Pixels at an outline, in plain arrays over which loops are vectorized.
struct Band {
    channels: [[f32; BLOCK]; 3],
    rims: [[f32; BLOCK]; Rim::VALUES],
    slows: [f32; BLOCK],
}

impl Default for Band {
    fn default() -> Band {
        Band { channels: [[0.0; BLOCK]; 3], rims: [[0.0; BLOCK]; Rim::VALUES], slows: [1.0; BLOCK] }
    }
}

impl Band {
    fn put(&mut self, lane: usize, pixel: Rgb, rim: Rim, slow: f32) {
        put(&mut self.channels, lane, pixel);
        self.rims.iter_mut().zip(rim.values()).for_each(|(lanes, value)| lanes[lane] = value);
        self.slows[lane] = slow;
    }

    /// Paints pixels that show part of the surface and part of its background. The steps are separate loops, because
    /// one loop over all of them is not vectorized.
    fn paint(&self, surface: &Surface, sharpness: f32, pixels: &mut [Rgb]) {
        let (mut shares, mut fronts) = ([0.0; BLOCK], [[0.0; BLOCK]; 3]);
        for (lane, share) in shares.iter_mut().enumerate() {
            let pixel = color(&self.channels, lane);
            let rim = Rim::of(std::array::from_fn(|at| self.rims[at][lane]));
            *share = rim.share(pixel, sharpness);
            put(&mut fronts, lane, front(pixel, rim, *share));
        }
        let lit = surface.lit_block(&fronts, &self.slows);
        let mut painted = [[0.0; BLOCK]; 3];
        for (lane, share) in shares.iter().enumerate() {
            let (pixel, lit, front) = (color(&self.channels, lane), color(&lit, lane), color(&fronts, lane));
            let mix = |channel: usize| (pixel[channel] + share * (lit[channel] - front[channel])).clamp(0.0, 1.0);
            put(&mut painted, lane, surface.lit_at_outline(pixel).unwrap_or(std::array::from_fn(mix)));
        }
        for (lane, pixel) in pixels.iter_mut().enumerate() {
            *pixel = color(&painted, lane);
        }
    }
}

/// Returns the surface's color in a pixel of which it covers a share.
#[inline(always)]
fn front(pixel: Rgb, rim: Rim, share: f32) -> Rgb {
    // The more of a pixel is covered, the better it shows the surface's color by itself.
    let own = ((share - 0.6) / 0.3).clamp(0.0, 1.0);
    std::array::from_fn(|channel| {
        let free = ((pixel[channel] - (1.0 - share) * rim.back[channel]) / share.max(1e-6)).clamp(0.0, 1.0);
        rim.front[channel] + own * (free - rim.front[channel])
    })
}
