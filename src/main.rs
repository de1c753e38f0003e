//! The `dyehouse` program.

fn main() {}
