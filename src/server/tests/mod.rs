//! The server from outside: real HTTP over loopback, with a small editor that inverts.

mod support;

mod api;
mod chaos;
mod fetching;
mod life;
mod refusals;
