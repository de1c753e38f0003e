/// A plane of samples in rows, top to bottom and left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane<T> {
    /// The width in pixels.
    pub width: usize,
    /// The height in pixels.
    pub height: usize,
    /// The `width * height` samples.
    pub data: Vec<T>,
}

impl<T: Copy> Plane<T> {
    /// Returns a plane of one value.
    pub fn filled(width: usize, height: usize, value: T) -> Plane<T> {
        Plane { width, height, data: vec![value; width * height] }
    }

    /// Returns the plane of `map` over each sample.
    pub fn map<U>(&self, map: impl FnMut(T) -> U) -> Plane<U> {
        Plane { width: self.width, height: self.height, data: self.data.iter().copied().map(map).collect() }
    }

    /// Returns the plane of `join` over the samples of both planes, which have the same size.
    pub fn zip<U: Copy, V>(&self, other: &Plane<U>, mut join: impl FnMut(T, U) -> V) -> Plane<V> {
        debug_assert_eq!((self.width, self.height), (other.width, other.height));
        let data = self.data.iter().zip(&other.data).map(|(one, other)| join(*one, *other)).collect();
        Plane { width: self.width, height: self.height, data }
    }

    pub(super) fn at(&self, x: usize, y: usize) -> T {
        self.data[y * self.width + x]
    }

    /// Returns the positions of the samples within `depth` pixels of the border, some of them twice.
    pub(super) fn ring(&self, depth: usize) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let (width, height) = (self.width, self.height);
        let (across, down) = (depth.min(width), depth.min(height));
        let rows = (0..down).flat_map(move |y| (0..width).flat_map(move |x| [(x, y), (x, height - 1 - y)]));
        let columns = (0..across).flat_map(move |x| (0..height).flat_map(move |y| [(x, y), (width - 1 - x, y)]));
        rows.chain(columns)
    }

    /// Returns the share, 0 to 1, of the positions of [`Plane::ring`] for which `is_set` returns true.
    pub(super) fn ring_share(&self, depth: usize, is_set: impl Fn(usize, usize) -> bool) -> f32 {
        let (mut set, mut all) = (0_usize, 0_usize);
        for (x, y) in self.ring(depth) {
            set += usize::from(is_set(x, y));
            all += 1;
        }
        set as f32 / all.max(1) as f32
    }
}

impl Plane<bool> {
    /// Returns the number of set samples.
    pub fn count(&self) -> usize {
        // A byte holds the count of a block, which allows vectorized sums.
        let of_block =
            |block: &[bool]| usize::from(block.iter().fold(0, |count: u8, is_set| count + u8::from(*is_set)));
        self.data.chunks(255).map(of_block).sum()
    }

    /// Returns the number of samples that are set in both planes, which have the same size.
    pub(super) fn count_both(&self, other: &Plane<bool>) -> usize {
        self.zip(other, |one, other| one & other).count()
    }
}
