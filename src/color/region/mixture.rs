use crate::color::Rgb;

/// The number of Gaussians of a mixture.
const GAUSSIANS: usize = 5;

/// The number of rounds of k-means that a mixture starts from.
const ROUNDS: usize = 8;

/// The smallest variance of a Gaussian: that of a picture's rounding.
const MIN_VARIANCE: f32 = 1.0;

/// The number, the sum and the products of the features of some pixels. From these, the mean of any quadratic function
/// of the features is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    /// The number of pixels.
    pub(super) area: f32,
    sum: Rgb,
    products: [Rgb; 3],
}

impl Moments {
    /// Adds the features of a pixel.
    pub(super) fn add(&mut self, features: Rgb) {
        let products = features.map(|one| features.map(|other| one * other));
        *self = self.plus(&Moments { area: 1.0, sum: features, products });
    }

    fn plus(&self, other: &Moments) -> Moments {
        let sum = |one: Rgb, other: Rgb| -> Rgb { std::array::from_fn(|at| one[at] + other[at]) };
        Moments {
            area: self.area + other.area,
            sum: sum(self.sum, other.sum),
            products: std::array::from_fn(|at| sum(self.products[at], other.products[at])),
        }
    }

    fn mean(&self) -> Rgb {
        self.sum.map(|sum| sum / self.area)
    }

    /// Returns the mean products of the distances from `center`.
    fn spread(&self, center: Rgb) -> [Rgb; 3] {
        let mean = self.mean();
        std::array::from_fn(|row| {
            std::array::from_fn(|column| {
                let product = self.products[row][column] / self.area;
                product - mean[row] * center[column] - center[row] * mean[column] + center[row] * center[column]
            })
        })
    }
}

/// A mixture of Gaussians: the features that the pixels of an area have.
pub(super) struct Mixture {
    gaussians: Vec<Gaussian>,
}

impl Mixture {
    /// Returns the mixture of groups of pixels that k-means finds.
    pub(super) fn of(pixels: &[Moments]) -> Mixture {
        let mut centers: Vec<Rgb> = pixels.first().map(Moments::mean).into_iter().collect();
        let off = |centers: &[Rgb], mean: Rgb| {
            centers.iter().map(|center| square(*center, mean)).fold(f32::INFINITY, f32::min)
        };
        while (1..GAUSSIANS).contains(&centers.len()) {
            let far = |moments: &&Moments| moments.area * off(&centers, moments.mean());
            let farthest = pixels.iter().max_by(|one, other| far(one).total_cmp(&far(other)));
            centers.extend(farthest.map(Moments::mean));
        }
        let mut groups = Vec::new();
        for _round in 0..ROUNDS {
            groups = grouped(pixels, centers.len(), |center, moments| square(centers[center], moments.mean()));
            centers = groups.iter().map(Moments::mean).collect();
        }
        Mixture::of_groups(&groups)
    }

    /// Returns the mixture of the groups of pixels that the Gaussians of this one explain best.
    pub(super) fn relearned(&self, pixels: &[Moments]) -> Mixture {
        let cost = |group: usize, moments: &Moments| self.gaussians[group].cost(moments);
        Mixture::of_groups(&grouped(pixels, self.gaussians.len(), cost))
    }

    fn of_groups(groups: &[Moments]) -> Mixture {
        let whole: f32 = groups.iter().map(|group| group.area).sum();
        Mixture { gaussians: groups.iter().map(|group| Gaussian::of(group, group.area / whole)).collect() }
    }

    /// Returns the mean cost of some pixels: the negative logarithm of their likelihood under the Gaussian that
    /// explains them best.
    pub(super) fn cost(&self, pixels: &Moments) -> f32 {
        self.gaussians.iter().map(|gaussian| gaussian.cost(pixels)).fold(f32::INFINITY, f32::min)
    }
}

