//! huntr-receiver (work in progress).

pub mod domain;
pub mod providers;
pub mod secret;
pub mod store;
pub mod units;
