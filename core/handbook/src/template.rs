//! Templates: data from an upper level or shipped with the software, in the syntax of MiniJinja.
//!
//! A template runs without functions, loaders or files, and with a limit on its steps; it can only place what its model
//! has. A field the model does not have is an error that names it, not an empty place. What kinds of documents there are
//! is not decided here: minutes as text are in [`crate::minutes`], pages in a crate of their own.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::limits::{TEMPLATE_BYTES_MAX, TEMPLATE_FUEL};

/// Characters of a name that an error repeats.
pub const NAME_CHARS_MAX: usize = 64;

/// Why a template cannot be used. The fault is with whoever published it. The text of no document is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Over [`TEMPLATE_BYTES_MAX`].
    #[error("the template has {0} bytes, {TEMPLATE_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// The first line does not name this kind of template in a version this software knows.
    #[error("not a template of this kind in a known version")]
    Version,
    /// Not a template.
    #[error("the template is malformed in line {line}")]
    Malformed {
        /// Counted from 1.
        line: usize,
    },
    /// It names a field that its document does not have.
    #[error("the template names an unknown field, {name}, in line {line}")]
    UnknownField {
        /// As the template writes it, e.g. `item.titel`.
        name: String,
        /// Counted from 1.
        line: usize,
    },
    /// It takes too many steps.
    #[error("the template takes too many steps")]
    TooManySteps,
    /// It uses a part of the language that templates of pages do without, or nests deeper than they may.
    #[error("the template uses {name} in line {line}, which templates of pages cannot")]
    Construct {
        /// A word or a mark of the template.
        name: String,
        /// Counted from 1.
        line: usize,
    },
    /// What it gives is larger than any page.
    #[error("the template gives a page that is too large")]
    TooLarge,
    /// Its second line does not say from which day it holds and what it is called.
    #[error("the second line does not name a first day and a name")]
    Head,
}

/// Checks length, first line and form; unknown fields are found when it is filled.
pub fn check(source: &str, first_line: &str, environment: &Environment<'_>) -> Result<(), TemplateError> {
    if source.len() > TEMPLATE_BYTES_MAX {
        return Err(TemplateError::TooLong(source.len()));
    }
    if source.lines().next() != Some(first_line) {
        return Err(TemplateError::Version);
    }
    environment
        .template_from_str(source)
        .map(drop)
        .map_err(|error| fault(source, &error))
}

/// Places what the model has.
pub fn fill<T: Serialize>(
    source: &str,
    model: &T,
    environment: &Environment<'_>,
) -> Result<String, TemplateError> {
    environment
        .template_from_str(source)
        .and_then(|template| template.render(Value::from(Serde(model))))
        .map_err(|error| fault(source, &error))
}

/// Where templates run: nothing to call, a limit on steps, strict about unknown fields.
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(TEMPLATE_FUEL));
    // Keeps where an unknown field stands, so that the error can name it.
    environment.set_debug(true);
    environment.set_syntax(
        minijinja::syntax::SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .unwrap_or_default(),
    );
    environment
}

/// The expression of the template that had no value, where the error came of using it in another one.
fn origin(error: &minijinja::Error) -> Option<&str> {
    let (before, _) = error.detail()?.rsplit_once("` is undefined")?;
    before.rsplit('`').next()
}

fn fault(source: &str, error: &minijinja::Error) -> TemplateError {
    let line = error.line().unwrap_or(0);
    match error.kind() {
        minijinja::ErrorKind::UndefinedError | minijinja::ErrorKind::UnknownFilter => {
            let place = error.range().and_then(|range| source.get(range));
            let name = origin(error).or(place).unwrap_or_default();
            TemplateError::UnknownField {
                name: name.chars().take(NAME_CHARS_MAX).collect(),
                line,
            }
        }
        minijinja::ErrorKind::OutOfFuel => TemplateError::TooManySteps,
        _ => TemplateError::Malformed { line },
    }
}
