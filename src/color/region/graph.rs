use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::color::Plane;
use crate::color::filter::larger;

use super::borders::{Border, borders};

/// Regions and the strength of the edges between them, merged step by step.
pub(super) struct Graph {
    regions: Vec<Region>,
    edges: Vec<Edge>,
    parents: Vec<u32>,
    queue: BinaryHeap<Reverse<Offer>>,
    noise_area: f32,
    /// The highest cost at which regions merge.
    highest: f32,
}

#[derive(Default)]
struct Region {
    area: f32,
    is_border: bool,
    /// The edges of the region; some may have been removed.
    edges: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Edge {
    ends: (u32, u32),
    /// The larger gradient of the two touching pixels, summed over the length.
    strength: f32,
    /// The length in pixels; 0 after the edge is removed.
    length: f32,
    /// The number of edges that were joined with it. An offer of an earlier version is invalid.
    version: u32,
}

impl From<Border> for Edge {
    fn from(Border { ends, strength, length }: Border) -> Edge {
        Edge { ends, strength, length, version: 0 }
    }
}

impl Edge {
    fn beyond(&self, region: u32) -> u32 {
        if self.ends.0 == region { self.ends.1 } else { self.ends.0 }
    }
}

/// Two regions that could merge, sorted by cost, the cheapest first. Costs are never negative, and therefore their bits
/// have the same order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    cost: u32,
    edge: u32,
    version: u32,
}

impl Graph {
    /// Returns the graph of `count` regions. Regions smaller than `noise_area`, in pixels, are noise and merge earlier.
    /// Border pixels in `frame` are background. No limit of [`Graph::merge`] may be above `highest`.
    pub(super) fn new(
        labels: &Plane<u32>,
        count: usize,
        gradient: &Plane<f32>,
        frame: &Plane<bool>,
        noise_area: f32,
        highest: f32,
    ) -> Graph {
        let mut regions: Vec<Region> = std::iter::repeat_with(Region::default).take(count).collect();
        for run in labels.data.chunk_by(|one, next| one == next) {
            regions[run[0] as usize].area += run.len() as f32;
        }
        for (x, y) in labels.ring(2).filter(|(x, y)| frame.at(*x, *y)) {
            regions[labels.at(x, y) as usize].is_border = true;
        }
        let between = |one: usize, other: usize| larger(gradient.data[one], gradient.data[other]);
        let edges: Vec<Edge> = borders(labels, count, between).into_iter().map(Edge::from).collect();
        for (index, edge) in edges.iter().enumerate() {
            regions[edge.ends.0 as usize].edges.push(index as u32);
        }
        for (index, edge) in edges.iter().enumerate() {
            regions[edge.ends.1 as usize].edges.push(index as u32);
        }
        let parents = (0..regions.len() as u32).collect();
        let mut graph = Graph { regions, edges, parents, queue: BinaryHeap::new(), noise_area, highest };
        graph.queue = (0..graph.edges.len() as u32).filter_map(|edge| graph.offer(edge)).collect();
        graph
    }

    /// Merges pairs of regions whose cost is at most `limit`, the cheapest pair first.
    pub(super) fn merge(&mut self, limit: f32) {
        while self.queue.peek().is_some_and(|Reverse(offer)| f32::from_bits(offer.cost) <= limit) {
            let Some(Reverse(Offer { cost, edge, version })) = self.queue.pop() else { return };
            let found = self.edges[edge as usize];
            if found.version != version || found.length == 0.0 {
                continue;
            }
            // Regions only grow, so the cost may be higher now, but not lower.
            match self.offer(edge) {
                Some(Reverse(now)) if now.cost == cost => {
                    self.edges[edge as usize].length = 0.0;
                    self.unite(found.ends.0, found.ends.1);
                }
                later => self.queue.extend(later),
            }
        }
    }

    /// Returns the current region of each initial region, and whether that region touches the border.
    pub(super) fn regions(&self) -> Vec<(u32, bool)> {
        (0..self.parents.len() as u32)
            .map(|region| {
                let mut root = region;
                while self.parents[root as usize] != root {
                    root = self.parents[root as usize];
                }
                (root, self.regions[root as usize].is_border)
            })
            .collect()
    }

    fn unite(&mut self, one: u32, other: u32) {
        let is_larger = self.regions[one as usize].edges.len() >= self.regions[other as usize].edges.len();
        let (into, from) = if is_larger { (one, other) } else { (other, one) };
        let taken = std::mem::take(&mut self.regions[from as usize]);
        self.parents[from as usize] = into;
        self.regions[into as usize].area += taken.area;
        self.regions[into as usize].is_border |= taken.is_border;
        for edge in taken.edges {
            let moved = self.edges[edge as usize];
            if moved.length == 0.0 {
                continue;
            }
            let beyond = moved.beyond(from);
            let joined = self.between(into, beyond);
            if let Some(joined) = joined {
                let target = &mut self.edges[joined as usize];
                target.strength += moved.strength;
                target.length += moved.length;
                target.version += 1;
                self.edges[edge as usize].length = 0.0;
                self.queue.extend(self.offer(joined));
            } else {
                self.edges[edge as usize].ends = (into, beyond);
                self.regions[into as usize].edges.push(edge);
            }
        }
    }

    /// Returns the edge between two regions. It is searched in the region with fewer edges.
    fn between(&mut self, one: u32, other: u32) -> Option<u32> {
        let shorter = self.regions[one as usize].edges.len() < self.regions[other as usize].edges.len();
        let (from, to) = if shorter { (one, other) } else { (other, one) };
        let edges = &self.edges;
        let list = &mut self.regions[from as usize].edges;
        list.retain(|edge| edges[*edge as usize].length > 0.0);
        list.iter().copied().find(|edge| edges[*edge as usize].beyond(from) == to)
    }

    /// Returns the offer to merge the regions at an edge, if they may ever merge.
    fn offer(&self, edge: u32) -> Option<Reverse<Offer>> {
        let Edge { ends, strength, length, version } = self.edges[edge as usize];
        let smaller = self.regions[ends.0 as usize].area.min(self.regions[ends.1 as usize].area);
        let cost = strength / length * (smaller / self.noise_area).min(1.0).sqrt().sqrt();
        (length > 0.0 && cost <= self.highest).then_some(Reverse(Offer { cost: cost.to_bits(), edge, version }))
    }
}
