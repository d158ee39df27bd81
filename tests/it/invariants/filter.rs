//! An expression in CEL and an event: it compiles or says why, decides or says why, each time alike and without a word
//! of the event. The input is the expression, and the event's body.

use huntr_receiver::{deliveries::payload, sinks::Filter};

use super::{CANARY, parts, received};

/// Checks an expression with a body.
pub(crate) fn check(input: &[u8]) {
    let (source, body) = parts(input);
    let Ok(source) = std::str::from_utf8(source) else {
        return;
    };
    let filter = match Filter::compile(source) {
        Ok(filter) => filter,
        Err(why) => {
            assert!(!why.is_empty() && !why.contains('\n'), "{why:?}");
            assert_eq!(Filter::compile(source).err(), Some(why));
            return;
        }
    };
    let event = received("huntr", body);
    let mut payload = payload(&event);
    if let Some(object) = payload.as_object_mut() {
        object.insert("canary".into(), CANARY.into());
    }
    let decide = || {
        let decision = filter.decide(&event.summary, &payload);
        decision.map_err(|error| error.to_string())
    };
    let decision = decide();
    if let Err(why) = &decision {
        assert!(!why.is_empty() && !why.contains(CANARY), "{why:?}");
    }
    assert_eq!(decide(), decision, "{source}");
}
