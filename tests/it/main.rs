//! Everything that is tested from outside: one program, a module a command.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]
