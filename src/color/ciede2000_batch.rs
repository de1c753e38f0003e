use super::{Plane, Rgb};

/// The number of pixels that are converted at once. A block stays in the first-level cache, and its loops vectorize.
const BLOCK: usize = 64;

type Lanes = [f32; BLOCK];

/// Returns the ΔE00 of each pixel of two pictures of the same size.
///
/// This is [`super::ciede2000`] in single precision, to within 0.01 plus a thousandth of the difference. The formula
/// itself jumps if two hues are opposite, and rounding decides the side of the jump. The hue of a grey color is
/// rounding error.
///
/// The computation has no branches and makes no calls, which allows vectorization. It needs no angles: the mean hue is
/// the direction of the sum of both hues' directions, and its multiples follow from it.
pub(super) fn differences(one: &Plane<Rgb>, other: &Plane<Rgb>) -> Plane<f32> {
    debug_assert_eq!((one.width, one.height), (other.width, other.height));
    let mut data = vec![0.0; one.data.len()];
    let blocks = one.data.chunks(BLOCK).zip(other.data.chunks(BLOCK)).zip(data.chunks_mut(BLOCK));
    for ((one, other), found) in blocks {
        if one == other {
            continue;
        }
        let (one, other) = (lab(one), lab(other));
        let mut block = [0.0; BLOCK];
        for (lane, found) in block.iter_mut().enumerate() {
            let at = |lab: &[Lanes; 3]| [lab[0][lane], lab[1][lane], lab[2][lane]];
            *found = difference(at(&one), at(&other));
        }
        found.copy_from_slice(&block[..found.len()]);
    }
    Plane { width: one.width, height: one.height, data }
}

/// Returns the CIELAB values of up to one block of colors, channel by channel.
fn lab(colors: &[Rgb]) -> [Lanes; 3] {
    let mut channels = [[0.0; BLOCK]; 3];
    for (lane, color) in colors.iter().enumerate() {
        for (channel, value) in channels.iter_mut().zip(color) {
            channel[lane] = *value;
        }
    }
    let mut lab = [[0.0; BLOCK]; 3];
    for lane in 0..BLOCK {
        let [r, g, b] = [channels[0][lane], channels[1][lane], channels[2][lane]];
        // The rows of the matrix to XYZ, each divided by its sum.
        let x = lightness(0.433_887_35 * r + 0.376_224 * g + 0.189_888_65 * b);
        let y = lightness(0.212_639 * r + 0.715_168_7 * g + 0.072_192_3 * b);
        let z = lightness(0.017_750_04 * r + 0.109_447_62 * g + 0.872_802_3 * b);
        lab[0][lane] = 116.0 * y - 16.0;
        lab[1][lane] = 500.0 * (x - y);
        lab[2][lane] = 200.0 * (y - z);
    }
    lab
}

fn lightness(ratio: f32) -> f32 {
    const EPSILON: f32 = 216.0 / 24389.0;
    const KAPPA: f32 = 24389.0 / 27.0;
    let (root, line) = (super::spaces::cube_root(ratio), (KAPPA * ratio + 16.0) / 116.0);
    if ratio > EPSILON { root } else { line }
}

fn difference(one: [f32; 3], other: [f32; 3]) -> f32 {
    let ([l1, a1, b1], [l2, a2, b2]) = (one, other);
    let mean = ((a1 * a1 + b1 * b1).sqrt() + (a2 * a2 + b2 * b2).sqrt()) / 2.0;
    let stretch = 1.5 - 0.5 * bend(mean);
    let (a1, a2) = (a1 * stretch, a2 * stretch);
    let (chroma1, chroma2) = ((a1 * a1 + b1 * b1).sqrt(), (a2 * a2 + b2 * b2).sqrt());
    // The direction of the mean hue. It does not matter if a color is grey.
    let (across, up) = (a1 * chroma2 + a2 * chroma1, b1 * chroma2 + b2 * chroma1);
    let length = (across * across + up * up).sqrt().max(1e-12);
    let (cosine, sine) = (across / length, up / length);

    let chroma = (chroma1 + chroma2) / 2.0;
    let by_chroma = chroma2 - chroma1;
    let (by_a, by_b) = (a2 - a1, b2 - b1);
    let by_hue = (by_a * by_a + by_b * by_b - by_chroma * by_chroma).max(0.0).sqrt().copysign(a1 * b2 - a2 * b1);
    let (cosine2, sine2) = (2.0 * cosine * cosine - 1.0, 2.0 * sine * cosine);
    let (cosine3, sine3) = (cosine * cosine2 - sine * sine2, sine * cosine2 + cosine * sine2);
    let (cosine4, sine4) = (2.0 * cosine2 * cosine2 - 1.0, 2.0 * sine2 * cosine2);
    // The cosines and sines of 30, 6 and 63 degrees.
    let wave = 1.0 - 0.17 * (0.866_025_4 * cosine + 0.5 * sine)
        + 0.24 * cosine2
        + 0.32 * (0.994_521_9 * cosine3 - 0.104_528_46 * sine3)
        - 0.20 * (0.453_990_5 * cosine4 + 0.891_006_5 * sine4);
    let off_middle = (l1 + l2) / 2.0 - 50.0;
    let off_middle = off_middle * off_middle;
    let by_lightness = (l2 - l1) / (1.0 + 0.015 * off_middle / (20.0 + off_middle).sqrt());
    let by_chroma = by_chroma / (1.0 + 0.045 * chroma);
    let by_hue = by_hue / (1.0 + 0.015 * chroma * wave);
    let rotation = -2.0 * bend(chroma) * blue_turn(cosine, sine);
    let square = by_lightness * by_lightness + by_chroma * by_chroma + by_hue * by_hue + rotation * by_chroma * by_hue;
    square.max(0.0).sqrt()
}

