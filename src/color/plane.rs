/// Samples in rows, top to bottom, left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane<T> {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// `width * height` samples.
    pub data: Vec<T>,
}

impl<T: Copy> Plane<T> {
    /// A plane of one value.
    pub fn filled(width: usize, height: usize, value: T) -> Plane<T> {
        Plane { width, height, data: vec![value; width * height] }
    }

    /// The plane of `map` over each sample.
    pub fn map<U>(&self, map: impl FnMut(T) -> U) -> Plane<U> {
        Plane { width: self.width, height: self.height, data: self.data.iter().copied().map(map).collect() }
    }

    /// The plane of `join` over the samples of both, which have the same size.
    pub fn zip<U: Copy, V>(&self, other: &Plane<U>, mut join: impl FnMut(T, U) -> V) -> Plane<V> {
        debug_assert_eq!((self.width, self.height), (other.width, other.height));
        let data = self.data.iter().zip(&other.data).map(|(one, other)| join(*one, *other)).collect();
        Plane { width: self.width, height: self.height, data }
    }

    pub(super) fn at(&self, x: usize, y: usize) -> T {
        self.data[y * self.width + x]
    }

    /// The samples within `depth` pixels of the border, some of them twice.
    pub(super) fn ring(&self, depth: usize) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let (width, height) = (self.width, self.height);
        let (across, down) = (depth.min(width), depth.min(height));
        let rows = (0..down).flat_map(move |y| (0..width).flat_map(move |x| [(x, y), (x, height - 1 - y)]));
        let columns = (0..across).flat_map(move |x| (0..height).flat_map(move |y| [(x, y), (width - 1 - x, y)]));
        rows.chain(columns)
    }
}

impl Plane<bool> {
    /// How many samples are set.
    pub fn count(&self) -> usize {
        self.data.iter().filter(|is_set| **is_set).count()
    }
}
