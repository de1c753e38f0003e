//! Manifests: bytes to jobs, and every error with its place.
