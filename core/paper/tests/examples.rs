//! The examples that published templates are checked with have the fields of the documents, no more and no fewer.

#[path = "common/mod.rs"]
#[expect(dead_code, reason = "pages are made in another test")]
mod common;

use common::{report, resolution, view};
use serde_json::Value;
use sotay_handbook::{Policy, fixture};
use sotay_paper::{Headed, MinutesPage, Original};

/// Fields that the example has and the document left empty this time.
const OPTIONAL: [&str; 1] = ["fees"];

fn alike(path: &str, example: &Value, made: &Value) {
    match (example, made) {
        (Value::Object(example), Value::Object(made)) => {
            let names =
                |fields: &serde_json::Map<String, Value>| -> Vec<String> { fields.keys().cloned().collect() };
            assert_eq!(names(example), names(made), "fields of {path}");
            for (name, value) in example {
                alike(&format!("{path}.{name}"), value, &made[name]);
            }
        }
        (Value::Array(examples), Value::Array(made)) => {
            assert!(!examples.is_empty(), "{path} has an example");
            for one in made {
                alike(path, &examples[0], one);
            }
        }
        (_, Value::Null) => assert!(OPTIONAL.iter().any(|name| path.ends_with(name)), "{path}"),
        (example, made) => assert_eq!(
            std::mem::discriminant(example),
            std::mem::discriminant(made),
            "{path}"
        ),
    }
}

fn check(example: &str, made: impl serde::Serialize) {
    alike(
        "",
        &serde_json::from_str(example).unwrap(),
        &serde_json::to_value(made).unwrap(),
    );
}

#[test]
fn the_examples_have_the_fields_of_the_documents() {
    let whole = Original {
        sha256: "ab".repeat(32),
        sealed: true,
    };
    let (policy, names) = (Policy::shipped(), fixture::Al42Names::default());
    let minutes = MinutesPage::of(&view("x"), &whole, &fixture::heading(), &policy, &names);
    check(include_str!("../data/example-minutes.json"), minutes);
    check(
        include_str!("../data/example-resolution.json"),
        Headed::new(resolution(), ""),
    );
    check(
        include_str!("../data/example-report.json"),
        Headed::new(report(2), ""),
    );
}
