//! The image-edit API: its contract, our client of it, and what its answers mean.

pub mod wire;

pub use wire::PredictionId;
