use std::process::Output;

use super::{Behavior, Provider, Sandbox, code};

/// Machines that share a manifest, `catalog.csv`, and a provider.
pub struct Machines {
    pub sandbox: Sandbox,
    pub provider: Provider,
    count: usize,
}

impl Machines {
    /// Returns `count` machines for a manifest of `jobs` jobs.
    pub fn new(count: usize, jobs: usize) -> Machines {
        let machines = Machines { sandbox: Sandbox::new(), provider: Provider::start(Behavior::default()), count };
        machines.sandbox.manifest("catalog.csv", jobs);
        machines
    }

    pub fn run(&self, arguments: &str) -> Output {
        let arguments = format!("run catalog.csv --rate 200/s --burst 20 --in-flight 20 {arguments}");
        self.provider.client(&self.sandbox, &arguments).output().unwrap()
    }

    /// Runs all shares to the end of their work.
    pub fn run_shares(&self) {
        for share in 1..=self.count {
            code(&self.run(&format!("--partition {share}/{}", self.count)), 0);
        }
    }

    /// Merges all shares into the folder `all`.
    pub fn merge(&self, arguments: &str) -> Output {
        let shares: String = (1..=self.count).map(|share| format!("runs/catalog-{share}-of-{} ", self.count)).collect();
        self.sandbox.run(&format!("merge {shares} -o all {arguments}"))
    }
}
