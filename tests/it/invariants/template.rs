//! A template in MiniJinja and an event: it compiles or says why, makes a bounded text or says why, each time alike and
//! without a word of the event. The input is the template, and the event's body.

use huntr_receiver::{deliveries::payload, sinks::Template};

use super::{CANARY, parts, received};

/// As much as a template may make.
const LONGEST: usize = 8 * 1024 * 1024;

/// Checks a template with a body.
pub(crate) fn check(input: &[u8]) {
    let (source, body) = parts(input);
    let Ok(source) = std::str::from_utf8(source) else {
        return;
    };
    let template = match Template::compile(source) {
        Ok(template) => template,
        Err(why) => {
            assert!(!why.is_empty() && !why.contains('\n'), "{why:?}");
            assert_eq!(Template::compile(source).err(), Some(why));
            return;
        }
    };
    let event = received("huntr", body);
    let mut payload = payload(&event);
    if let Some(object) = payload.as_object_mut() {
        object.insert("canary".into(), CANARY.into());
    }
    let render = || {
        let text = template.render(&event.summary, &payload);
        text.map_err(|error| error.to_string())
    };
    let text = render();
    match &text {
        Ok(text) => assert!(text.len() <= LONGEST),
        Err(why) => assert!(!why.is_empty() && !why.contains(CANARY), "{why:?}"),
    }
    assert_eq!(render(), text, "{source}");
}
