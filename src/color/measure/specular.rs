use crate::color::Rgb;
use crate::color::dominant_color::percentile;

/// The channel value, 0 to 1, from which on it may have been clipped. The true amount of light is then unknown.
const CLIPPED_CHANNEL: f32 = 0.97;

/// The smallest change of color, in linear light, from which shading can be read.
const MIN_CHANGE: f32 = 0.03;

/// The largest share of a change that may point away from the overall change. A larger share means a different picture.
const MAX_OFF_AXIS: f32 = 0.25;

/// The percentile of shading that counts as fully lit.
const FULLY_LIT_PERCENTILE: f32 = 0.80;

/// The share of a fully lit pixel's shading below which pixels are skipped. Their shading is too uncertain.
const MIN_SHADE: f32 = 0.4;

/// The share of pixels, those with the least gloss, that show the surface itself.
const CLEAREST_SHARE: f32 = 0.10;

/// The smallest number of pixels from which gloss is estimated.
const MIN_PIXELS: usize = 20;

/// The strongest gloss, in linear light, from which on a surface is polished.
const MIN_GLOSS: f32 = 0.1;

/// The color of a surface without its reflections, read from two pictures of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unveiled {
    /// The color in full light.
    pub(super) color: Rgb,
    /// Whether it mirrors lights.
    pub(super) is_glossy: bool,
}

/// Reads the color of a recolored surface from its pixels before and after.
///
/// Both pictures show the same surface under the same light: `before = shade * old + gloss` and
/// `after = shade * new + gloss`. Their difference, `shade * (new - old)`, contains no gloss. It is the shade of each
/// pixel up to a factor. Division by it gives all pixels the same light. The pixels with the least white then show the
/// color best, and the additional white in the others is gloss. On a dark and polished surface, gloss is most of the
/// light, and a single picture does not distinguish it from the color. Returns `None` if the pictures differ in
/// anything else, or too little.
pub(super) fn unveiled(pixels: &[(Rgb, Rgb)]) -> Option<Unveiled> {
    let mut direction = [0.0f32; 3];
    for change in pixels.iter().filter(|pair| !is_clipped(pair.0) && !is_clipped(pair.1)).map(change) {
        direction.iter_mut().zip(change).for_each(|(sum, channel)| *sum += channel);
    }
    let length = direction.iter().map(|channel| channel * channel).sum::<f32>().sqrt();
    if length < 1e-6 {
        return None;
    }
    let direction = direction.map(|channel| channel / length);
    let read: Vec<(f32, f32)> = pixels.iter().map(|pair| along(pair, direction)).collect();
    let mut shades: Vec<f32> = read.iter().map(|(shade, _)| *shade).collect();
    let mut astray: Vec<f32> = read.iter().map(|(_, astray)| *astray).collect();
    let lit = percentile(&mut shades, FULLY_LIT_PERCENTILE)?;
    if lit < MIN_CHANGE || percentile(&mut astray, 0.5)? > MAX_OFF_AXIS * percentile(&mut shades, 0.5)? {
        return None;
    }
    let evened = |is_wanted: fn(Rgb) -> bool| -> Vec<(f32, Rgb)> {
        let lit_enough =
            read.iter().zip(pixels).filter(|((shade, _), (_, after))| *shade > MIN_SHADE * lit && is_wanted(*after));
        lit_enough
            .map(|((shade, _), (_, after))| after.map(|channel| channel * lit / shade))
            .map(|color| (least(color), color))
            .collect()
    };
    let mut colors = evened(|after| !is_clipped(after));
    if colors.len() < MIN_PIXELS.max(pixels.len() / 20) {
        colors = evened(|_| true);
    }
    if colors.len() < MIN_PIXELS {
        return None;
    }
    let count = ((colors.len() as f32 * CLEAREST_SHARE) as usize).max(MIN_PIXELS / 2);
    colors.select_nth_unstable_by(count - 1, |one, other| one.0.total_cmp(&other.0));
    let mut color = [0.0; 3];
    for (channel, value) in color.iter_mut().enumerate() {
        *value = percentile(&mut colors[..count].iter().map(|(_, color)| color[channel]).collect::<Vec<_>>(), 0.5)?;
    }
    let white = least(color) / lit;
    let mut veils: Vec<f32> =
        read.iter().zip(pixels).map(|((shade, _), (_, after))| least(*after) - white * shade).collect();
    Some(Unveiled { color, is_glossy: percentile(&mut veils, 0.97)? > MIN_GLOSS })
}

