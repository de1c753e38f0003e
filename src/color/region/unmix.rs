use crate::color::Rgb;

/// The largest veil in the color of a body, in linear light. Most surfaces reflect about 4 % of their surroundings.
const MAX_BODY_VEIL: f32 = 0.03;

/// The largest share of such a veil in the body's darkest channel.
const MAX_BODY_VEIL_SHARE: f32 = 0.6;

/// The share of a missing veil that is believed. The rest is light that the surface reflects onto itself, which also
/// makes a color purer.
const LESS_VEIL_SHARE: f32 = 0.6;

/// A model that splits colors into a body color under some shade and a white veil over it: `pixel = shade * body +
/// veil`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unmix {
    body: Rgb,
    square: f32,
    sum: f32,
    ridge: f32,
    /// The determinant of the least squares.
    determinant: f32,
    /// The largest veil in the body's own color.
    body_veil: f32,
    /// The share of a missing veil that is believed, over the determinant of the least squares.
    less_veil: f32,
}

impl Unmix {
    /// Returns a model for surfaces of the color `body`. A larger `ridge`, as a share of the body's square, makes veils
    /// rarer.
    pub(crate) fn new(body: Rgb, ridge: f32) -> Unmix {
        let square = dot(body, body).max(1e-9);
        let body_veil = (MAX_BODY_VEIL_SHARE * body[0].min(body[1]).min(body[2])).min(MAX_BODY_VEIL);
        let (sum, ridge): (f32, f32) = (body.iter().sum(), ridge * square);
        let determinant = square * (3.0 + ridge) - sum * sum;
        let less_veil = if determinant > 1e-9 { LESS_VEIL_SHARE / determinant } else { 0.0 };
        Unmix { body, square, sum, ridge, determinant, body_veil, less_veil }
    }

    /// Returns the right sides of the equations of the least squares.
    #[inline(always)]
    fn sums(&self, pixel: Rgb) -> (f32, f32) {
        (dot(pixel, self.body), pixel.iter().sum())
    }

    /// Returns the shade and the veil of a pixel, neither of them negative: least squares, with the ridge on the veil.
    #[inline(always)]
    pub(crate) fn split(&self, pixel: Rgb) -> (f32, f32) {
        let (along, total) = self.sums(pixel);
        // In a loop over pixels, the reciprocals are computed once.
        let (mut shade, mut veil) = (along * (1.0 / self.square), 0.0);
        if self.determinant.abs() > 1e-9 {
            let scale = 1.0 / self.determinant;
            let free = (self.square * total - self.sum * along) * scale;
            if free >= 0.0 {
                (shade, veil) = ((along * (3.0 + self.ridge) - self.sum * total) * scale, free);
            }
        }
        if shade < 0.0 { (0.0, total / 3.0) } else { (shade, veil) }
    }

    /// Returns the shade and the veil relative to those of the body, of which a part may itself be veil: at most
    /// [`MAX_BODY_VEIL`]. The veil of a pixel that mirrors less than the body is negative.
    #[inline(always)]
    pub(crate) fn split_relative(&self, pixel: Rgb) -> (f32, f32) {
        let (shade, veil) = self.split(pixel);
        let (along, total) = self.sums(pixel);
        // Without bounds, the veil would be negative where the pixel is purer than the body.
        let less = (self.less_veil * (self.square * total - self.sum * along)).max(-self.body_veil * shade).min(0.0);
        (shade - less * (self.sum / self.square), veil + less)
    }

    /// Returns the distance of a pixel from the mixture of its shade and veil, in linear light.
    #[inline(always)]
    pub(crate) fn residual(&self, pixel: Rgb, (shade, veil): (f32, f32)) -> f32 {
        let off = |channel: usize| (pixel[channel] - shade * self.body[channel] - veil).powi(2);
        (off(0) + off(1) + off(2)).sqrt()
    }

    /// Whether a pixel equals the mixture of its shade and veil, except for a `share` of its own light.
    #[inline(always)]
    pub(crate) fn is_mixture(&self, pixel: Rgb, split: (f32, f32), share: f32) -> bool {
        self.residual(pixel, split) < share * (norm(pixel) + 0.03)
    }

    /// Whether a pixel may be part of the body's surface: it contains enough of the body and little else.
    pub(crate) fn is_of_body(&self, pixel: Rgb, split: (f32, f32)) -> bool {
        split.0 > 0.06 && self.is_mixture(pixel, split, 0.16)
    }
}

#[inline]
pub(crate) fn dot(one: Rgb, other: Rgb) -> f32 {
    one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
}

/// Returns the length of a color as a vector.
#[inline]
pub(crate) fn norm(color: Rgb) -> f32 {
    dot(color, color).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_mixture_is_split_into_what_it_was_made_of(shade in 0.05f32..1.2, veil in 0.0f32..0.5) {
            let body = [0.7, 0.1, 0.05];
            let pixel = body.map(|channel| shade * channel + veil);
            let found = Unmix::new(body, 0.0).split(pixel);
            proptest::prop_assert!((found.0 - shade).abs() < 1e-3 && (found.1 - veil).abs() < 1e-3, "{found:?}");
            proptest::prop_assert!(Unmix::new(body, 0.0).residual(pixel, found) < 1e-3);
        }

        #[test]
        fn less_veil_than_in_the_body_is_partly_believed_and_never_more_than_it_can_have(veil in -0.2f32..0.0, shade in 0.5f32..1.2) {
            let body = [0.1, 0.2, 0.6];
            let (_, found) = Unmix::new(body, 0.0).split_relative(body.map(|channel| (shade * channel + veil).max(0.0)));
            proptest::prop_assert!((-0.03 * 1.2..=0.0).contains(&found), "{found}");
        }

        #[test]
        fn neither_part_is_ever_negative(pixel in proptest::array::uniform3(0.0f32..1.0), body in proptest::array::uniform3(0.0f32..1.0)) {
            let (shade, veil) = Unmix::new(body, 0.04).split(pixel);
            proptest::prop_assert!(shade >= 0.0 && veil >= 0.0);
        }
    }
}
