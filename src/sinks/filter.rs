//! `when`: which events a sink wants, as an expression in CEL.

mod names;
mod tree;
mod work;

use std::{
    collections::HashMap,
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, LazyLock},
    thread,
};

use cel::{Context, Env, ExecutionError, Program, Value as Variable, objects::Key};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, Value};

use self::work::Work;
use crate::domain::{EventSummary, Timestamp};

/// What an expression sees.
const VARIABLES: [&str; 2] = ["event", "payload"];
/// A longer expression is a mistake, and could be too deep for the parser.
const LONGEST: usize = 4096;
/// Brackets within brackets, likewise.
const DEEPEST_BRACKETS: usize = 32;
/// Parts within parts: the stack that evaluates them is that of an ordinary thread.
const DEEPEST: usize = 48;

/// The stack of the thread that compiles; only what is used of it is taken.
const STACK: usize = 256 * 1024 * 1024;

/// The functions of CEL's standard library, and its strings extension.
static LIBRARY: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    cel::extensions::strings(&mut env)
        .unwrap_or_else(|error| unreachable!("the standard library has none of these: {error}"));
    Arc::new(env)
});

/// A compiled expression. It sees `event` and `payload`.
#[derive(Clone)]
pub struct Filter(Arc<Compiled>);

struct Compiled {
    source: String,
    program: Program,
    work: Work,
}

/// Why an expression has no answer for an event. Without a word of the event.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The event lacks what the expression asks for.
    #[error("the event has no `{0}`; ask for it with has(…), or limit the sink with `types`")]
    Missing(String),
    /// It does what cannot be done with the values of this event.
    #[error("{0}")]
    Failed(String),
    /// Its answer is neither true nor false.
    #[error("the answer is neither true nor false, but of the type {0}")]
    NoAnswer(String),
    /// The event has so much in it that the expression's loops would take too long.
    #[error("the event is too large for an expression with loops in loops")]
    TooMuchWork,
}

impl Compiled {
    fn new(source: &str) -> Result<Self, String> {
        let program = LIBRARY
            .compile(source)
            .map_err(|errors| one_line(&errors))?;
        if tree::depth(program.expression()) > DEEPEST {
            return Err(format!(
                "more than {DEEPEST} of its parts are within each other: divide it with brackets"
            ));
        }
        names::check(program.expression(), &VARIABLES)?;
        let work = Work::of(program.expression(), source.len());
        if work.is_never_bearable() {
            return Err("its loops in loops would take too long with every event".into());
        }
        Ok(Self {
            source: source.to_owned(),
            work,
            program,
        })
    }
}

impl Filter {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// Says where what is wrong.
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.len() > LONGEST || brackets(source) > DEEPEST_BRACKETS {
            return Err(format!(
                "it is longer than {LONGEST} bytes, or has more than {DEEPEST_BRACKETS} brackets in brackets"
            ));
        }
        // Usually a thread has less stack than the parser takes for ten brackets.
        let compiled = thread::scope(|scope| {
            let parser = thread::Builder::new().stack_size(STACK);
            parser
                .spawn_scoped(scope, || Compiled::new(source))
                .map_err(|error| format!("there is no memory for its parser: {error}"))?
                .join()
                .map_err(|_| "the parser has a fault and cannot read it".to_owned())?
        });
        compiled.map(|compiled| Self(Arc::new(compiled)))
    }

    /// Whether the sink wants the event.
    ///
    /// # Errors
    ///
    /// When the expression has no answer. Such an event is delivered: better one too many than one lost.
    pub fn decide(&self, event: &EventSummary, payload: &Value) -> Result<bool, FilterError> {
        if !self.0.work.is_bearable(payload) {
            return Err(FilterError::TooMuchWork);
        }
        let evaluate = || {
            let mut context = Context::with_env(Arc::clone(&LIBRARY));
            context.add_variable_from_value("event", describe(event));
            context.add_variable_from_value("payload", variable(payload));
            self.0.program.execute(&context)
        };
        match panic::catch_unwind(AssertUnwindSafe(evaluate)) {
            Ok(Ok(Variable::Bool(answer))) => Ok(answer),
            Ok(Ok(other)) => Err(FilterError::NoAnswer(other.type_of().to_string())),
            Ok(Err(error)) => Err(self.explain(&error)),
            Err(_) => Err(FilterError::Failed(
                "the expression engine has a fault".into(),
            )),
        }
    }

    /// The engine's own words may quote the event; names are told when the expression itself has them.
    fn explain(&self, error: &ExecutionError) -> FilterError {
        let failed = |what: &str| FilterError::Failed(what.to_owned());
        match error {
            ExecutionError::NoSuchKey(key) if self.0.source.contains(key.as_str()) => {
                FilterError::Missing(key.to_string())
            }
            ExecutionError::NoSuchKey(_) => failed("the event has not the key that is looked up"),
            ExecutionError::NoSuchOverload(overload) => FilterError::Failed(overload.to_string()),
            ExecutionError::UndeclaredReference(name) if self.0.source.contains(name.as_str()) => {
                FilterError::Failed(format!("there is no `{name}`"))
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                failed("a division by zero")
            }
            ExecutionError::Overflow(..) => failed("a number out of range"),
            ExecutionError::IndexOutOfBounds(_) => failed("a list is shorter than the index"),
            ExecutionError::FunctionError { function, .. } => {
                FilterError::Failed(format!("the function `{function}` fails"))
            }
            _ => failed("values of types that do not go together"),
        }
    }
}

