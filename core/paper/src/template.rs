//! Templates of pages.

use minijinja::{Environment, Value};
use serde::Serialize;
use sotay_handbook::limits::TEMPLATE_BYTES_MAX;
use sotay_handbook::template::{TemplateError, check, environment, fill};

use crate::limits::{PAGE_BYTES_MAX, PAGE_FUEL};
use crate::page::Page;
use crate::{fields, markup};

/// Which document a template is for; its first line says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Minutes of a meeting.
    Minutes,
    /// What the minutes say of one item of the agenda.
    Extract,
    /// A resolution of the branch.
    Resolution,
    /// A report of a month to the upper body.
    Report,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Minutes, Self::Extract, Self::Resolution, Self::Report];

    /// First line of every template of this sort, with the version of the model it is written for.
    pub fn first_line(self) -> &'static str {
        match self {
            Self::Minutes => "{#- sotay page minutes 1 -#}",
            Self::Extract => "{#- sotay page extract 1 -#}",
            Self::Resolution => "{#- sotay page resolution 1 -#}",
            Self::Report => "{#- sotay page report 1 -#}",
        }
    }

    pub(crate) fn shipped(self) -> &'static str {
        match self {
            Self::Minutes => include_str!("../data/minutes-vi-1.txt"),
            Self::Extract => include_str!("../data/extract-vi-1.txt"),
            Self::Resolution => include_str!("../data/resolution-vi-1.txt"),
            Self::Report => include_str!("../data/report-vi-1.txt"),
        }
    }
}

/// A template of a page: the syntax of MiniJinja, the marks of `docs/PAPER.md`, and the filter `upper`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTemplate {
    source: String,
}

impl PageTemplate {
    /// Reads a template and checks its form; unknown fields are found when it is filled.
    pub fn parse(sort: Sort, source: &str) -> Result<Self, TemplateError> {
        if source.len() <= TEMPLATE_BYTES_MAX {
            // Before anything follows its expressions.
            fields::check(source, None)?;
        }
        check(source, sort.first_line(), &page_environment())?;
        Ok(Self {
            source: source.to_owned(),
        })
    }

    /// The Vietnamese template that ships with the software.
    pub fn shipped(sort: Sort) -> Self {
        Self::parse(sort, sort.shipped()).expect("the shipped templates are tested")
    }

    /// The page of a document.
    pub fn fill<T: Serialize>(&self, model: &T) -> Result<Page, TemplateError> {
        let filled = fill(&self.source, model, &page_environment())?;
        let page = (filled.len() <= PAGE_BYTES_MAX).then(|| markup::read(&filled));
        page.flatten().ok_or(TemplateError::TooLarge)
    }
}

fn page_environment() -> Environment<'static> {
    let mut environment = environment();
    environment.set_fuel(Some(PAGE_FUEL));
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.set_formatter(|out, _, value: &Value| {
        let text = if value.is_undefined() || value.is_none() {
            String::new()
        } else {
            value.to_string()
        };
        Ok(out.write_str(&markup::value(&text))?)
    });
    environment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Block;
    use std::collections::BTreeMap;

    fn fill(body: &str) -> Result<Page, TemplateError> {
        let model = BTreeMap::from([("name", "= Nguyễn **Đức**\n# Hai")]);
        let source = format!("{}\n{body}", Sort::Minutes.first_line());
        PageTemplate::parse(Sort::Minutes, &source)?.fill(&model)
    }

    #[test]
    fn what_a_member_wrote_is_text_wherever_it_is_placed() {
        let page = fill("{{ name }}\n{{ name | upper }}").unwrap();
        assert_eq!(page.blocks.len(), 4);
        assert!(
            page.blocks
                .iter()
                .all(|block| matches!(block, Block::Paragraph(_)))
        );
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let unknown = |name: &str, line| {
            Err(TemplateError::UnknownField {
                name: name.to_owned(),
                line,
            })
        };
        assert_eq!(fill("\n= {{ nmae }}"), unknown("nmae", 3));
        assert_eq!(fill("= {{ nmae | upper }}"), unknown("nmae", 2));
    }

    #[test]
    fn a_template_of_another_sort_is_refused() {
        let extract = Sort::Extract.first_line();
        assert_eq!(
            PageTemplate::parse(Sort::Minutes, extract),
            Err(TemplateError::Version)
        );
        assert!(PageTemplate::parse(Sort::Extract, extract).is_ok());
    }
}
