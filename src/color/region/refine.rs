use crate::color::filter::{Connected, components, erode, neighbors};
use crate::color::{Oklab, Plane};

use super::background::{Background, Ground, ground_around};
use super::clusters::{Clusters, chroma_distance};
use super::cut::minimum_cut;
use super::edges::Edges;

/// How far apart hues must be to be told apart for certain, in OKLab.
const APART: f32 = 0.004;

/// How far from the ground's hue a color of the product must be for hues to tell anything, and to tell what is before that
/// ground.
const TELLING: (f32, f32) = (0.002, 0.006);

/// The share of the product that a color has that is one of its colors.
const SHARE: f32 = 0.04;

/// How much a pixel's hue counts at most, and how much the side on which it was found.
const MOST: f32 = 2.0;
const FOUND: f32 = 0.25;

/// How much a pixel of outline costs where there is no edge.
const OUTLINE: f32 = 6.0;

/// The gradient at which an outline costs little.
const EDGE: f32 = 0.02;

/// How often the sides are told, each time with what the last one tells of the product and the ground.
const ROUNDS: usize = 2;

/// Beyond this saturation, a product is told from its background by its edges alone; so it is below this lightness.
const PALE: f32 = 0.06;
const LIGHT: f32 = 0.6;

/// From here on a channel's light may have been cut off, and with it the hue.
const CUT_OFF: f32 = 0.97;

/// What is darker than the background by the first is no washed-out product, and by the second no shadow.
const SHADE: (f32, f32) = (0.10, 0.30);

/// What is lighter than the background by this is none of it.
const LIGHTER: f32 = 0.03;

/// Where the ground takes less than this share of what is around a pixel, the picture's border tells of it.
const HIDDEN: f32 = 0.02;

/// The least share of its new outline that lies on edges where a piece is given to the ground, and to the product; the
/// gradient of an edge there, at least and as a multiple of the noise; and the fewest pixels that are such a piece.
const GIVEN: f32 = 0.85;
const TAKEN: f32 = 0.5;
const STEP: (f32, f32) = (0.010, 3.0);
const PIECE: usize = 60;

/// What no cut goes through.
const CERTAIN: f32 = 1e6;

/// A basin of the gradient.
#[derive(Clone, Default)]
struct Basin {
    area: f32,
    sum: [f32; 3],
    covered: f32,
    middle: [f32; 2],
    is_border: bool,
    /// The basins after it that it borders on, with the gradient's sum and the length of the line between them.
    edges: Vec<(u32, f32, f32)>,
}

/// Whether most of a product is so pale that its outline may be wrong, and there is enough of it to tell.
pub(super) fn is_washed_out(mask: &Plane<bool>, colors: &Plane<Oklab>) -> bool {
    let core = erode(mask, 2);
    let count = core.count();
    let pale = colors.data.iter().zip(&core.data).filter(|(color, is_set)| **is_set && is_pale(**color)).count();
    count >= 200 && pale * 2 >= count
}

fn is_pale(color: Oklab) -> bool {
    color.saturation() < PALE && color.l > LIGHT
}