fn bend(chroma: f32) -> f32 {
    const OF_25: f32 = 6_103_515_625.0;
    let square = chroma * chroma;
    let power = square * square * square * chroma;
    (power / (power + OF_25)).sqrt()
}

/// Returns the sine of an angle: 60 degrees times a bell around the hue of 275 degrees that is 25 degrees wide.
fn blue_turn(cosine: f32, sine: f32) -> f32 {
    // The cosine and sine of 275 degrees. `half` is the tangent of half the angle to that hue. It is at most 1, which
    // is beyond the bell.
    let (along, across) = (0.087_155_74 * cosine - 0.996_194_7 * sine, 0.996_194_7 * cosine + 0.087_155_74 * sine);
    let half = if along > 0.0 { across / (1.0 + along) } else { 1.0 };
    let square = half * half;
    let angle = 2.0
        * half
        * (0.999_866 + square * (-0.330_299_5 + square * (0.180_141 + square * (-0.085_133 + square * 0.020_835_1))));
    let off = angle * (180.0 / std::f32::consts::PI / 25.0);
    // The exponential of -off² is the 64th power of the exponential of a 64th of -off².
    let part = off * off / 64.0;
    let mut bell = 1.0 / (1.0 + part * (1.0 + part * (0.5 + part * (1.0 / 6.0 + part / 24.0))));
    for _square in 0..6 {
        bell *= bell;
    }
    let turn = bell * (std::f32::consts::PI / 3.0);
    let square = turn * turn;
    turn * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{Lab, ciede2000, decode};

    /// Whether rounding decides the difference. Either a color is grey and its hue is rounding error, or the hues are
    /// within half a degree of being opposite.
    fn is_rounding(one: [f32; 3], other: [f32; 3]) -> bool {
        let ([_, a1, b1], [_, a2, b2]) = (one, other);
        let stretch = 1.5 - 0.5 * bend((a1.hypot(b1) + a2.hypot(b2)) / 2.0);
        let (a1, a2) = (a1 * stretch, a2 * stretch);
        let (along, across) = (a1 * a2 + b1 * b2, a1 * b2 - a2 * b1);
        let is_grey = a1.hypot(b1).min(a2.hypot(b2)) < 0.01;
        is_grey || (along < 0.0 && across.abs() < 0.01 * along.abs())
    }

    #[test]
    fn a_grey_is_as_far_from_a_color_as_the_formula_says_but_for_the_hue_of_the_grey() {
        let [one, other] =
            [[174, 174, 174], [0, 178, 157]].map(|color| Plane { width: 1, height: 1, data: vec![decode(color)] });
        let exact = ciede2000(Lab::from(one.data[0]), Lab::from(other.data[0]));
        assert!((f64::from(differences(&one, &other).data[0]) - exact).abs() < 0.1);
    }

    #[test]
    fn opposite_hues_are_as_far_apart_as_on_one_side_of_the_jump() {
        let [one, other] =
            [[132, 238, 33], [60, 19, 192]].map(|color| Plane { width: 1, height: 1, data: vec![decode(color)] });
        let found = differences(&one, &other).data[0];
        assert!((102.0..110.0).contains(&found), "{found}");
    }

    #[test]
    fn a_mean_hue_opposite_to_blue_turns_nothing() {
        let [one, other] =
            [[196, 38, 81], [135, 235, 211]].map(|color| Plane { width: 1, height: 1, data: vec![decode(color)] });
        assert!((differences(&one, &other).data[0] - 72.556).abs() < 0.05);
        assert!(blue_turn(-0.087_155_74, 0.996_194_7) < 1e-4);
    }

    proptest::proptest! {
        #[test]
        fn fast_differences_equal_those_of_the_exact_formula(colors in proptest::collection::vec(proptest::array::uniform6(0u8..), 1..200)) {
            let plane = |from: usize| {
                let pixel = |color: &[u8; 6]| decode([color[from], color[from + 1], color[from + 2]]);
                Plane { width: colors.len(), height: 1, data: colors.iter().map(pixel).collect() }
            };
            let (one, other) = (plane(0), plane(3));
            for (index, found) in differences(&one, &other).data.into_iter().enumerate() {
                let [one, other] = [&one, &other].map(|plane| Lab::from(plane.data[index]));
                let [single_one, single_other] = [one, other].map(|lab| [lab.l, lab.a, lab.b].map(|value| value as f32));
                if is_rounding(single_one, single_other) {
                    continue;
                }
                let exact = ciede2000(one, other);
                proptest::prop_assert!((f64::from(found) - exact).abs() < 0.01 + 1e-3 * exact, "{:?} {found} {exact}", colors[index]);
            }
        }
    }
}
