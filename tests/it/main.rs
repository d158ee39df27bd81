//! Tests of the whole, against real stores and the real binary.

mod architecture;
mod backup;
mod cli;
mod config;
mod fanout;
mod faults;
mod formats;
mod hostile;
mod kill;
mod ledger;
mod lifecycle;
mod organization;
mod postgres;
mod program;
mod receive;
mod refuse;
mod reverify;
mod secrecy;
mod sinks;
mod spool;
mod sql_docs;
mod store;
mod support;
mod tables;
mod views;
mod wire;
