//! The checks of `tests/it/invariants`, as the fuzzer calls them. What they hold is told there.

#[path = "../../tests/it/invariants/mod.rs"]
mod invariants;

/// A header with a signature or a key, and a body.
pub fn signature(input: &[u8]) {
    invariants::signature::check(input);
}

/// A body of Huntr's.
pub fn huntr_body(input: &[u8]) {
    invariants::body::check("huntr", input);
}

/// A body of Hunty's.
pub fn hunty_body(input: &[u8]) {
    invariants::body::check("hunty", input);
}

/// A configuration file.
pub fn configuration(input: &[u8]) {
    invariants::configuration::check(input);
}

/// An expression in CEL, and a body.
pub fn filter(input: &[u8]) {
    invariants::filter::check(input);
}

/// A template, and a body.
pub fn template(input: &[u8]) {
    invariants::template::check(input);
}

/// What is damaged in the file of a spool.
pub fn spool(input: &[u8]) {
    invariants::spool::check(input);
}

/// Lets a panic pass that somebody catches: the filter's and the template's engines may have faults, and each costs one
/// event. A panic that nobody catches ends the fuzzer all the same.
pub fn forgive_what_is_caught() {
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
}
