//! A batch runner for paid image-edit APIs: rate-limited, journaled, resumable, and checked down to the color.
//!
//! Data flows one way. [`manifest`] makes jobs of a file, and [`plan`] holds them against the [`journal`], which knows what
//! was done and paid for. The [`runner`] submits what is left through the [`api`], and [`outputs`] brings the pictures home;
//! [`verify`] measures them with [`color`], and the [`report`] shows them. The [`server`] speaks the same API on this
//! machine. [`commands`] wires all of it together for the program.
//!
//! `ARCHITECTURE.md` has the map of all modules, in which arrows point down, and the invariants.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that meets an error has failed"))]

pub mod api;
mod bytes;
pub mod cli;
pub mod color;
pub mod commands;
pub mod editor;
pub mod exit;
mod files;
mod http;
pub mod job;
pub mod journal;
pub mod manifest;
pub mod notify;
pub mod outputs;
pub mod photo;
pub mod pictures;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod report;
pub mod run_folder;
pub mod runner;
pub mod secrets;
pub mod server;
pub mod verify;
mod words;
