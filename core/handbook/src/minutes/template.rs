//! Templates of minutes as text.

use serde::Serialize;

use crate::template::{self, TemplateError};

const SHIPPED: &str = include_str!("../../data/minutes-vi-1.txt");
/// First line of every template of minutes, with the version of the model it is written for.
const FIRST_LINE: &str = "{#- sotay minutes 1 -#}";

/// A template of minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
}

impl Template {
    /// Reads a template and checks its form; unknown fields are found when it is filled.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        template::check(source, FIRST_LINE, &template::environment())?;
        Ok(Self {
            source: source.to_owned(),
        })
    }

    /// The Vietnamese template that ships with the software.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("the shipped template is tested")
    }

    pub(super) fn fill<T: Serialize>(&self, model: &T) -> Result<String, TemplateError> {
        template::fill(&self.source, model, &template::environment())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TEMPLATE_BYTES_MAX;
    use std::collections::BTreeMap;

    fn fill(body: &str) -> Result<String, TemplateError> {
        let model = BTreeMap::from([("place", "Nhà văn hóa <1>")]);
        Template::parse(&format!("{FIRST_LINE}\n{body}"))?.fill(&model)
    }

    fn unknown(name: &str, line: usize) -> TemplateError {
        TemplateError::UnknownField {
            name: name.to_owned(),
            line,
        }
    }

    #[test]
    fn fields_are_placed_as_they_are() {
        assert_eq!(fill("Tại: {{ place }}"), Ok("Tại: Nhà văn hóa <1>".to_owned()));
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        assert_eq!(fill("{{ place }}\n{{ plaec }}"), Err(unknown("plaec", 3)));
        assert_eq!(fill("{% if plaec %}x{% endif %}"), Err(unknown("plaec", 2)));
        assert_eq!(fill("{{ place.name }}"), Err(unknown("place.name", 2)));
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
