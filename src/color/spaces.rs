use std::f32::consts::{LN_2, LOG2_E, PI, TAU};
use std::sync::LazyLock;

/// A color in linear light: sRGB primaries, D65, 0 to 1 per channel.
pub type Rgb = [f32; 3];

/// A color in CIELAB under D65, with L* from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lab {
    /// The lightness.
    pub l: f64,
    /// The axis from green to red.
    pub a: f64,
    /// The axis from blue to yellow.
    pub b: f64,
}

/// A color in OKLab, with L from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Oklab {
    /// The lightness.
    pub l: f32,
    /// The axis from green to red.
    pub a: f32,
    /// The axis from blue to yellow.
    pub b: f32,
}

/// The linear light of all 256 encoded values.
static DECODED: LazyLock<[f32; 256]> =
    LazyLock::new(|| std::array::from_fn(|value| linear_of(value as f64 / 255.0) as f32));

/// The linear light of all 65536 encoded values.
static DECODED16: LazyLock<Box<[f32; 65536]>> = LazyLock::new(|| {
    let mut lights = Box::new([0.0; 65536]);
    lights.iter_mut().zip(0..).for_each(|(light, value)| *light = linear_of(f64::from(value) / 65535.0) as f32);
    lights
});

/// The linear light below which all light is encoded as 0.
const DARKEST: f32 = 1.0 / 8192.0;

/// The number of steps from there to full light. There are 128 in each doubling of light: the upper half of a number's
/// bits tells its step, and the lower half the place in the step.
const STEPS: usize = 13 * 128;

/// The encoded value at the beginning of each of these steps, and its increase within the step. Both are times 255, and
/// the value has one half for rounding.
static ENCODED: LazyLock<[[f32; 2]; STEPS + 1]> = LazyLock::new(|| {
    let light = |step: usize| f32::from_bits(DARKEST.to_bits() + ((step as u32) << 16));
    let value = |step: usize| (encoded_of(f64::from(light(step))) * 255.0 + 0.5) as f32;
    std::array::from_fn(|step| [value(step), value(step + 1) - value(step)])
});

/// Returns the linear light of each 8-bit encoded value, for loops over many values.
pub fn light_of_bytes() -> &'static [f32; 256] {
    &DECODED
}

/// Returns the linear light of each 16-bit encoded value, for loops over many values.
pub fn light_of_words() -> &'static [f32; 65536] {
    &DECODED16
}

/// Returns the linear light of encoded sRGB with 8 bits per channel.
pub fn decode(encoded: [u8; 3]) -> Rgb {
    encoded.map(|value| DECODED[usize::from(value)])
}

/// Returns the linear light of encoded sRGB with 16 bits per channel.
pub fn decode16(encoded: [u16; 3]) -> Rgb {
    let table = light_of_words();
    encoded.map(|value| table[usize::from(value)])
}

/// Returns linear light as encoded sRGB, rounded to 16 bits per channel. Values out of range are clipped.
pub fn encode16(linear: Rgb) -> [u16; 3] {
    linear.map(|value| (encoded_of(f64::from(value.clamp(0.0, 1.0))) * 65535.0 + 0.5) as u16)
}