/// Moves the outline of a pale product to where its hue ends: what the light has washed out differs from the
/// background in chroma alone, too little to make an edge that holds.
///
/// Each basin of the gradient is compared with the product's hues and the ground's, and an outline costs where there is
/// no edge: the cheapest cut parts them. So it leaves the ground within handles and between legs, and goes on where the
/// light has burnt the hue out. A product of the ground's own hue stays as it was found.
pub(super) fn refine_outline(
    mask: &Plane<bool>,
    colors: &Plane<Oklab>,
    background: &Background,
    labels: &Plane<u32>,
    gradient: &Plane<f32>,
) -> Plane<bool> {
    let basins = basins(mask, colors, labels, gradient);
    let links = links(&basins);
    let middle = background.at(colors.width / 2, colors.height / 2);
    let is_telling =
        |color: &Oklab| is_pale(*color) && color.brightest() < CUT_OFF && chroma_distance(*color, middle) > TELLING.0;
    let edges = Edges::new(gradient);
    let mut settled = mask.clone();
    for _round in 0..ROUNDS {
        let clusters = Clusters::find(colors, &erode(&settled, 2));
        let product: Vec<Oklab> = clusters.large(SHARE).filter(is_telling).collect();
        if product.is_empty() {
            break;
        }
        let ground = ground_around(&settled, colors);
        let behind = |basin: &Basin| {
            let (x, y) = (basin.middle[0] as usize, basin.middle[1] as usize);
            let Ground { color, share } = ground.at(x, y);
            if share < HIDDEN { background.at(x, y) } else { color }
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

/// `settled` without those of its changes to `mask` that end in the middle of a surface: a grey product has the hue of the
/// ground where it mirrors it, and the ground that of the product where it is unevenly lit, and neither has an edge there.
fn with_outline_on_edges(settled: &Plane<bool>, mask: &Plane<bool>, edges: &Edges) -> Plane<bool> {
    let strength = STEP.0.max(STEP.1 * edges.noise);
    let mut left = settled.clone();
    for (is_product, least) in [(false, GIVEN), (true, TAKEN)] {
        let is_changed = settled.zip(mask, |now, before| now == is_product && before != is_product);
        let (pieces, sizes) = components(&is_changed, Connected::Corners);
        let mut outlines: Vec<Vec<usize>> = vec![Vec::new(); sizes.len()];
        for (place, piece) in pieces.data.iter().enumerate().filter(|(_, piece)| **piece != 0) {
            let beside = neighbors(place, settled.width, settled.height);
            outlines[*piece as usize].extend(beside.filter(|beside| settled.data[*beside] != is_product));
        }
        let is_unfounded = |piece: u32| {
            let outline = &outlines[piece as usize];
            // What fills a hole has no outline.
            let is_large = sizes[piece as usize] >= PIECE && !outline.is_empty();
            piece != 0 && is_large && edges.share_of(outline.iter().copied(), strength) < least
        };
        let is_unfounded: Vec<bool> = (0..sizes.len() as u32).map(is_unfounded).collect();
        left = left.zip(&pieces, |is_set, piece| is_set != is_unfounded[piece as usize]);
    }
    left
}

/// The basins that border on each other, and what an outline between them costs.
fn links(basins: &[Basin]) -> Vec<(u32, u32, f32)> {
    let cost = |strength: f32, length: f32| OUTLINE * length * (-strength / length / EDGE).exp();
    let of = |(one, basin): (u32, &Basin)| {
        let edges = basin.edges.iter();
        edges.map(move |(other, strength, length)| (one, *other, cost(*strength, *length))).collect::<Vec<_>>()
    };
    (0..).zip(basins).flat_map(of).collect()
}

impl Basin {
    fn color(&self) -> Oklab {
        let [l, a, b] = self.sum.map(|sum| sum / self.area.max(1.0));
        Oklab { l, a, b }
    }

    /// Whether it was found to be the product.
    fn is_product(&self) -> bool {
        self.covered * 2.0 > self.area
    }

    /// How much speaks for the product, whose hues are known, where the ground behind has the color `behind`; where it is
    /// negative, for the ground.
    fn evidence(&self, product: &[Oklab], behind: Oklab) -> f32 {
        let color = self.color();
        let found = if self.is_product() { 1.0 } else { -1.0 };
        // A shadow may have any hue, and is never washed out; no light makes the ground lighter beside a product.
        let lighter = color.l - behind.l;
        let is_other = match self.is_product() {
            true => lighter > LIGHTER || lighter < -SHADE.1,
            false => lighter < -SHADE.0,
        };
        if self.is_border || is_other || color.saturation() > PALE {
            return found * CERTAIN;
        }
        if color.brightest() > CUT_OFF {
            // Its hue is unknown, and edges tell where it goes on.
            return FOUND * found.max(0.0) * self.area;
        }
        let telling = product.iter().filter(|hue| chroma_distance(**hue, behind) > TELLING.1);
        let off_product = telling.map(|hue| chroma_distance(color, *hue)).reduce(f32::min);
        let off_ground = chroma_distance(color, behind);
        let hue = off_product.map_or(0.0, |off_product| (off_ground.powi(2) - off_product.powi(2)) / APART.powi(2));
        (hue.clamp(-MOST, MOST) + found * FOUND) * self.area
    }
}

fn basins(mask: &Plane<bool>, colors: &Plane<Oklab>, labels: &Plane<u32>, gradient: &Plane<f32>) -> Vec<Basin> {
    let count = labels.data.iter().copied().max().map_or(0, |last| last as usize + 1);
    let mut basins = vec![Basin::default(); count];
    for (place, label) in labels.data.iter().enumerate() {
        let basin = &mut basins[*label as usize];
        let color = colors.data[place];
        basin.area += 1.0;
        basin.covered += f32::from(u8::from(mask.data[place]));
        for (sum, value) in basin.sum.iter_mut().zip([color.l, color.a, color.b]) {
            *sum += value;
        }
        basin.middle[0] += (place % labels.width) as f32;
        basin.middle[1] += (place / labels.width) as f32;
    }
    for (x, y) in labels.ring(1) {
        basins[labels.at(x, y) as usize].is_border = true;
    }
    for basin in &mut basins {
        basin.middle = basin.middle.map(|sum| sum / basin.area.max(1.0));
    }
    let mut meet = |one: usize, other: usize| {
        let strength = gradient.data[one].max(gradient.data[other]);
        let (one, other) = (labels.data[one], labels.data[other]);
        if one == other {
            return;
        }
        let (first, second) = (one.min(other), one.max(other));
        let edges = &mut basins[first as usize].edges;
        match edges.iter_mut().find(|(known, ..)| *known == second) {
            Some((_, sum, length)) => {
                *sum += strength;
                *length += 1.0;
            }
            None => edges.push((second, strength, 1.0)),
        }
    };
    for place in 0..labels.data.len() {
        if (place + 1) % labels.width != 0 {
            meet(place, place + 1);
        }
        if place + labels.width < labels.data.len() {
            meet(place, place + labels.width);
        }
    }
    basins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::region::edges::gradient;

    /// The gradient of `colors`, as it is for white on white.
    fn steps(colors: &Plane<Oklab>) -> Plane<f32> {
        gradient(&colors.map(|color| [color.l, color.a, color.b]), 9.0)
    }

    /// Whether the white rim of a cream product stays with it on a grey ground, each with its lightness.
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
        refine_outline(&mask, &colors, &Background::fit(&colors), &labels, &steps(&colors)).at(88, 60)
    }

    #[test]
    fn a_burnt_out_rim_stays_with_its_product_where_it_is_lighter_than_the_ground() {
        assert!(is_rim_left(1.0, 0.9));
        assert!(!is_rim_left(0.95, 0.95), "what looks like the ground is the ground");
    }

    const GROUND: Oklab = Oklab { l: 0.92, a: 0.0, b: 0.0 };
    const CREAM: Oklab = Oklab { l: 0.92, a: 0.0, b: 0.012 };

    /// A disc on `GROUND` that ends with an edge, settled. Each of its pixels, by its place beside the middle, has a color,
    /// a basin from 1, and was found to be the product or not; `steps` is the gradient within.
    fn disc(
        pixel: impl Fn(f32, f32) -> (Oklab, u32, bool),
        steps: impl Fn(&Plane<Oklab>) -> Plane<f32>,
    ) -> Plane<bool> {
        let (mut colors, mut labels) = (Plane::filled(120, 120, GROUND), Plane::filled(120, 120, 0));
        let mut mask = Plane::filled(120, 120, false);
        for place in 0..120 * 120 {
            let (x, y) = ((place % 120) as f32 - 60.0, (place / 120) as f32 - 60.0);
            let radius = x.hypot(y);
            if radius < 45.0 {
                (colors.data[place], labels.data[place], mask.data[place]) = pixel(x, y);
            }
        }
        let mut gradient = steps(&colors);
        for (place, step) in gradient.data.iter_mut().enumerate() {
            let (x, y) = ((place % 120) as f32 - 60.0, (place / 120) as f32 - 60.0);
            if (x.hypot(y) - 45.0).abs() < 1.5 {
                *step = 0.06;
            }
        }
        refine_outline(&mask, &colors, &Background::fit(&colors), &labels, &gradient)
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
        // The hue goes slowly.
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
            refine_outline(&mask, &colors, &Background::fit(&colors), &labels, &gradient).at(40, 60)
        };
        assert!(half(0.002), "no edge parts the halves");
        assert!(!half(0.06), "a shadow has an edge where the product begins");
    }
}
