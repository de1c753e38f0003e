//! The runner on paused time, with a scripted API and a store in memory.