/// Returns the linear light of an encoded value, by the transfer curve of IEC 61966-2-1.
fn linear_of(encoded: f64) -> f64 {
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// Returns the encoded value of linear light, by the inverse of that curve.
fn encoded_of(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Returns linear light as encoded sRGB, rounded to 8 bits per channel. Values out of range are clipped.
pub fn encode(linear: Rgb) -> [u8; 3] {
    Encoder::at_hand().encode(linear)
}

/// An encoder with a reference to its table: [`encode`] for loops over many pixels.
#[derive(Clone, Copy)]
pub struct Encoder(&'static [[f32; 2]; STEPS + 1]);

impl Encoder {
    /// Returns the encoder.
    pub fn at_hand() -> Encoder {
        Encoder(&ENCODED)
    }

    /// Returns the same as [`encode`].
    #[inline]
    pub fn encode(self, [r, g, b]: Rgb) -> [u8; 3] {
        let encoded = |value: f32| {
            let bits = value.max(DARKEST).to_bits().min(1.0_f32.to_bits()) - DARKEST.to_bits();
            let [low, increase] = self.0[(bits >> 16) as usize];
            (low + increase * ((bits & 0xFFFF) as f32 / 65536.0)) as u8
        };
        [encoded(r), encoded(g), encoded(b)]
    }
}

/// Returns the relative luminance: the Y of CIE XYZ, 0 to 1.
#[inline]
pub fn luminance(linear: Rgb) -> f32 {
    0.212_639 * linear[0] + 0.715_168_7 * linear[1] + 0.072_192_32 * linear[2]
}

impl From<Rgb> for Oklab {
    /// Converts a color by Ottosson's matrices (2020), which were derived for sRGB's primaries.
    #[inline(always)]
    fn from(linear: Rgb) -> Oklab {
        let [r, g, b] = linear.map(|value| value.max(0.0));
        let l = cube_root(0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_993 * b);
        let m = cube_root(0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b);
        let s = cube_root(0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b);
        Oklab {
            l: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            a: 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            b: 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        }
    }
}

/// Returns the cube root of a number that is not negative, to six digits. It starts from an estimate from the bits, and
/// takes two steps of Halley's method. Unlike the exact root, it has no branches, which allows vectorized loops over
/// pixels.
#[inline]
pub(super) fn cube_root(value: f32) -> f32 {
    let value = value.max(1e-15);
    let step = |root: f32| {
        let cube = root * root * root;
        root * (cube + 2.0 * value) / (2.0 * cube + value)
    };
    step(step(f32::from_bits(value.to_bits() / 3 + 0x2A51_4067)))
}

/// Returns a power of a number that is not negative, to six digits. Unlike `powf`, it has no branches and makes no calls,
/// which allows vectorized loops over pixels.
#[inline]
pub(super) fn power(value: f32, exponent: f32) -> f32 {
    power_of_two(exponent * logarithm(value))
}

/// Returns the logarithm of a number that is not negative to the base of 2. That of 0 is about -100.
#[inline]
pub(super) fn logarithm(value: f32) -> f32 {
    // The number is a mantissa between the roots of 1/2 and 2, times a power of two.
    const ROOT_OF_HALF: u32 = 0x3F35_04F3;
    let bits = value.max(1e-30).to_bits().wrapping_sub(ROOT_OF_HALF);
    let mantissa = f32::from_bits((bits & 0x007F_FFFF) + ROOT_OF_HALF);
    // The logarithm of the mantissa is a series in odd powers of this ratio.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = 2.0 * LOG2_E * (1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square / 7.0)));
    (bits as i32 >> 23) as f32 + ratio * series
}

/// Returns 2 to the power of `exponent`.
#[inline]
pub(super) fn power_of_two(exponent: f32) -> f32 {
    // A number of this size has no digits after the point, and its lowest bits are those of the whole exponent.
    const ROUNDER: f32 = 12_582_912.0;
    let exponent = exponent.clamp(-125.0, 125.0);
    let rounded = exponent + ROUNDER;
    let rest = exponent - (rounded - ROUNDER);
    let series = 0.055_504_11 + rest * (0.009_618_129 + rest * (0.001_333_356 + rest * 1.540_353e-4));
    let power = 1.0 + rest * (LN_2 + rest * (0.240_226_5 + rest * series));
    f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23))
}

/// Returns the length of a vector whose components are of the size of colors. Unlike `hypot`, it is vectorized.
pub(super) fn length(a: f32, b: f32) -> f32 {
    (a * a + b * b).sqrt()
}

impl Oklab {
    /// The saturation below which a color counts as neutral and has no usable hue.
    pub(crate) const NEUTRAL_SATURATION: f32 = 0.09;

    /// Returns the light of its brightest channel. It is 1 if that channel is clipped.
    pub(super) fn brightest(self) -> f32 {
        let l = (self.l + 0.396_337_78 * self.a + 0.215_803_76 * self.b).powi(3);
        let m = (self.l - 0.105_561_346 * self.a - 0.063_854_17 * self.b).powi(3);
        let s = (self.l - 0.089_484_18 * self.a - 1.291_485_5 * self.b).powi(3);
        let red = 4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s;
        let green = -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s;
        let blue = -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s;
        red.max(green).max(blue)
    }

    /// Returns the distance from another color.
    pub fn distance(self, other: Oklab) -> f32 {
        ((self.l - other.l).powi(2) + (self.a - other.a).powi(2) + (self.b - other.b).powi(2)).sqrt()
    }

    /// Returns the distance from grey.
    pub fn chroma(self) -> f32 {
        length(self.a, self.b)
    }

    /// Returns the angle of the hue, in radians.
    pub fn hue(self) -> f32 {
        self.b.atan2(self.a)
    }

    /// Returns the angle from another hue to this one, in radians, from -π to π.
    pub fn hue_from(self, other: Oklab) -> f32 {
        (self.hue() - other.hue() + PI).rem_euclid(TAU) - PI
    }

    /// Returns the chroma over the lightness: how colorful a surface is under any light.
    pub fn saturation(self) -> f32 {
        self.chroma() / self.l.max(0.05)
    }
}

impl From<Rgb> for Lab {
    /// Converts a color by CIE 15:2004, relative to the white of sRGB. Equal channels become exactly grey.
    fn from(linear: Rgb) -> Lab {
        const XYZ: [[f64; 3]; 3] = [
            [0.412_390_799_3, 0.357_584_339_4, 0.180_480_788_4],
            [0.212_639_005_9, 0.715_168_678_8, 0.072_192_315_4],
            [0.019_330_818_7, 0.119_194_779_8, 0.950_532_152_2],
        ];
        let [x, y, z] = XYZ.map(|row| {
            let sum: f64 = row.iter().zip(linear).map(|(factor, value)| factor * f64::from(value)).sum();
            lightness(sum / row.iter().sum::<f64>())
        });
        Lab { l: 116.0 * y - 16.0, a: 500.0 * (x - y), b: 200.0 * (y - z) }
    }
}

fn lightness(ratio: f64) -> f64 {
    const EPSILON: f64 = 216.0 / 24389.0;
    const KAPPA: f64 = 24389.0 / 27.0;
    if ratio > EPSILON { ratio.cbrt() } else { (KAPPA * ratio + 16.0) / 116.0 }
}

#[cfg(test)]
mod tests {
    use palette::{FromColor, LinSrgb};

    use super::*;

    #[test]
    fn every_encoded_value_survives_the_way_there_and_back() {
        for value in 0..=255 {
            assert_eq!(encode(decode([value; 3])), [value; 3]);
        }
        assert_eq!(encode([-0.5, 1.5, f32::NAN]), [0, 255, 0]);
    }

    proptest::proptest! {
        #[test]
        fn a_fast_power_equals_the_exact_one(value in 1e-6f32..1e3, exponent in -4.0f32..4.0) {
            let (fast, exact) = (f64::from(power(value, exponent)), f64::from(value).powf(f64::from(exponent)));
            proptest::prop_assert!((fast / exact - 1.0).abs() < 1e-5, "{fast} {exact}");
            proptest::prop_assert_eq!(power(value, 0.0), 1.0);
            proptest::prop_assert!(power(0.0, 0.5) < 1e-14);
        }

        #[test]
        fn the_spaces_agree_with_another_implementation(rgb in proptest::array::uniform3(0u8..)) {
            let linear = decode(rgb);
            let other = LinSrgb::new(linear[0], linear[1], linear[2]);
            let (ours, theirs) = (Oklab::from(linear), palette::Oklab::from_color(other));
            proptest::prop_assert!((ours.l - theirs.l).abs() < 1e-4 && (ours.a - theirs.a).abs() < 1e-4 && (ours.b - theirs.b).abs() < 1e-4);
            let brightest = linear.into_iter().fold(0.0, f32::max);
            proptest::prop_assert!((ours.brightest() - brightest).abs() < 1e-3);
            let (ours, theirs) = (Lab::from(linear), palette::Lab::from_color(other.into_format::<f64>()));
            proptest::prop_assert!((ours.l - theirs.l).abs() < 0.02 && (ours.a - theirs.a).abs() < 0.05 && (ours.b - theirs.b).abs() < 0.05);
        }

        #[test]
        fn encoding_is_right_to_the_rounding(value in 0.0f32..=1.0) {
            let exact = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
            let error = (f32::from(encode([value; 3])[0]) - exact * 255.0).abs();
            proptest::prop_assert!(error < 0.51, "{error}");
        }
    }
}
