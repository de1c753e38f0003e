use crate::color::{Plane, Rgb};

/// The weight of lightness relative to color in distances. When a surface changes its color, folds and
/// reflections change the amount of light on it, but hardly the hue.
const LIGHTNESS_WEIGHT: f32 = 0.2;

/// The channel value below which noise outweighs color, in linear light.
const MIN_CHANNEL: f32 = 0.02;

/// A surface in `N` pictures that differ in its color alone.
///
/// Its pixels are `shade * color + gloss * mirrored`, with one shade and one gloss in all pictures. What it mirrors is
/// white unless said otherwise. Distances from it are root mean
/// squares over the square roots of linear channels.
pub(super) struct LitSurface<const N: usize> {
    colors: [Rgb; N],
    /// The color of what it mirrors.
    mirrored: Rgb,
    /// The weights of the channels. With them, errors count like those of square roots.
    weights: [Rgb; N],
    /// The weighted sums of squared colors, of colors times the mirrored color, and of its squares.
    sums: [f32; 3],
}

impl<const N: usize> LitSurface<N> {
    /// Returns the surface with these colors in the pictures.
    pub(super) fn new(colors: [Rgb; N]) -> LitSurface<N> {
        LitSurface::mirroring([1.0; 3], colors)
    }

    /// Returns the surface with these colors in the pictures, in front of something of the color `mirrored`.
    pub(super) fn mirroring(mirrored: Rgb, colors: [Rgb; N]) -> LitSurface<N> {
        let weights = colors.map(|color| color.map(|channel| 1.0 / channel.max(MIN_CHANNEL)));
        let mut sums = [0.0; 3];
        for ((color, weight), mirrored) in
            colors.as_flattened().iter().zip(weights.as_flattened()).zip(mirrored.iter().cycle())
        {
            sums[0] += weight * color * color;
            sums[1] += weight * color * mirrored;
            sums[2] += weight * mirrored * mirrored;
        }
        LitSurface { colors, mirrored, weights, sums }
    }

    /// Whether a pixel is farther than `distance` from the surface under the light that suits it best.
    pub(super) fn is_beyond(&self, pixel: [Rgb; N], distance: f32) -> bool {
        !self.is_near(pixel, distance) && self.distance_squared(pixel) > distance * distance
    }

    /// Whether a pixel is certainly within a distance of the surface. This takes no roots, and is true for most pixels.
    fn is_near(&self, pixel: [Rgb; N], distance: f32) -> bool {
        let (shade, gloss) = self.light(pixel);
        // Each of N pictures adds at most the mean of its three channels to the squared distance.
        let most = distance * distance / N as f32;
        let colors = self.colors.as_flattened().iter().zip(self.mirrored.iter().cycle());
        pixel.as_flattened().iter().zip(colors).all(|(value, (color, mirrored))| {
            let lit = shade * color + gloss * mirrored;
            (value - lit) * (value - lit) < most * (value + lit)
        })
    }

    /// Returns the squared distance of a pixel from the surface under the light that suits it best.
    pub(super) fn distance_squared(&self, pixel: [Rgb; N]) -> f32 {
        let (shade, gloss) = self.light(pixel);
        let of = |pixel: Rgb, color: Rgb| {
            let lit: Rgb =
                std::array::from_fn(|channel| (shade * color[channel] + gloss * self.mirrored[channel]).sqrt());
            let off: Rgb = std::array::from_fn(|channel| pixel[channel].max(0.0).sqrt() - lit[channel]);
            let mean = (off[0] + off[1] + off[2]) / 3.0;
            LIGHTNESS_WEIGHT * mean * mean + off.iter().map(|off| (off - mean) * (off - mean)).sum::<f32>() / 3.0
        };
        pixel.into_iter().zip(self.colors).map(|(pixel, color)| of(pixel, color)).sum()
    }

    /// Returns the shade and the gloss, both at least 0, that suit a pixel best. This is a weighted least squares fit.
    fn light(&self, pixel: [Rgb; N]) -> (f32, f32) {
        let (mut by_color, mut by_white) = (0.0, 0.0);
        let channels =
            self.colors.as_flattened().iter().zip(self.weights.as_flattened()).zip(self.mirrored.iter().cycle());
        for (value, ((color, weight), mirrored)) in pixel.as_flattened().iter().zip(channels) {
            by_color += weight * value * color;
            by_white += weight * value * mirrored;
        }
        let [squares, colors, ones] = self.sums;
        let scale = squares * ones - colors * colors;
        let shade = (by_color * ones - by_white * colors) / scale;
        let gloss = (by_white * squares - by_color * colors) / scale;
        if shade >= 0.0 && gloss >= 0.0 {
            (shade, gloss)
        } else if shade < 0.0 {
            (0.0, (by_white / ones).max(0.0))
        } else {
            // Gloss on a grey surface is the same as more light, and makes the scale zero.
            ((by_color / squares.max(f32::MIN_POSITIVE)).max(0.0), 0.0)
        }
    }
}

/// Returns the pixels of a `region` in two pictures that are farther than `distance` from all `surfaces`, by their index.
pub(super) fn pixels_beyond(
    [before, after]: [&Plane<Rgb>; 2],
    surfaces: &[LitSurface<2>],
    distance: f32,
    region: &Plane<bool>,
) -> Vec<usize> {
    let is_beyond = |index: &usize| {
        let pixel = [before.data[*index], after.data[*index]];
        surfaces.iter().all(|surface| surface.is_beyond(pixel, distance))
    };
    (0..region.data.len()).filter(|index| region.data[*index]).filter(is_beyond).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surface_that_mirrors_a_pink_floor_is_itself_and_no_surface_in_white_light() {
        let (colors, pink) = ([[0.02, 0.2, 0.9], [0.56, 0.02, 0.02]], [1.4, 0.9, 0.6]);
        let pixel = colors.map(|color: Rgb| std::array::from_fn(|channel| 0.5 * color[channel] + 0.3 * pink[channel]));
        assert!(!LitSurface::mirroring(pink, colors).is_beyond(pixel, 0.01));
        assert!(LitSurface::new(colors).is_beyond(pixel, 0.05));
    }
}
