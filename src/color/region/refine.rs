use crate::color::filter::{Connected, components, erode, larger, neighbors};
use crate::color::{Oklab, Plane};

use super::background::{Background, Ground, ground_around};
use super::borders::{Border, borders};
use super::clusters::{Clusters, chroma_distance};
use super::cut::{UNCUTTABLE, minimum_cut};
use super::edges::Edges;

/// The distance at which two hues are certainly different, in OKLab.
const HUE_NOISE: f32 = 0.004;

/// The smallest distance of a product's color from the ground's hue at which hues are used at all, in OKLab.
const MIN_HUE_DISTANCE: f32 = 0.002;

/// The smallest such distance at which a color is used in front of that ground.
const MIN_LOCAL_HUE_DISTANCE: f32 = 0.006;

/// The smallest share of the product that counts as one of its colors.
const MIN_COLOR_SHARE: f32 = 0.04;

/// The largest weight of a pixel's hue.
const MAX_HUE_WEIGHT: f32 = 2.0;

/// The weight of the side on which a pixel was found before.
const PRIOR_WEIGHT: f32 = 0.25;

/// The cost of a pixel of outline where there is no edge.
const OUTLINE_COST: f32 = 6.0;

/// The gradient at which an outline costs little.
const EDGE_GRADIENT: f32 = 0.02;

/// The number of cuts, each with the colors of the previous one.
const ROUNDS: usize = 2;

/// The saturation above which only edges distinguish a product from its background.
const MAX_PALE_SATURATION: f32 = 0.06;

/// The OKLab lightness below which this also applies.
const MIN_PALE_LIGHTNESS: f32 = 0.6;

/// The channel value, 0 to 1, above which a color, and with it the hue, may have been clipped.
const CLIPPED_CHANNEL: f32 = 0.97;

/// The largest amount by which a washed-out product is darker than the background, in OKLab lightness.
const MAX_WASHED_OUT_SHADE: f32 = 0.10;

/// The largest amount by which a shadow is darker than the background, in OKLab lightness.
const MAX_SHADOW_SHADE: f32 = 0.30;

/// The largest amount by which parts of the background are lighter than the background, in OKLab lightness.
const MAX_LIGHTER: f32 = 0.03;

/// The share of ground in a pixel's surroundings below which its color is taken from the picture's border.
const MIN_GROUND_SHARE: f32 = 0.02;

/// The smallest share on edges of a piece's new outline, for a piece moved to the ground.
const MIN_EDGE_SHARE_REMOVED: f32 = 0.85;

/// The smallest share on edges of a piece's new outline, for a piece moved to the product.
const MIN_EDGE_SHARE_ADDED: f32 = 0.5;

/// The smallest gradient of such an edge.
const MIN_EDGE_GRADIENT: f32 = 0.010;

/// The smallest gradient of such an edge as a multiple of the noise.
const MIN_EDGE_NOISE_RATIO: f32 = 3.0;

/// The smallest number of pixels in such a piece.
const MIN_PIECE: usize = 60;

/// The largest distance between neighboring basins of one band, in OKLab. Light falls off along it.
const MAX_BAND_STEP: f32 = 0.02;

/// A basin of the gradient.
#[derive(Clone, Default)]
struct Basin {
    area: f32,
    sum: [f32; 3],
    covered: f32,
    middle: [f32; 2],
    is_border: bool,
}

/// Whether most of a product is so pale that its outline may be wrong. The product must be large enough to decide that.
pub(super) fn is_washed_out(mask: &Plane<bool>, colors: &Plane<Oklab>) -> bool {
    let core = erode(mask, 2);
    let count = core.count();
    let pale = colors.data.iter().zip(&core.data).filter(|(color, is_set)| **is_set && is_pale(**color)).count();
    count >= 200 && pale * 2 >= count
}

fn is_pale(color: Oklab) -> bool {
    color.saturation() < MAX_PALE_SATURATION && color.l > MIN_PALE_LIGHTNESS
}

