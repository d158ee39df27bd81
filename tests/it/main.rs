//! Tests of the whole, against real stores and the real binary.

mod architecture;
mod cli;
mod config;
mod hostile;
mod kill;
mod ledger;
mod lifecycle;
mod postgres;
mod program;
mod receive;
mod reverify;
mod secrecy;
mod store;
mod support;
mod wire;
