//! A batch runner for paid image-edit APIs: rate-limited, journaled, resumable, and checked down to the color.
//!
//! Data flows one way. [`manifest`] reads jobs from a file, and [`plan`] compares them with the [`journal`] of what was
//! done and paid for. The [`runner`] submits the rest through the [`api`], [`outputs`] saves the pictures, [`verify`]
//! measures them with [`color`], and `report` shows them. [`server`] is the same API on this machine.
//!
//! The program itself is [`commands`], with [`cli`], `progress`, `notify` and [`exit`]. `examples/library.rs` runs a
//! batch without them.
//!
//! `ARCHITECTURE.md` has the order of all modules and the invariants.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that meets an error has failed"))]

pub mod api;
mod append_log;
mod bytes;
pub mod cli;
pub mod color;
pub mod commands;
pub mod data_uri;
pub mod editor;
pub mod exit;
mod files;
mod http;
pub mod job;
pub mod journal;
pub mod manifest;
mod notify;
pub mod outputs;
pub mod photo;
pub mod pictures;
pub mod plan;
mod probe;
mod progress;
mod report;
pub mod run_folder;
pub mod runner;
mod secrets;
pub mod server;
mod sync;
pub mod verify;
mod words;
