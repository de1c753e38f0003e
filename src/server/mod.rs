//! The embedded API server: the documented API over real HTTP, with a real editor behind it.