/// Moves the outline of a pale product to the end of its hue. Washed-out areas differ from the background in chroma
/// alone, too little to make a reliable edge.
///
/// Each basin of the gradient is compared with the hues of the product and of the ground. An outline without an edge
/// has a cost, and the cheapest cut separates the two sides. This excludes the ground within handles and between legs,
/// and includes areas whose hue the light has burnt out. A product of the ground's hue remains unchanged.
pub(super) fn refine_outline(
    mask: &Plane<bool>,
    colors: &Plane<Oklab>,
    background: &Background,
    bands: &Plane<bool>,
    labels: &Plane<u32>,
    gradient: &Plane<f32>,
) -> Plane<bool> {
    let mut basins = basins(mask, colors, labels);
    let borders = borders(labels, basins.len(), |one, other| larger(gradient.data[one], gradient.data[other]));
    mark_bands(&mut basins, &borders, bands, labels);
    let links: Vec<(u32, u32, f32)> = borders.iter().map(link).collect();
    let middle = background.at(colors.width / 2, colors.height / 2);
    let is_telling = |color: &Oklab| {
        is_pale(*color) && color.brightest() < CLIPPED_CHANNEL && chroma_distance(*color, middle) > MIN_HUE_DISTANCE
    };
    let edges = Edges::new(gradient);
    let mut settled = mask.clone();
    for _round in 0..ROUNDS {
        let clusters = Clusters::find(colors, &erode(&settled, 2));
        let product: Vec<Oklab> = clusters.large(MIN_COLOR_SHARE).filter(is_telling).collect();
        if product.is_empty() {
            break;
        }
        let ground = ground_around(&settled, colors);
        let behind = |basin: &Basin| {
            let (x, y) = (basin.middle[0] as usize, basin.middle[1] as usize);
            let Ground { color, share } = ground.at(y * colors.width + x);
            if share < MIN_GROUND_SHARE { background.at(x, y) } else { color }
        };
        let own: Vec<f32> = basins.iter().map(|basin| basin.evidence(&product, behind(basin))).collect();
        let is_product = minimum_cut(&own, &links);
        settled = labels.zip(mask, |label, is_set| {
            let (basin, is_product) = (&basins[label as usize], is_product[label as usize]);
            if is_product == basin.is_product() { is_set } else { is_product }
        });
        settled = with_outline_on_edges(&settled, mask, &edges);
    }
    settled
}

/// Returns `settled` without those of its changes to `mask` that end in the middle of a surface. A grey product has the
/// hue of the ground in areas that mirror it. The ground has the hue of the product in areas that are unevenly lit.
/// Neither has an edge there.
fn with_outline_on_edges(settled: &Plane<bool>, mask: &Plane<bool>, edges: &Edges) -> Plane<bool> {
    let strength = MIN_EDGE_GRADIENT.max(MIN_EDGE_NOISE_RATIO * edges.noise);
    let mut left = settled.clone();
    for (is_product, least) in [(false, MIN_EDGE_SHARE_REMOVED), (true, MIN_EDGE_SHARE_ADDED)] {
        let is_changed = settled.zip(mask, |now, before| now == is_product && before != is_product);
        let (pieces, sizes) = components(&is_changed, Connected::Corners);
        let mut outlines: Vec<Vec<usize>> = vec![Vec::new(); sizes.len()];
        for (index, piece) in pieces.data.iter().enumerate().filter(|(_, piece)| **piece != 0) {
            let around = neighbors(index, settled.width, settled.height);
            outlines[*piece as usize].extend(around.filter(|neighbor| settled.data[*neighbor] != is_product));
        }
        let is_unfounded = |piece: u32| {
            let outline = &outlines[piece as usize];
            // A change that fills a hole has no outline.
            let is_large = sizes[piece as usize] >= MIN_PIECE && !outline.is_empty();
            piece != 0 && is_large && edges.share_of(outline.iter().copied(), strength) < least
        };
        let is_unfounded: Vec<bool> = (0..sizes.len() as u32).map(is_unfounded).collect();
        left = left.zip(&pieces, |is_set, piece| is_set != is_unfounded[piece as usize]);
    }
    left
}