/// Returns the sum of each group that has pixels, where each pixel belongs to the group with the lowest cost.
fn grouped(pixels: &[Moments], count: usize, cost: impl Fn(usize, &Moments) -> f32) -> Vec<Moments> {
    let mut groups = vec![Moments::default(); count];
    for moments in pixels {
        let costs = (0..count).map(|group| (group, cost(group, moments)));
        if let Some((group, _)) = costs.min_by(|one, other| one.1.total_cmp(&other.1)) {
            groups[group] = groups[group].plus(moments);
        }
    }
    groups.retain(|group| group.area > 0.0);
    groups
}

fn square(one: Rgb, other: Rgb) -> f32 {
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum()
}

struct Gaussian {
    mean: Rgb,
    inverse: [Rgb; 3],
    /// The cost of a pixel at the mean, without the constant that all Gaussians share.
    least: f32,
}

impl Gaussian {
    /// Returns the Gaussian of some pixels, which are this share of all.
    fn of(pixels: &Moments, share: f32) -> Gaussian {
        let mut covariance = pixels.spread(pixels.mean());
        (0..3).for_each(|channel| covariance[channel][channel] = covariance[channel][channel].max(0.0) + MIN_VARIANCE);
        let cofactor = |row: usize, column: usize| {
            let at = |down: usize, right: usize| covariance[(row + down) % 3][(column + right) % 3];
            at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1)
        };
        let determinant = (0..3).map(|column| covariance[0][column] * cofactor(0, column)).sum::<f32>().max(1e-6);
        let inverse = std::array::from_fn(|row| std::array::from_fn(|column| cofactor(column, row) / determinant));
        Gaussian { mean: pixels.mean(), inverse, least: 0.5 * determinant.ln() - share.ln() }
    }

    fn cost(&self, pixels: &Moments) -> f32 {
        let spread = pixels.spread(self.mean);
        let weighted = self.inverse.iter().zip(spread);
        let distance: f32 = weighted.map(|(row, spread)| (0..3).map(|at| row[at] * spread[at]).sum::<f32>()).sum();
        self.least + 0.5 * distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(pixels: impl IntoIterator<Item = Rgb>) -> Moments {
        pixels.into_iter().fold(Moments::default(), |mut sum, pixel| {
            sum.add(pixel);
            sum
        })
    }

    #[test]
    fn the_cost_of_many_pixels_is_the_mean_of_their_costs() {
        let some = [[1.0, 2.0, 3.0], [4.0, -2.0, 0.5], [-3.0, 1.0, 2.0], [0.0, 6.0, -1.0], [2.0, 2.0, 2.0]];
        let gaussian = Gaussian::of(&moments(some), 0.4);
        let others = [[0.5, 0.0, 1.0], [7.0, 3.0, -4.0], [2.0, 1.0, 1.0]];
        let each = others.map(|pixel| gaussian.cost(&moments([pixel])));
        let all = gaussian.cost(&moments(others));
        assert!((all - each.iter().sum::<f32>() / 3.0).abs() < 1e-3, "{all} {each:?}");
    }

    #[test]
    fn a_gaussian_of_independent_channels_is_the_product_of_theirs() {
        // Each channel is -1 or 1, so its variance is 1, and 2 with that of the rounding.
        let corners = (0..8).map(|bits: u8| [0, 1, 2].map(|bit| if bits >> bit & 1 == 1 { 1.0 } else { -1.0 }));
        let gaussian = Gaussian::of(&moments(corners), 1.0);
        let expected = 0.5 * 8_f32.ln() + 0.5 * (9.0 + 1.0 + 0.0) / 2.0;
        assert!((gaussian.cost(&moments([[3.0, 1.0, 0.0]])) - expected).abs() < 1e-4);
    }

    #[test]
    fn a_mixture_explains_each_of_its_colors_better_than_what_lies_between_them() {
        let around = |center: f32| (0..40).map(move |at| moments([[center + (at % 5) as f32, (at % 3) as f32, 0.0]]));
        let pixels: Vec<Moments> = around(0.0).chain(around(60.0)).collect();
        let first = Mixture::of(&pixels);
        for mixture in [first.relearned(&pixels), first] {
            let cost = |value: f32| mixture.cost(&moments([[value, 1.0, 0.0]]));
            assert!(cost(2.0) < cost(30.0) - 10.0 && cost(62.0) < cost(30.0) - 10.0);
        }
    }
}
