use std::collections::VecDeque;

/// The capacity up to which an arc is saturated; the rest is rounding.
const MIN_CAPACITY: f32 = 1e-4;

/// The capacity of an arc that is never cut.
pub(super) const UNCUTTABLE: f32 = 1e6;

/// Returns, for each node, whether it is on the first side of the cheapest cut into two sides. The cut is found by the
/// flow that fills it (Dinic's algorithm).
///
/// `own` holds the cost of putting each node on the second side, or, if it is negative, on the first one. `links` holds
/// pairs of nodes and the cost of separating them.
pub(super) fn minimum_cut(own: &[f32], links: &[(u32, u32, f32)]) -> Vec<bool> {
    let (source, sink) = (own.len(), own.len() + 1);
    let mut network = Network::new(own.len() + 2);
    for (node, cost) in own.iter().enumerate() {
        if *cost > 0.0 {
            network.link(source, node, *cost, 0.0);
        } else if *cost < 0.0 {
            network.link(node, sink, -cost, 0.0);
        }
    }
    for (one, other, cost) in links {
        network.link(*one as usize, *other as usize, *cost, *cost);
    }
    let mut levels = network.levels(source);
    while levels[sink] != u32::MAX {
        network.fill(source, sink, &levels);
        levels = network.levels(source);
    }
    levels[..own.len()].iter().map(|level| *level != u32::MAX).collect()
}

/// Nodes with arcs in pairs, one in each direction, and the remaining capacity of each arc.
struct Network {
    arcs: Vec<Vec<u32>>,
    ends: Vec<u32>,
    left: Vec<f32>,
}

impl Network {
    fn new(nodes: usize) -> Network {
        Network { arcs: vec![Vec::new(); nodes], ends: Vec::new(), left: Vec::new() }
    }

    fn link(&mut self, from: usize, to: usize, there: f32, back: f32) {
        for (from, to, capacity) in [(from, to, there), (to, from, back)] {
            self.arcs[from].push(self.ends.len() as u32);
            self.ends.push(to as u32);
            self.left.push(capacity);
        }
    }

    /// Returns the smallest number of arcs with remaining capacity that lead from `source` to each node.
    fn levels(&self, source: usize) -> Vec<u32> {
        let mut levels = vec![u32::MAX; self.arcs.len()];
        levels[source] = 0;
        let mut queue = VecDeque::from([source]);
        while let Some(node) = queue.pop_front() {
            for arc in &self.arcs[node] {
                let end = self.ends[*arc as usize] as usize;
                if self.left[*arc as usize] > MIN_CAPACITY && levels[end] == u32::MAX {
                    levels[end] = levels[node] + 1;
                    queue.push_back(end);
                }
            }
        }
        levels
    }

    /// Fills shortest paths until none is left.
    fn fill(&mut self, source: usize, sink: usize, levels: &[u32]) {
        let mut next = vec![0usize; self.arcs.len()];
        let mut path: Vec<usize> = Vec::new();
        loop {
            let node = path.last().map_or(source, |arc| self.ends[*arc] as usize);
            if node == sink {
                let least = path.iter().map(|arc| self.left[*arc]).fold(f32::INFINITY, f32::min);
                for arc in &path {
                    self.left[*arc] -= least;
                    self.left[arc ^ 1] += least;
                }
                let full = path.iter().position(|arc| self.left[*arc] <= MIN_CAPACITY).unwrap_or(0);
                path.truncate(full);
                continue;
            }
            let onward = self.arcs[node][next[node]..].iter().position(|arc| {
                let arc = *arc as usize;
                self.left[arc] > MIN_CAPACITY && levels[self.ends[arc] as usize] == levels[node] + 1
            });
            match onward {
                Some(skipped) => {
                    next[node] += skipped;
                    path.push(self.arcs[node][next[node]] as usize);
                }
                None => {
                    let Some(arc) = path.pop() else { return };
                    next[node] = self.arcs[node].len();
                    next[self.ends[arc ^ 1] as usize] += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_parted_where_it_costs_least() {
        // A chain with a weak link, whose ends pull to opposite sides.
        let links = [(0, 1, 3.0), (1, 2, 1.0), (2, 3, 3.0), (0, 4, 2.0), (4, 3, 0.5)];
        assert_eq!(minimum_cut(&[9.0, 0.0, 0.0, -9.0, 0.0], &links), [true, true, false, false, true]);
        assert_eq!(minimum_cut(&[9.0, -0.5, 0.0, -9.0, -4.0], &links), [true, true, false, false, false]);
    }
}
