//! `template`: a text made of an event, in MiniJinja.

use std::{
    fmt, io,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use minijinja::{
    AutoEscape, Environment, ErrorKind, UndefinedBehavior, context,
    value::{Serde, Value as Variable},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::domain::{EventSummary, iso_millis};

/// What a template sees.
const VARIABLES: [&str; 2] = ["event", "payload"];
/// The one name under which it is known to its environment.
const NAME: &str = "template";
/// Steps it may take; a large message takes some thousands.
const FUEL: u64 = 1_000_000;
/// Bytes it may make.
const LONGEST: usize = 8 * 1024 * 1024;

/// A compiled template. It sees `event` and `payload` and nothing else: no file, no other template.
#[derive(Clone)]
pub struct Template(Arc<Environment<'static>>);

/// Why a template makes no text of an event. Without a word of the event.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It does what cannot be done with the values of this event.
    #[error("{0}")]
    Failed(String),
    /// It does not end.
    #[error("it takes more than {FUEL} steps")]
    Endless,
    /// It makes too much.
    #[error("it makes a text of more than {LONGEST} bytes")]
    TooLong,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    ///
    /// Says in which line what is wrong.
    pub fn compile(source: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        // What a sender left out is empty, however deep it is asked for.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        // It is not known what the text is; who writes JSON writes `| tojson`.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        // What a loop could grow from turn to turn would be bounded by nothing: a text doubles in one step.
        environment.remove_global("namespace");
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| with_line(&error, &error.to_string()))?;
        let template = Self(Arc::new(environment));
        template.check_names()?;
        Ok(template)
    }

    /// The text for an event.
    ///
    /// # Errors
    ///
    /// When the template cannot be applied to this event.
    pub fn render(&self, event: &EventSummary, payload: &Value) -> Result<String, TemplateError> {
        let context = context! {
            event => describe(event),
            payload => Variable::from(Serde(payload)),
        };
        self.evaluate(context)
    }

    fn evaluate(&self, context: Variable) -> Result<String, TemplateError> {
        let mut text = Bounded::default();
        let rendered = panic::catch_unwind(AssertUnwindSafe(|| {
            let template = self.0.get_template(NAME)?;
            template.render_captured_to(context, &mut text).map(drop)
        }));
        match rendered {
            Ok(Ok(())) => Ok(String::from_utf8_lossy(&text.bytes).into_owned()),
            Ok(Err(_)) if text.is_full => Err(TemplateError::TooLong),
            Ok(Err(error)) if error.kind() == ErrorKind::OutOfFuel => Err(TemplateError::Endless),
            Ok(Err(error)) => Err(TemplateError::Failed(describe_error(&error))),
            Err(_) => Err(TemplateError::Failed(
                "the template engine has a fault".into(),
            )),
        }
    }

    /// Finds names that mean nothing, which would else show as gaps, or only with the first event.
    fn check_names(&self) -> Result<(), String> {
        let template = self
            .0
            .get_template(NAME)
            .map_err(|error| error.to_string())?;
        let mut unknown: Vec<_> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !VARIABLES.contains(&name.as_str()))
            .filter(|name| self.0.globals().all(|(global, _)| global != name))
            .collect();
        unknown.sort();
        if let Some(name) = unknown.first() {
            return Err(format!(
                "there is no `{name}`: a template sees `event` and `payload`"
            ));
        }
        match template.render(context! { event => (), payload => () }) {
            Err(error) if is_unknown_name(error.kind()) => {
                Err(with_line(&error, &error.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// What `event` is in a template.
fn describe(event: &EventSummary) -> Variable {
    context! {
        id => event.id.0,
        source => event.source.clone(),
        provider => event.provider.clone(),
        delivery_id => event.delivery_id.clone(),
        type => event.event_type.clone(),
        occurred_at => event.occurred_at.as_ref().map(iso_millis),
        received_at => iso_millis(&event.received_at),
        origin => event.origin.clone(),
        envelope_version => event.envelope_version,
        problem => event.problem.clone(),
    }
}

fn is_unknown_name(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
    )
}

/// The kind of the error and its line. The engine's own words may quote the event, except where they name
/// what the template itself has named.
fn describe_error(error: &minijinja::Error) -> String {
    let detail = error.detail().filter(|_| is_unknown_name(error.kind()));
    let what = match detail {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    with_line(error, &what)
}

fn with_line(error: &minijinja::Error, what: &str) -> String {
    let place = format!(" (in {NAME}:");
    let what = what.split(&place).next().unwrap_or_default().to_owned();
    match error.line() {
        Some(line) => format!("{what} (in line {line})"),
        None => what,
    }
}

/// Memory that takes no more than [`LONGEST`].
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > LONGEST {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = self.0.get_template(NAME);
        let source = template.as_ref().map_or("", |template| template.source());
        f.debug_tuple("Template").field(&source).finish()
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::compile(&source)
            .map_err(|why| D::Error::custom(format!("is not a template in MiniJinja: {why}")))
    }
}

#[cfg(test)]
mod tests;