/// Returns two basins that border on each other, and the cost of an outline between them.
fn link(border: &Border) -> (u32, u32, f32) {
    let gradient = border.strength / border.length;
    (border.ends.0, border.ends.1, OUTLINE_COST * border.length * (-gradient / EDGE_GRADIENT).exp())
}

impl Basin {
    fn color(&self) -> Oklab {
        let [l, a, b] = self.sum.map(|sum| sum / self.area.max(1.0));
        Oklab { l, a, b }
    }

    /// Whether the basin was found to be the product.
    fn is_product(&self) -> bool {
        self.covered * 2.0 > self.area
    }

    /// Returns the evidence for the product, whose hues are known, in front of a ground of the color `behind`. Negative
    /// values are evidence for the ground.
    fn evidence(&self, product: &[Oklab], behind: Oklab) -> f32 {
        let color = self.color();
        let found = if self.is_product() { 1.0 } else { -1.0 };
        // A shadow may have any hue, and is never washed out. No light makes the ground lighter next to a product.
        let lighter = color.l - behind.l;
        let is_other = match self.is_product() {
            true => !(-MAX_SHADOW_SHADE..=MAX_LIGHTER).contains(&lighter),
            false => lighter < -MAX_WASHED_OUT_SHADE,
        };
        if self.is_border || is_other || color.saturation() > MAX_PALE_SATURATION {
            return found * UNCUTTABLE;
        }
        if color.brightest() > CLIPPED_CHANNEL {
            // The basin's hue is unknown. Edges determine how far the product continues.
            return PRIOR_WEIGHT * found.max(0.0) * self.area;
        }
        let telling = product.iter().filter(|hue| chroma_distance(**hue, behind) > MIN_LOCAL_HUE_DISTANCE);
        let off_product = telling.map(|hue| chroma_distance(color, *hue)).reduce(f32::min);
        let off_ground = chroma_distance(color, behind);
        let hue = off_product.map_or(0.0, |off_product| (off_ground.powi(2) - off_product.powi(2)) / HUE_NOISE.powi(2));
        (hue.clamp(-MAX_HUE_WEIGHT, MAX_HUE_WEIGHT) + found * PRIOR_WEIGHT) * self.area
    }
}

/// Marks the ground that continues in the same color from `bands` at the picture's border as certain ground. A white
/// skirting may have the product's hue.
fn mark_bands(basins: &mut [Basin], borders: &[Border], bands: &Plane<bool>, labels: &Plane<u32>) {
    let mut neighbors = vec![Vec::new(); basins.len()];
    for border in borders {
        let (one, other) = (border.ends.0 as usize, border.ends.1 as usize);
        if basins[one].color().distance(basins[other].color()) < MAX_BAND_STEP {
            neighbors[one].push(other);
            neighbors[other].push(one);
        }
    }
    let at_border = labels.ring(1).filter(|(x, y)| bands.at(*x, *y)).map(|(x, y)| labels.at(x, y) as usize);
    let mut queue: Vec<usize> = at_border.collect();
    while let Some(index) = queue.pop() {
        let near = std::mem::take(&mut neighbors[index]);
        queue.extend(near.into_iter().filter(|other| !basins[*other].is_product()));
        basins[index].is_border = true;
    }
}

