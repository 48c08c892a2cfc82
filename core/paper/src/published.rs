//! Page templates that a unit publishes: which document they are for, from which day they hold, and whether they fit.

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sotay_handbook::Date;
use sotay_handbook::limits::{TEMPLATE_BYTES_MAX, TEMPLATE_NAME_CHARS_MAX};
use sotay_handbook::template::TemplateError;

use crate::fields;
use crate::template::{PageTemplate, Sort};

/// What the first two lines of a published template say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateHead {
    /// Which document it is for.
    pub sort: Sort,
    /// First day on which it holds.
    pub from: Date,
    /// What it is called.
    pub name: String,
    /// SHA-256 of the file.
    pub hash: [u8; 32],
}

/// A field that may be nothing, beside texts and lists that may be empty.
const OPTIONAL: [&str; 1] = ["fees"];

impl TemplateHead {
    /// Reads the first two lines, no more: whether the rest fits is not asked again of what was checked when it came.
    pub fn read(source: &str) -> Result<Self, TemplateError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError::TooLong(source.len()));
        }
        let mut lines = source.lines();
        let first = lines.next().unwrap_or_default();
        let sort = Sort::ALL.into_iter().find(|sort| sort.first_line() == first);
        let (sort, head) = (
            sort.ok_or(TemplateError::Version)?,
            lines.next().unwrap_or_default(),
        );
        let (from, name) = head
            .strip_prefix("{#- from ")
            .and_then(|head| head.strip_suffix(" -#}"))
            .and_then(|head| head.split_once(": "))
            .ok_or(TemplateError::Head)?;
        let long = name.chars().count() > TEMPLATE_NAME_CHARS_MAX;
        if long || name.trim().is_empty() || name.contains("#}") || name.contains(char::is_control) {
            return Err(TemplateError::Head);
        }
        Ok(Self {
            sort,
            from: from.parse().map_err(|_| TemplateError::Head)?,
            name: name.trim().to_owned(),
            hash: Sha256::digest(source.as_bytes()).into(),
        })
    }

    /// Reads a template that is to be published, or that came, and makes sure that it fits: every field it names is one of
    /// its document, in every branch, and it gives a page of a document that has everything and of one that has nothing.
    pub fn check(source: &str) -> Result<Self, TemplateError> {
        let head = Self::read(source)?;
        let template = PageTemplate::parse(head.sort, source)?;
        let full = head.sort.example();
        fields::check(source, Some(&full))?;
        template.fill(&full)?;
        template.fill(&emptied(&full))?;
        Ok(head)
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> String {
        HEXLOWER.encode(&self.hash)
    }
}

impl Sort {
    /// The sort's key in files and in what programs are told.
    pub fn key(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Extract => "extract",
            Self::Resolution => "resolution",
            Self::Report => "report",
        }
    }

    /// The template that ships with the software, as somebody would publish it: with a day and a name in its second line.
    pub fn example_file(self, from: Date, name: &str) -> String {
        let shipped = self.shipped();
        let (first, rest) = shipped.split_once('\n').unwrap_or((shipped, ""));
        format!("{first}\n{{#- from {from}: {name} -#}}\n{rest}")
    }

    /// A document of this sort that has something of everything that templates can place.
    fn example(self) -> Value {
        let json = match self {
            Self::Minutes | Self::Extract => include_str!("../data/example-minutes.json"),
            Self::Resolution => include_str!("../data/example-resolution.json"),
            Self::Report => include_str!("../data/example-report.json"),
        };
        serde_json::from_str(json).expect("the examples are tested")
    }
}

/// The same document with nothing in it.
fn emptied(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => Value::Bool(false),
        Value::Number(_) => Value::from(0),
        Value::String(_) => Value::from(""),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let nothing = OPTIONAL.contains(&name.as_str()) && value.is_object();
                let value = if nothing { Value::Null } else { emptied(value) };
                (name.clone(), value)
            })
            .collect(),
    }
}

#[cfg(test)]
#[path = "published_tests.rs"]
mod tests;
