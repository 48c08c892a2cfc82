//! Templates: data from an upper level or shipped with the software, in the syntax of MiniJinja.
//!
//! A template runs without functions, filters, loaders or files, and with a limit on its steps; it can only place what
//! the model has. A field the model does not have is an error, not an empty place.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::limits::{TEMPLATE_BYTES_MAX, TEMPLATE_FUEL};

const SHIPPED: &str = include_str!("../../data/minutes-vi-1.txt");
/// First line of every template of minutes, with the version of the model it is written for.
const FIRST_LINE: &str = "{#- sotay minutes 1 -#}";

/// Why a template cannot be used. The fault is with whoever published it. The text of no document is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Over [`TEMPLATE_BYTES_MAX`].
    #[error("the template has {0} bytes, {TEMPLATE_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// The first line does not name this kind of template in a version this software knows.
    #[error("not a template of minutes of a known version")]
    Version,
    /// Not a template.
    #[error("the template is malformed in line {line}")]
    Malformed {
        /// Counted from 1.
        line: usize,
    },
    /// It names a field that minutes do not have.
    #[error("the template names an unknown field in line {line}")]
    UnknownField {
        /// Counted from 1.
        line: usize,
    },
    /// It takes too many steps.
    #[error("the template takes too many steps")]
    TooManySteps,
}

/// A template of minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
}

impl Template {
    /// Reads a template and checks its form; unknown fields are found when it is filled.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError::TooLong(source.len()));
        }
        if source.lines().next() != Some(FIRST_LINE) {
            return Err(TemplateError::Version);
        }
        environment()
            .template_from_str(source)
            .map_err(|error| fault(&error))?;
        Ok(Self {
            source: source.to_owned(),
        })
    }

    /// The Vietnamese template that ships with the software.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("the shipped template is tested")
    }

    pub(super) fn fill<T: Serialize>(&self, model: &T) -> Result<String, TemplateError> {
        let environment = environment();
        let template = environment
            .template_from_str(&self.source)
            .map_err(|error| fault(&error))?;
        template
            .render(Value::from(Serde(model)))
            .map_err(|error| fault(&error))
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(TEMPLATE_FUEL));
    environment.set_syntax(
        minijinja::syntax::SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .unwrap_or_default(),
    );
    environment
}

fn fault(error: &minijinja::Error) -> TemplateError {
    let line = error.line().unwrap_or(0);
    match error.kind() {
        minijinja::ErrorKind::UndefinedError | minijinja::ErrorKind::UnknownFilter => {
            TemplateError::UnknownField { line }
        }
        minijinja::ErrorKind::OutOfFuel => TemplateError::TooManySteps,
        _ => TemplateError::Malformed { line },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn fill(body: &str) -> Result<String, TemplateError> {
        let model = BTreeMap::from([("place", "Nhà văn hóa <1>")]);
        Template::parse(&format!("{FIRST_LINE}\n{body}"))?.fill(&model)
    }

    #[test]
    fn fields_are_placed_as_they_are() {
        assert_eq!(fill("Tại: {{ place }}"), Ok("Tại: Nhà văn hóa <1>".to_owned()));
    }

    #[test]
    fn an_unknown_field_is_named_by_its_line() {
        assert_eq!(
            fill("{{ place }}\n{{ plaec }}"),
            Err(TemplateError::UnknownField { line: 3 })
        );
        assert_eq!(
            fill("{% if plaec %}x{% endif %}"),
            Err(TemplateError::UnknownField { line: 2 })
        );
    }

    #[test]
    fn a_template_can_neither_run_for_ever_nor_reach_outside() {
        let nested = "{% for a in place %}".repeat(9) + "x" + &"{% endfor %}".repeat(9);
        assert_eq!(fill(&nested), Err(TemplateError::TooManySteps));
        assert!(fill("{% include 'minutes' %}").is_err());
        assert!(fill("{{ range(10) }}").is_err());
    }

    #[test]
    fn malformed_unversioned_and_oversized_templates_are_refused() {
        assert_eq!(fill("{% if %}"), Err(TemplateError::Malformed { line: 2 }));
        assert_eq!(Template::parse("Biên bản"), Err(TemplateError::Version));
        assert_eq!(
            Template::parse(&SHIPPED.replacen("minutes 1", "minutes 2", 1)),
            Err(TemplateError::Version)
        );
        let padded = |len: usize| format!("{FIRST_LINE}\n{}", "a".repeat(len - FIRST_LINE.len() - 1));
        assert!(Template::parse(&padded(TEMPLATE_BYTES_MAX)).is_ok());
        let over = TEMPLATE_BYTES_MAX + 1;
        assert_eq!(Template::parse(&padded(over)), Err(TemplateError::TooLong(over)));
    }
}
