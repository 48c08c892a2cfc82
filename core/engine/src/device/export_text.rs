//! The text of an export of somebody's data: what the JSON says, with the words of the handbook instead of the names of fields.

use std::fmt::Write;

use serde_json::{Map, Value};
use sotay_handbook::{Catalogue, Lang, LocalTime, coded_text};

use super::OFFSET_MINUTES;

/// Parts, fields, and values that are in no catalogue of the handbook.
static WORDS: Catalogue = Catalogue::new(&[include_str!("../../data/export.tsv")]);

/// Which coded words a field may have, by their groups in the handbook's catalogue.
const CODED: [(&str, &[&str]); 18] = [
    ("activities", &["activity"]),
    ("activity", &["activity"]),
    ("ballot", &["ballot"]),
    ("basis", &["fee_basis"]),
    ("column", &["column"]),
    ("entry", &["role", "standing", "activity"]),
    ("how", &["how"]),
    ("kind", &["meeting_kind", "note_kind"]),
    ("method", &["method"]),
    ("need", &["need"]),
    ("phase", &["step"]),
    ("role", &["role"]),
    ("section", &["section"]),
    ("stage", &["stage"]),
    ("standing", &["standing"]),
    ("state", &["state"]),
    ("status", &["task_status", "feedback_status"]),
    ("step", &["step"]),
];
/// Fields whose values have words of their own here.
const OWN: [&str; 2] = ["state", "what"];

/// Everything, a part after the other.
pub(super) fn text(data: &Map<String, Value>, lang: Lang) -> String {
    let mut out = String::new();
    for (key, value) in data {
        let heading = WORDS.text(&format!("part.{key}"), lang).unwrap_or(key);
        lines(&mut out, (key, heading), value, 0, lang);
    }
    out
}

/// `field` is what the value belongs to, `shown` what is written before it.
fn lines(out: &mut String, (field, shown): (&str, &str), value: &Value, depth: usize, lang: Lang) {
    let pad = "  ".repeat(depth);
    let _ = match value {
        Value::Null => Ok(()),
        // Ids inside entries tell people nothing.
        Value::String(text) if depth > 0 && is_id(text) => Ok(()),
        Value::String(text) => writeln!(
            out,
            "{pad}{shown}: {}",
            word(field, text, lang).replace('\n', " / ")
        ),
        Value::Bool(yes) => writeln!(out, "{pad}{shown}: {}", said(*yes, lang)),
        Value::Number(number) => match number
            .as_i64()
            .filter(|_| field.ends_with("_ms"))
            .and_then(moment)
        {
            Some(moment) => writeln!(out, "{pad}{shown}: {moment}"),
            None => writeln!(out, "{pad}{shown}: {number}"),
        },
        Value::Array(items) if items.is_empty() => Ok(()),
        Value::Object(fields) if fields.is_empty() => Ok(()),
        Value::Array(items) => {
            let _ = writeln!(out, "{pad}{shown}:");
            for item in items {
                lines(out, (field, "-"), item, depth + 1, lang);
            }
            Ok(())
        }
        Value::Object(fields) => {
            let _ = writeln!(out, "{pad}{shown}:");
            for (key, value) in fields {
                let name = WORDS.text(&format!("field.{key}"), lang).map(str::to_owned);
                let name = name.unwrap_or_else(|| key.replace('_', " "));
                lines(out, (key, &name), value, depth + 1, lang);
            }
            Ok(())
        }
    };
}

/// A coded word in the reader's language; anything else as it stands.
fn word<'a>(field: &str, text: &'a str, lang: Lang) -> &'a str {
    let groups = CODED.iter().find(|(known, _)| *known == field);
    let coded = groups.and_then(|(_, groups)| groups.iter().find_map(|group| coded_text(group, text, lang)));
    let own = || {
        let own = OWN.contains(&field);
        own.then(|| WORDS.text(&format!("value.{text}"), lang)).flatten()
    };
    coded.or_else(own).unwrap_or(text)
}

fn said(yes: bool, lang: Lang) -> &'static str {
    let key = if yes { "word.true" } else { "word.false" };
    WORDS.text(key, lang).unwrap_or_default()
}

/// A moment on the wall clock in Viet Nam.
fn moment(at_ms: i64) -> Option<String> {
    let time = LocalTime::from_ms(at_ms, OFFSET_MINUTES)?;
    Some(format!("{} {}", time.date().long(), time.hours()))
}

fn is_id(text: &str) -> bool {
    [16, 32, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(value: Value, lang: Lang) -> String {
        let Value::Object(map) = value else {
            panic!("a map")
        };
        text(&map, lang)
    }

    #[test]
    fn the_text_has_the_words_of_both_languages_and_leaves_out_ids_and_what_is_empty() {
        let data = json!({
            "fees": [],
            "made_ms": 1_779_285_600_000_i64,
            "meetings": [{
                "id": "22222222222222222222222222222222",
                "date": "2026-05-05",
                "attendance": { "lines": [{ "state": "present", "how": "roll_call", "voter": true, "reason": null }] },
                "speeches": [{ "text": "present\nvà nữa" }],
            }],
            "name": "Lê Văn An",
            "tasks": [{ "status": "done", "some_new_field": 3 }],
        });
        assert_eq!(
            shown(data.clone(), Lang::Vi),
            "Lập lúc: 20/05/2026 21:00\nSinh hoạt:\n  -:\n    điểm danh:\n      các dòng:\n        -:\n          \
             cách ghi: điểm danh\n          tình trạng: có mặt\n          được biểu quyết: có\n    ngày: 2026-05-05\n    \
             ý kiến:\n      -:\n        nội dung: present / và nữa\nHọ và tên: Lê Văn An\nNhiệm vụ:\n  -:\n    \
             some new field: 3\n    trạng thái: đã làm xong\n"
        );
        let english = shown(data, Lang::En);
        assert!(
            english.starts_with("Made at: 20/05/2026 21:00\nMeetings:\n"),
            "{english}"
        );
        assert!(english.contains("state: present\n") && english.contains("may vote: yes\n"));
    }

    /// A word of each group.
    const SAMPLES: [(&str, &str); 17] = [
        ("activity", "attending"),
        ("ballot", "for"),
        ("fee_basis", "rate"),
        ("column", "self"),
        ("role", "deputy"),
        ("standing", "full"),
        ("how", "qr"),
        ("meeting_kind", "regular"),
        ("note_kind", "praise"),
        ("method", "hands"),
        ("need", "majority"),
        ("step", "opened"),
        ("section", "news"),
        ("stage", "content"),
        ("state", "present"),
        ("task_status", "done"),
        ("feedback_status", "answered"),
    ];

    #[test]
    fn every_line_of_the_table_has_both_languages_and_every_coded_field_its_group() {
        let mut keys = std::collections::BTreeSet::new();
        for entry in WORDS.entries() {
            let (key, (vi, en)) = entry.unwrap();
            assert!(keys.insert(key), "{key} twice");
            assert!(!vi.is_empty() && !en.is_empty(), "{key}");
        }
        for (field, groups) in CODED {
            assert!(keys.contains(format!("field.{field}").as_str()), "{field}");
            for group in groups {
                let (_, name) = SAMPLES.iter().find(|(known, _)| known == group).unwrap();
                assert!(coded_text(group, name, Lang::Vi).is_some(), "{group}.{name}");
            }
        }
    }
}
