//! Bounds the work an expression makes of a large event: loops in loops multiply.

use cel::common::ast::{Expr, IdedExpr};
use serde_json::Value;

use super::tree::parts;

/// Steps that take a tenth of a second or so.
const BEARABLE: u64 = 200_000;

/// What an expression does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    /// How deep its loops are in each other.
    loops: u32,
    /// Whether it takes texts apart, so that each of their bytes counts.
    splits: bool,
    /// How many values it brings along itself.
    own: u64,
}

impl Work {
    /// `length` is that of its text, which no text in it is longer than.
    pub(super) fn of(expression: &IdedExpr, length: usize) -> Self {
        let splits = expression.references().has_function("split");
        Self {
            loops: loops(expression),
            splits,
            own: if splits {
                length as u64
            } else {
                longest_list(expression)
            },
        }
    }

    /// Whether it takes too long whatever the event.
    pub(super) fn is_never_bearable(self) -> bool {
        !self.is_bearable_with(self.own)
    }

    /// Whether going through all of the payload that deep takes no more steps than are bearable.
    pub(super) fn is_bearable(self, payload: &Value) -> bool {
        self.is_bearable_with(size(payload, self.splits).max(self.own))
    }

    /// One loop takes no longer than reading the payload, or the expression, did.
    fn is_bearable_with(self, values: u64) -> bool {
        self.loops < 2 || values.saturating_pow(self.loops) <= BEARABLE
    }
}

/// The depth of the loops: a loop over the outcome of another counts as one in it, to be on the safe side.
fn loops(expression: &IdedExpr) -> u32 {
    match &expression.expr {
        Expr::Comprehension(inner) => {
            let inside = [
                &inner.accu_init,
                &inner.loop_cond,
                &inner.loop_step,
                &inner.result,
            ];
            1 + inside.into_iter().map(loops).max().unwrap_or(0) + loops(&inner.iter_range)
        }
        _ => parts(expression).into_iter().map(loops).max().unwrap_or(0),
    }
}

fn longest_list(expression: &IdedExpr) -> u64 {
    let own = match &expression.expr {
        Expr::List(list) => list.elements.len() as u64,
        Expr::Map(map) => map.entries.len() as u64,
        _ => 0,
    };
    let inside = parts(expression).into_iter().map(longest_list).max();
    own.max(inside.unwrap_or(0))
}

/// How many values there are in it.
fn size(json: &Value, with_texts: bool) -> u64 {
    1 + match json {
        Value::Array(items) => items.iter().map(|item| size(item, with_texts)).sum(),
        Value::Object(object) => object.values().map(|value| size(value, with_texts)).sum(),
        Value::String(text) if with_texts => text.len() as u64,
        _ => 0,
    }
}
