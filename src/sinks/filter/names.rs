//! Finds what an expression names that does not exist, before the first event does.

use std::sync::Arc;

use cel::{
    Context, ExecutionError,
    common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr},
};

use super::{LIBRARY, tree::parts};

/// Names that stand before a dot and are no variable: of types and of functions.
const NAMESPACES: [&str; 3] = ["google", "optional", "strings"];

/// Whether every variable is one of these, or its own, and every function is there.
pub(super) fn check(expression: &IdedExpr, variables: &[&str]) -> Result<(), String> {
    Names {
        variables,
        own: Vec::new(),
    }
    .expression(expression)
}

struct Names<'a> {
    variables: &'a [&'a str],
    /// Those that the loops around this place have made.
    own: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn expression(&mut self, expression: &'a IdedExpr) -> Result<(), String> {
        match &expression.expr {
            Expr::Ident(name) => self.variable(name),
            Expr::Comprehension(loops) => self.comprehension(loops),
            Expr::Call(call) => {
                check_function(call)?;
                self.parts(expression)
            }
            _ => self.parts(expression),
        }
    }

    fn parts(&mut self, expression: &'a IdedExpr) -> Result<(), String> {
        parts(expression)
            .into_iter()
            .try_for_each(|part| self.expression(part))
    }

    fn variable(&self, name: &str) -> Result<(), String> {
        let is_known = self.variables.contains(&name)
            || self.own.contains(&name)
            || NAMESPACES.contains(&name)
            || !is_undeclared(name);
        if is_known {
            return Ok(());
        }
        Err(format!(
            "there is no `{name}`: an expression sees `event` and `payload`"
        ))
    }

    fn comprehension(&mut self, loops: &'a ComprehensionExpr) -> Result<(), String> {
        self.expression(&loops.iter_range)?;
        self.expression(&loops.accu_init)?;
        let outside = self.own.len();
        self.own.push(&loops.accu_var);
        let outside_loop = self.own.len();
        self.own.push(&loops.iter_var);
        self.own.extend(loops.iter_var2.as_deref());
        self.expression(&loops.loop_cond)?;
        self.expression(&loops.loop_step)?;
        self.own.truncate(outside_loop);
        self.expression(&loops.result)?;
        self.own.truncate(outside);
        Ok(())
    }
}

fn check_function(call: &CallExpr) -> Result<(), String> {
    let name = call.func_name.as_str();
    let probe = match call.target.as_deref().map(|target| &target.expr) {
        Some(Expr::Ident(space)) if NAMESPACES.contains(&space.as_str()) => {
            format!("{space}.{name}(0)")
        }
        Some(_) => format!("0.{name}()"),
        None => format!("{name}(0)"),
    };
    if is_identifier(name) && is_undeclared(&probe) {
        return Err(format!(
            "there is no function `{name}` that can be called like this"
        ));
    }
    Ok(())
}

/// Operators are calls too, of functions with names such as `_==_`.
fn is_identifier(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The library keeps no list of what it has: a call with wrong arguments fails in another way than that of
/// a function that is not there.
fn is_undeclared(probe: &str) -> bool {
    let Ok(program) = LIBRARY.compile(probe) else {
        return false;
    };
    let context = Context::with_env(Arc::clone(&LIBRARY));
    matches!(
        program.execute(&context),
        Err(ExecutionError::UndeclaredReference(_))
    )
}