fn basins(mask: &Plane<bool>, colors: &Plane<Oklab>, labels: &Plane<u32>) -> Vec<Basin> {
    let count = labels.data.iter().copied().max().map_or(0, |last| last as usize + 1);
    let mut basins = vec![Basin::default(); count];
    for (index, label) in labels.data.iter().enumerate() {
        let basin = &mut basins[*label as usize];
        let color = colors.data[index];
        basin.area += 1.0;
        basin.covered += f32::from(u8::from(mask.data[index]));
        for (sum, value) in basin.sum.iter_mut().zip([color.l, color.a, color.b]) {
            *sum += value;
        }
        basin.middle[0] += (index % labels.width) as f32;
        basin.middle[1] += (index / labels.width) as f32;
    }
    for (x, y) in labels.ring(1) {
        basins[labels.at(x, y) as usize].is_border = true;
    }
    for basin in &mut basins {
        basin.middle = basin.middle.map(|sum| sum / basin.area.max(1.0));
    }
    basins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::region::edges::gradient;

    /// Returns the gradient of `colors`, with the chroma weight for white on white.
    fn steps(colors: &Plane<Oklab>) -> Plane<f32> {
        gradient(&colors.map(|color| [color.l, color.a, color.b]), 9.0)
    }

    /// Whether the white rim of a cream product remains part of it on a grey ground. `rim` and `ground` are lightness
    /// values.
    fn is_rim_left(rim: f32, ground: f32) -> bool {
        let ground = Oklab { l: ground, a: 0.0, b: 0.0 };
        let mut colors = Plane::filled(120, 120, ground);
        let mut mask = Plane::filled(120, 120, false);
        let mut labels = Plane::filled(120, 120, 0);
        for (x, y) in (30..90).flat_map(|x| (30..90).map(move |y| (x, y))) {
            let is_rim = x >= 86;
            colors.data[y * 120 + x] =
                Oklab { l: if is_rim { rim } else { 0.9 }, a: 0.0, b: if is_rim { 0.0 } else { 0.02 } };
            labels.data[y * 120 + x] = if is_rim { 2 } else { 1 };
            mask.data[y * 120 + x] = true;
        }
        refine_outline(&mask, &colors, &Background::fit(&colors), &colors.map(|_| false), &labels, &steps(&colors))
            .at(88, 60)
    }

    #[test]
    fn a_burnt_out_rim_stays_with_its_product_where_it_is_lighter_than_the_ground() {
        assert!(is_rim_left(1.0, 0.9));
        assert!(!is_rim_left(0.95, 0.95), "what looks like the ground is the ground");
    }

    const GROUND: Oklab = Oklab { l: 0.92, a: 0.0, b: 0.0 };
    const CREAM: Oklab = Oklab { l: 0.92, a: 0.0, b: 0.012 };

    /// Returns the settled mask of a disc on `GROUND` that ends with an edge. `pixel` maps a position relative to the
    /// middle to a color, a basin from 1, and whether it was found to be the product. `steps` is the gradient within
    /// the disc.
    fn disc(
        pixel: impl Fn(f32, f32) -> (Oklab, u32, bool),
        steps: impl Fn(&Plane<Oklab>) -> Plane<f32>,
    ) -> Plane<bool> {
        let (mut colors, mut labels) = (Plane::filled(120, 120, GROUND), Plane::filled(120, 120, 0));
        let mut mask = Plane::filled(120, 120, false);
        for index in 0..120 * 120 {
            let (x, y) = ((index % 120) as f32 - 60.0, (index / 120) as f32 - 60.0);
            let radius = x.hypot(y);
            if radius < 45.0 {
                (colors.data[index], labels.data[index], mask.data[index]) = pixel(x, y);
            }
        }
        let mut gradient = steps(&colors);
        for (index, step) in gradient.data.iter_mut().enumerate() {
            let (x, y) = ((index % 120) as f32 - 60.0, (index / 120) as f32 - 60.0);
            if (x.hypot(y) - 45.0).abs() < 1.5 {
                *step = 0.06;
            }
        }
        refine_outline(&mask, &colors, &Background::fit(&colors), &colors.map(|_| false), &labels, &gradient)
    }

    #[test]
    fn the_ground_within_a_white_handle_is_told_by_its_hue_if_the_product_has_another_one() {
        let handle = |product: Oklab| {
            disc(move |x, y| if x.hypot(y) < 30.0 { (GROUND, 2, true) } else { (product, 1, true) }, steps)
        };
        let cream = handle(CREAM);
        assert!(!cream.at(60, 60) && cream.at(60, 22) && !cream.at(60, 10));
        let grey = handle(Oklab { l: 0.88, ..GROUND });
        assert!(grey.at(60, 60) && grey.at(60, 22), "of the ground's own hue, it stays as it was found");
    }

    #[test]
    fn edges_tell_a_product_that_has_nearly_the_grounds_hue() {
        let warm = Oklab { b: 0.003, ..CREAM };
        let pixel = |x: f32, y: f32| match x.hypot(y) {
            0.0..30.0 if x < 0.0 => (GROUND, 2, true),
            0.0..30.0 => (warm, 3, false),
            _ => (warm, 1, true),
        };
        let handle = disc(pixel, steps);
        assert!(handle.at(60, 22) && handle.at(75, 60), "what no edge parts from it is the product");
    }

    #[test]
    fn a_white_product_goes_on_up_to_an_edge_where_the_light_has_burnt_out_its_hue() {
        let pixel = |x: f32, _| if x < 0.0 { (CREAM, 1, true) } else { (Oklab { l: 1.0, ..GROUND }, 2, false) };
        // The hue changes slowly.
        let burnt = disc(pixel, |colors| colors.map(|_| 0.002));
        assert!(burnt.at(40, 60) && burnt.at(90, 60) && !burnt.at(112, 60));
    }

    #[test]
    fn half_of_a_grey_product_that_mirrors_the_ground_is_no_ground_where_no_edge_parts_it() {
        let half = |edge: f32| {
            let mut gradient = Plane::filled(120, 120, 0.002);
            (0..120).for_each(|y| gradient.data[y * 120 + 60] = edge);
            let (mut colors, mut labels) = (Plane::filled(120, 120, GROUND), Plane::filled(120, 120, 0));
            let mut mask = Plane::filled(120, 120, false);
            for (x, y) in (30..90).flat_map(|x| (30..90).map(move |y| (x, y))) {
                let hue = if x < 60 { 0.0 } else { 0.02 };
                colors.data[y * 120 + x] = Oklab { l: 0.75, a: 0.0, b: hue };
                labels.data[y * 120 + x] = if x < 60 { 1 } else { 2 };
                mask.data[y * 120 + x] = true;
            }
            refine_outline(&mask, &colors, &Background::fit(&colors), &colors.map(|_| false), &labels, &gradient)
                .at(40, 60)
        };
        assert!(half(0.002), "no edge parts the halves");
        assert!(!half(0.06), "a shadow has an edge where the product begins");
    }

    #[test]
    fn a_skirting_of_the_products_hue_that_continues_from_the_border_is_not_added() {
        let is_added = |is_band: bool| {
            let mut colors = Plane::filled(120, 120, Oklab { b: 0.03, ..GROUND });
            let (mut labels, mut mask) = (Plane::filled(120, 120, 0), Plane::filled(120, 120, false));
            let mut bands = mask.clone();
            for (x, y) in (0..120).flat_map(|x| (30..100).map(move |y| (x, y))) {
                let index = y * 120 + x;
                let is_product = (40..80).contains(&x);
                if is_product || (55..70).contains(&y) {
                    colors.data[index] = Oklab { l: if is_product { 0.95 } else { 0.93 }, a: 0.0, b: 0.005 };
                    // The band consists of several basins.
                    labels.data[index] = if is_product { 1 } else { 2 + x as u32 / 10 };
                    mask.data[index] = is_product;
                    bands.data[index] = is_band && !is_product;
                }
            }
            let background = Background::fit(&colors);
            let refined = refine_outline(&mask, &colors, &background, &bands, &labels, &steps(&colors));
            assert!(refined.at(60, 60));
            refined.at(25, 60)
        };
        assert!(!is_added(true));
        assert!(is_added(false), "a handle of the same color is");
    }
}