fn change((before, after): &(Rgb, Rgb)) -> Rgb {
    std::array::from_fn(|channel| after[channel] - before[channel])
}

fn least(color: Rgb) -> f32 {
    color[0].min(color[1]).min(color[2])
}

fn is_clipped(color: Rgb) -> bool {
    color.iter().any(|channel| *channel > CLIPPED_CHANNEL)
}

/// Returns how far a pixel moved along `direction`, and how far away from it. Clipped channels do not count.
fn along(pair: &(Rgb, Rgb), direction: Rgb) -> (f32, f32) {
    let change = change(pair);
    let (mut sum, mut weight) = (0.0, 0.0);
    for channel in 0..3 {
        if pair.0[channel].max(pair.1[channel]) <= CLIPPED_CHANNEL {
            sum += change[channel] * direction[channel];
            weight += direction[channel] * direction[channel];
        }
    }
    if weight < 0.02 {
        // All channels that moved are clipped.
        (sum, weight) = (change.iter().zip(direction).map(|(change, part)| change * part).sum(), 1.0);
    }
    let shade = sum / weight;
    let mut astray = 0.0;
    for channel in 0..3 {
        if pair.0[channel].max(pair.1[channel]) <= CLIPPED_CHANNEL {
            astray += (change[channel] - shade * direction[channel]).powi(2);
        }
    }
    (shade, astray.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the pixels of a polished ball of the color `body` in a bright room. Its light goes from full to little,
    /// and its reflections increase toward its rim.
    fn polished(body: Rgb) -> Vec<Rgb> {
        let pixel = |step: u32| {
            let shade = 0.4 + 0.65 * (step % 40) as f32 / 40.0;
            let gloss = 0.02 + 0.2 * (step / 40) as f32 / 25.0;
            body.map(|channel| channel * shade + gloss)
        };
        (0..1000).map(pixel).collect()
    }

    fn read(before: Rgb, after: Rgb) -> Option<Unveiled> {
        let pairs: Vec<(Rgb, Rgb)> = polished(before).into_iter().zip(polished(after)).collect();
        unveiled(&pairs)
    }

    #[test]
    fn a_polished_black_is_told_from_its_gloss_whatever_it_was_before() {
        for before in [[0.56, 0.02, 0.02], [0.7, 0.7, 0.66], [0.03, 0.2, 0.08]] {
            let Unveiled { color, is_glossy } = read(before, [0.011; 3]).unwrap();
            assert!(color.iter().all(|channel| (0.02..0.05).contains(channel)), "{color:?}");
            assert!(is_glossy);
        }
    }

    #[test]
    fn a_surface_without_gloss_shows_its_color_in_full_light() {
        let shaded =
            |body: Rgb| (0..1000u32).map(move |step| body.map(|channel| channel * (0.4 + 0.0006 * step as f32)));
        let pairs: Vec<(Rgb, Rgb)> = shaded([0.6, 0.1, 0.1]).zip(shaded([0.04; 3])).collect();
        let Unveiled { color, is_glossy } = unveiled(&pairs).unwrap();
        assert!(!is_glossy && (0.03..0.04).contains(&color[0]), "{color:?}");
    }

    #[test]
    fn pictures_that_differ_in_more_than_one_color_tell_nothing() {
        let pairs: Vec<(Rgb, Rgb)> = polished([0.6, 0.1, 0.1])
            .into_iter()
            .zip(polished([0.1, 0.1, 0.6]))
            .enumerate()
            .map(|(index, (one, other))| (one, if index % 2 == 0 { other } else { one.map(|channel| channel * 0.3) }))
            .collect();
        assert_eq!(unveiled(&pairs), None);
        assert_eq!(read([0.3, 0.3, 0.3], [0.3, 0.3, 0.3]), None);
        assert_eq!(unveiled(&[]), None);
    }
}
