use crate::color::filter::{box_blur, dilate, erode, gaussian};
use crate::color::{Plane, Rgb};

use super::unmix::dot;

/// How far inside and outside colors are gathered from, in pixels.
const REACH: usize = 4;

/// The share of each pixel that `region` covers, 0 to 1.
///
/// In a band of two pixels around the outline a pixel is a mixture, in linear light, of the colors on either side of
/// it: its place on the line between them is its share. Where the two sides hardly differ, the outline is blurred.
pub(crate) fn matte(picture: &Plane<Rgb>, region: &Plane<bool>) -> Plane<f32> {
    let as_number = |is_set: bool| if is_set { 1.0f32 } else { 0.0 };
    let inner = erode(region, 2);
    let outer = dilate(region, 2).map(|is_near| !is_near);
    let soft = gaussian(&region.map(as_number), 0.8);
    let gather = |side: &Plane<bool>| {
        let weights = side.map(as_number);
        let sums = box_blur(&picture.zip(&weights, |color, weight| color.map(|channel| channel * weight)), REACH);
        (sums, box_blur(&weights, REACH))
    };
    let (inside, inside_weight) = gather(&inner);
    let (outside, outside_weight) = gather(&outer);
    let mut shares = soft;
    for place in 0..shares.data.len() {
        if inner.data[place] {
            shares.data[place] = 1.0;
        } else if outer.data[place] {
            shares.data[place] = 0.0;
        } else if inside_weight.data[place] > 1e-3 && outside_weight.data[place] > 1e-3 {
            let fore = inside.data[place].map(|channel| channel / inside_weight.data[place]);
            let back = outside.data[place].map(|channel| channel / outside_weight.data[place]);
            let line = [fore[0] - back[0], fore[1] - back[1], fore[2] - back[2]];
            let pixel = picture.data[place];
            let off = [pixel[0] - back[0], pixel[1] - back[1], pixel[2] - back[2]];
            let length = dot(line, line);
            let share = (dot(off, line) / length.max(1e-6)).clamp(0.0, 1.0);
            let trust = ((length - 0.004) / 0.02).clamp(0.0, 1.0);
            shares.data[place] = trust * share + (1.0 - trust) * shares.data[place];
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_pixel_is_covered_by_its_share() {
        let mut picture = Plane::filled(32, 16, [0.9, 0.9, 0.9]);
        let mut region = Plane::filled(32, 16, false);
        for y in 0..16 {
            for x in 0..16 {
                picture.data[y * 32 + x] = [0.6, 0.05, 0.05];
                region.data[y * 32 + x] = true;
            }
            picture.data[y * 32 + 16] = [0.75, 0.475, 0.475];
        }
        let shares = matte(&picture, &region);
        assert!((shares.at(16, 8) - 0.5).abs() < 0.02, "{}", shares.at(16, 8));
        assert_eq!((shares.at(4, 8), shares.at(30, 8)), (1.0, 0.0));
        assert!(shares.at(15, 8) > 0.98 && shares.at(17, 8) < 0.02);
    }
}
