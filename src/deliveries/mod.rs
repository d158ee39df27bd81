//! From an event to the sinks that want it.

mod route;

pub use route::Routes;
