//! A batch runner for paid image-edit APIs.
//!
//! Data flows one way: [`manifest`] to plan to runner to outputs to [`report`]. See `ARCHITECTURE.md`.
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
