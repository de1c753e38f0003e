//! Tests of the server over HTTP on the loopback interface, with a small editor that inverts pictures.

mod support;

mod api;
mod chaos;
mod fetching;
mod life;
mod refusals;
