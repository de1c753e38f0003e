use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use crate::color::Plane;

/// Regions and the strength of the edges between them, merged step by step.
pub(super) struct Graph {
    regions: Vec<Region>,
    parents: Vec<usize>,
    queue: BinaryHeap<Reverse<Offer>>,
}

#[derive(Default)]
struct Region {
    area: f32,
    is_border: bool,
    /// How often it took another one in: an offer of an earlier version no longer stands.
    version: u32,
    edges: BTreeMap<usize, Edge>,
}

#[derive(Clone, Copy, Default)]
struct Edge {
    strength: f32,
    length: f32,
}

/// Two regions that could merge, cheapest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    cost: u32,
    pair: (usize, usize),
    versions: (u32, u32),
}

impl Graph {
    /// The graph of `count` regions. An edge's strength is the larger gradient of the two pixels that meet, summed over
    /// its length.
    pub(super) fn new(labels: &Plane<u32>, count: usize, gradient: &Plane<f32>) -> Graph {
        let mut regions: Vec<Region> = std::iter::repeat_with(Region::default).take(count).collect();
        for label in &labels.data {
            regions[*label as usize].area += 1.0;
        }
        for (x, y) in labels.ring(2) {
            regions[labels.at(x, y) as usize].is_border = true;
        }
        let mut edges: HashMap<(u32, u32), Edge> = HashMap::new();
        let mut meet = |one: usize, other: usize| {
            let pair = (labels.data[one].min(labels.data[other]), labels.data[one].max(labels.data[other]));
            if pair.0 != pair.1 {
                let edge = edges.entry(pair).or_default();
                edge.strength += gradient.data[one].max(gradient.data[other]);
                edge.length += 1.0;
            }
        };
        for place in 0..labels.data.len() {
            if (place + 1) % labels.width != 0 {
                meet(place, place + 1);
            }
            if place + labels.width < labels.data.len() {
                meet(place, place + labels.width);
            }
        }
        for ((one, other), edge) in edges {
            regions[one as usize].edges.insert(other as usize, edge);
            regions[other as usize].edges.insert(one as usize, edge);
        }
        let mut graph = Graph { regions, parents: (0..count).collect(), queue: BinaryHeap::new() };
        for region in 0..count {
            graph.offer(region, |other| region < other);
        }
        graph
    }

    /// Merges what costs at most `limit`, the cheapest pair first.
    pub(super) fn merge(&mut self, limit: f32) {
        while self.queue.peek().is_some_and(|Reverse(offer)| f32::from_bits(offer.cost) <= limit) {
            let Some(Reverse(Offer { pair: (one, other), versions, .. })) = self.queue.pop() else { return };
            let stands =
                |region: usize, version| self.parents[region] == region && self.regions[region].version == version;
            if stands(one, versions.0) && stands(other, versions.1) {
                self.unite(one, other);
            }
        }
    }

    /// The region that each of the first regions belongs to by now, and whether that one touches the border.
    pub(super) fn regions(&self) -> Vec<(u32, bool)> {
        (0..self.parents.len())
            .map(|region| {
                let root = self.root(region);
                (root as u32, self.regions[root].is_border)
            })
            .collect()
    }

    fn unite(&mut self, one: usize, other: usize) {
        let is_larger = self.regions[one].edges.len() >= self.regions[other].edges.len();
        let (into, from) = if is_larger { (one, other) } else { (other, one) };
        let taken = std::mem::take(&mut self.regions[from]);
        self.parents[from] = into;
        for (neighbor, edge) in taken.edges {
            self.regions[neighbor].edges.remove(&from);
            if neighbor == into {
                continue;
            }
            let joined = self.regions[into].edges.entry(neighbor).or_default();
            joined.strength += edge.strength;
            joined.length += edge.length;
            let joined = *joined;
            self.regions[neighbor].edges.insert(into, joined);
        }
        let region = &mut self.regions[into];
        region.area += taken.area;
        region.is_border |= taken.is_border;
        region.version += 1;
        self.offer(into, |_| true);
    }

    fn offer(&mut self, region: usize, wants: impl Fn(usize) -> bool) {
        for (other, edge) in &self.regions[region].edges {
            if wants(*other) {
                // Small regions are noise, and merge earlier.
                let smaller = self.regions[region].area.min(self.regions[*other].area);
                let cost = edge.strength / edge.length * (smaller / 60.0).powf(0.25).min(1.0);
                let versions = (self.regions[region].version, self.regions[*other].version);
                self.queue.push(Reverse(Offer { cost: cost.to_bits(), pair: (region, *other), versions }));
            }
        }
    }

    fn root(&self, mut region: usize) -> usize {
        while self.parents[region] != region {
            region = self.parents[region];
        }
        region
    }
}
