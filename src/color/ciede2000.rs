use super::Lab;

/// Returns the CIEDE2000 difference of two colors, with kL = kC = kH = 1.
///
/// The formula is that of CIE 142-2001. The angles follow Sharma, Wu and Dalal (2005), who make them unambiguous. A
/// difference of about 1 is the smallest that a trained eye sees when the colors are next to each other.
pub fn ciede2000(one: Lab, other: Lab) -> f64 {
    let mean_chroma = (one.a.hypot(one.b) + other.a.hypot(other.b)) / 2.0;
    let stretch = 1.5 - 0.5 * bend(mean_chroma);
    let (chroma1, hue1) = polar(one.a * stretch, one.b);
    let (chroma2, hue2) = polar(other.a * stretch, other.b);
    let is_grey = chroma1 * chroma2 == 0.0;

    let turn = match hue2 - hue1 {
        _ if is_grey => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let sum = hue1 + hue2;
    let hue = match (hue1 - hue2).abs() {
        _ if is_grey => sum,
        apart if apart <= 180.0 => sum / 2.0,
        _ if sum < 360.0 => (sum + 360.0) / 2.0,
        _ => (sum - 360.0) / 2.0,
    };
    let lightness = (one.l + other.l) / 2.0;
    let chroma = (chroma1 + chroma2) / 2.0;

    let cosine = |degrees: f64| degrees.to_radians().cos();
    let wave = 1.0 - 0.17 * cosine(hue - 30.0) + 0.24 * cosine(2.0 * hue) + 0.32 * cosine(3.0 * hue + 6.0)
        - 0.20 * cosine(4.0 * hue - 63.0);
    let off_middle = (lightness - 50.0).powi(2);
    let by_lightness = (other.l - one.l) / (1.0 + 0.015 * off_middle / (20.0 + off_middle).sqrt());
    let by_chroma = (chroma2 - chroma1) / (1.0 + 0.045 * chroma);
    let by_hue = 2.0 * (chroma1 * chroma2).sqrt() * (turn / 2.0).to_radians().sin() / (1.0 + 0.015 * chroma * wave);
    let rotation = -2.0 * bend(chroma) * (60.0 * (-((hue - 275.0) / 25.0).powi(2)).exp()).to_radians().sin();
    let square = by_lightness.powi(2) + by_chroma.powi(2) + by_hue.powi(2) + rotation * by_chroma * by_hue;
    square.max(0.0).sqrt()
}

fn bend(chroma: f64) -> f64 {
    let power = chroma.powi(7);
    (power / (power + 25_f64.powi(7))).sqrt()
}

fn polar(a: f64, b: f64) -> (f64, f64) {
    (a.hypot(b), b.atan2(a).to_degrees().rem_euclid(360.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pairs_of_sharma_wu_and_dalal_hold_to_four_decimals() {
        let table = include_str!("testdata/ciede2000-34-pairs.csv");
        let mut pairs = 0;
        for line in table.lines().skip(1) {
            let numbers: Vec<f64> = line.split(',').map(|number| number.trim().parse().unwrap()).collect();
            let lab = |at: usize| Lab { l: numbers[at], a: numbers[at + 1], b: numbers[at + 2] };
            for found in [ciede2000(lab(0), lab(3)), ciede2000(lab(3), lab(0))] {
                assert_eq!(format!("{found:.4}"), format!("{:.4}", numbers[6]), "{line}");
            }
            pairs += 1;
        }
        assert_eq!(pairs, 34);
    }
}