/// What `event` is in an expression.
fn describe(event: &EventSummary) -> Variable {
    let text = |text: &str| Variable::from(text.to_owned());
    let maybe = |value: Option<&str>| value.map_or(Variable::Null, text);
    map([
        ("id", Variable::Int(event.id.0)),
        ("source", text(&event.source)),
        ("provider", text(&event.provider)),
        ("delivery_id", text(&event.delivery_id)),
        ("type", maybe(event.event_type.as_deref())),
        (
            "occurred_at",
            event.occurred_at.map_or(Variable::Null, time),
        ),
        ("received_at", time(event.received_at)),
        ("origin", text(&event.origin)),
        (
            "envelope_version",
            event
                .envelope_version
                .map_or(Variable::Null, |version| Variable::Int(version.into())),
        ),
        ("problem", maybe(event.problem.as_deref())),
    ])
}

fn time(time: Timestamp) -> Variable {
    let time: DateTime<FixedOffset> = time.into();
    Variable::Timestamp(time)
}

fn variable(json: &Value) -> Variable {
    match json {
        Value::Null => Variable::Null,
        Value::Bool(bool) => Variable::Bool(*bool),
        Value::Number(number) => self::number(number),
        Value::String(text) => Variable::from(text.as_str()),
        Value::Array(items) => Variable::List(Arc::new(items.iter().map(variable).collect())),
        Value::Object(object) => map(object
            .iter()
            .map(|(key, value)| (key.as_str(), variable(value)))),
    }
}

/// Whole numbers are `int`, so that they add up with those in the expression; what is beyond is `uint`, and
/// what has a point or an exponent is `double`. They compare with each other whatever they are.
fn number(number: &Number) -> Variable {
    let int = number.as_i64().map(Variable::Int);
    let int = int.or_else(|| number.as_u64().map(Variable::UInt));
    int.or_else(|| number.as_f64().map(Variable::Float))
        .unwrap_or(Variable::Null)
}

fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, Variable)>) -> Variable {
    let pairs = pairs
        .into_iter()
        .map(|(key, value)| (Key::from(key), value));
    let map = Arc::new(pairs.collect::<HashMap<_, _>>());
    Variable::Map(cel::objects::Map { map })
}

/// How many brackets are open at once, at most; those in texts count too, which is no harm.
fn brackets(source: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for c in source.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The first error without the parser's drawing of where it is.
fn one_line(errors: &cel::ParseErrors) -> String {
    match errors.errors.first() {
        // The message quotes the expression, line breaks and all.
        Some(error) => format!(
            "{} (in line {}, column {})",
            error.msg.replace(char::is_control, " "),
            error.pos.0,
            error.pos.1
        ),
        None => "it is not an expression".to_owned(),
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.0.source).finish()
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::compile(&source)
            .map_err(|why| D::Error::custom(format!("is not an expression in CEL: {why}")))
    }
}

#[cfg(test)]
mod tests;
