//! Tests of what may be published.

use super::*;
use crate::limits::*;

/// A template of minutes with this body, from line 3 on.
fn minutes(body: &str) -> String {
    format!(
        "{}\n{{#- from 2026-01-01: Mẫu xã Tân An -#}}\n{body}",
        Sort::Minutes.first_line()
    )
}

fn refused(body: &str) -> TemplateError {
    TemplateHead::check(&minutes(body)).expect_err(body)
}

fn unknown(name: &str, line: usize) -> TemplateError {
    let name = name.to_owned();
    TemplateError::UnknownField { name, line }
}

#[test]
fn what_ships_can_be_published_as_it_is_with_a_day_and_a_name() {
    let from: Date = "2026-01-01".parse().unwrap();
    for sort in Sort::ALL {
        let file = sort.example_file(from, "Mẫu của Đảng ủy xã");
        let head = TemplateHead::check(&file).unwrap();
        assert_eq!((head.sort, head.from), (sort, from));
        assert_eq!(head.name, "Mẫu của Đảng ủy xã");
        assert_eq!(head.sha256(), HEXLOWER.encode(&Sha256::digest(file.as_bytes())));
    }
}

#[test]
fn an_unknown_field_is_named_in_every_branch_and_loop() {
    for (body, name, line) in [
        ("{{ nmae }}", "nmae", 3),
        ("{{ chair.nmae }}", "chair.nmae", 3),
        ("\n{{ upper | upper ~ untt }}", "untt", 4),
        // Neither a full nor an empty document comes here.
        (
            "{% if sealed %}{% if not sealed %}{{ nmae }}{% endif %}{% endif %}",
            "nmae",
            3,
        ),
        (
            "{% if sealed %}{% else %}{% if agenda %}\n{{ x }}{% endif %}{% endif %}",
            "x",
            4,
        ),
        ("{{ 'a' if not sealed else nmae }}", "nmae", 3),
        (
            "{% for item in agenda %}{{ item.titel }}{% endfor %}",
            "item.titel",
            3,
        ),
        (
            "{% for item in agenda %}{% else %}{{ item.title }}{% endfor %}",
            "item",
            3,
        ),
        ("{% for item in agenda %}{% endfor %}{{ item.title }}", "item", 3),
        ("{% for item in agneda %}{% endfor %}", "agneda", 3),
        (
            "{% for c in conclusions %}{% for d in c.deadlines %}{{ d.day }}{% endfor %}{% endfor %}",
            "d.day",
            3,
        ),
        (
            "{% for item in agenda if item.tilte %}{% endfor %}",
            "item.tilte",
            3,
        ),
        ("{% set n = nmae %}", "nmae", 3),
        ("{% if nmae is defined %}x{% endif %}", "nmae", 3),
        ("{% if upper == nmae %}x{% endif %}", "nmae", 3),
        ("{{ ['a', nmae][0] }}", "nmae", 3),
        ("{{ fees.due }}", "fees.due", 3),
        ("{{ upper | lower }}", "lower", 3),
    ] {
        assert_eq!(refused(body), unknown(name, line), "{body}");
    }
}

#[test]
fn everything_the_language_of_pages_has_is_taken() {
    for body in [
        "{# {{ nothing }} #}{{- upper -}} { x } %} }}",
        "{% for item in agenda %}{{ loop.index }}. {{ item.title | upper }}{{ \"}}{% raw %}\" }}{% endfor %}",
        "{% for item in agenda if item.title %}{% if loop.last %}.{% elif loop.first %},{% else %};{% endif %}{% endfor %}",
        "{% set n = 1 if agenda else 2 %}{{ n + 1 }}{{ n.x if not n else n }}",
        "{{ agenda[0].title if agenda else 'x' }}{{ '\\'' ~ upper }}",
        "{% if fees %}{{ fees.due }}{% endif %}{{ (present.total + 1) * 2 >= 3 and not sealed }}",
        "{% if number != none and 'x' not in upper %}x{% endif %}",
    ] {
        assert!(
            TemplateHead::check(&minutes(body)).is_ok(),
            "{body}: {:?}",
            TemplateHead::check(&minutes(body))
        );
    }
}

#[test]
fn what_hides_fields_or_reaches_outside_is_refused_by_name_and_line() {
    let construct = |name: &str, line| TemplateError::Construct {
        name: name.to_owned(),
        line,
    };
    for (body, name) in [
        ("{% raw %}{{ x }}{% endraw %}", "raw"),
        ("{% include 'a' %}", "include"),
        ("{% macro a() %}{% endmacro %}", "macro"),
        ("{% with a = 1 %}{% endwith %}", "with"),
        ("{% filter upper %}{% endfilter %}", "filter"),
        ("{% set a %}x{% endset %}", "set"),
        ("{{ {'a': 1} }}", "{"),
    ] {
        assert_eq!(refused(body), construct(name, 3), "{body}");
    }
    assert_eq!(
        refused("\n{% for a in agenda recursive %}{{ loop(a) }}{% endfor %}"),
        unknown("recursive", 4)
    );
    for body in [
        "{% if",
        "{{ upper",
        "{# x",
        "{% endif %}",
        "{% for a %}{% endfor %}",
        "{% if sealed %}",
        "{{ 'a }}",
        "{% %}",
        "{{ upper upper }}",
    ] {
        assert!(matches!(refused(body), TemplateError::Malformed { .. }), "{body}");
    }
}

#[test]
fn the_head_says_day_and_name_or_the_template_is_refused() {
    let with = |head: &str| TemplateHead::check(&format!("{}\n{head}\nx", Sort::Report.first_line()));
    let named = |name: &str| with(&format!("{{#- from 2026-01-01: {name} -#}}"));
    assert_eq!(named("Mẫu").unwrap().name, "Mẫu");
    assert!(named(&"ấ".repeat(TEMPLATE_NAME_CHARS_MAX)).is_ok());
    assert_eq!(
        named(&"ấ".repeat(TEMPLATE_NAME_CHARS_MAX + 1)),
        Err(TemplateError::Head)
    );
    for head in [
        "",
        "Mẫu",
        "{#- from 2026-13-01: Mẫu -#}",
        "{#- from 2026-01-01 Mẫu -#}",
        "{#- from 2026-01-01:   -#}",
        "{#- from 2026-01-01: a #} b -#}",
    ] {
        assert_eq!(with(head), Err(TemplateError::Head), "{head}");
    }
    assert_eq!(TemplateHead::check("x"), Err(TemplateError::Version));
    assert_eq!(TemplateHead::check(""), Err(TemplateError::Version));
    let padded = |len: usize| {
        let begun = minutes("");
        format!("{begun}{}", "a".repeat(len - begun.len()))
    };
    assert!(TemplateHead::check(&padded(TEMPLATE_BYTES_MAX)).is_ok());
    let over = TEMPLATE_BYTES_MAX + 1;
    assert_eq!(
        TemplateHead::check(&padded(over)),
        Err(TemplateError::TooLong(over))
    );
}

/// Runs on a stack as small as that of a thread of a phone.
fn on_a_small_stack(body: String) -> Result<TemplateHead, TemplateError> {
    let check = move || TemplateHead::check(&minutes(&body));
    let thread = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(check)
        .unwrap();
    thread.join().unwrap()
}

#[test]
fn tags_are_short_and_nest_little() {
    let tag = |len: usize| {
        let begun = "{{ upper";
        format!("{begun}{}}}}}", " ".repeat(len - begun.len() + 2))
    };
    assert!(on_a_small_stack(tag(TAG_BYTES_MAX)).is_ok());
    assert!(matches!(
        on_a_small_stack(tag(TAG_BYTES_MAX + 1)),
        Err(TemplateError::Construct { .. })
    ));
    let brackets = |count: usize| format!("{{{{ {}upper{} }}}}", "(".repeat(count), ")".repeat(count));
    assert!(on_a_small_stack(brackets(BRACKETS_MAX)).is_ok());
    assert!(matches!(
        on_a_small_stack(brackets(BRACKETS_MAX + 1)),
        Err(TemplateError::Construct { .. })
    ));
    let blocks = |count: usize| "{% if upper %}".repeat(count) + &"{% endif %}".repeat(count);
    assert!(on_a_small_stack(blocks(BLOCKS_MAX)).is_ok());
    assert!(matches!(
        on_a_small_stack(blocks(BLOCKS_MAX + 1)),
        Err(TemplateError::Construct { .. })
    ));
    // The deepest expressions that fit.
    for deep in [
        "upper~".repeat(TAG_BYTES_MAX / 6 - 1) + "upper",
        "not ".repeat(TAG_BYTES_MAX / 4 - 3) + "upper",
        "-".repeat(140) + "1",
        "upper".to_owned() + &"|upper".repeat(160),
    ] {
        let nested =
            "{% if upper %}".repeat(BLOCKS_MAX) + "{{ " + &deep + " }}" + &"{% endif %}".repeat(BLOCKS_MAX);
        let _ = on_a_small_stack(nested);
    }
    for hostile in [
        "{{ a".to_owned() + &"~a".repeat(30_000) + " }}",
        "{{ ".to_owned() + &"(".repeat(60_000),
        "{{ ".to_owned() + &"not ".repeat(15_000),
        "{% if a %}".repeat(6_000),
        "{{ upper".to_owned() + &"|upper".repeat(10_000) + " }}",
        "{{ \"".to_owned() + &"x".repeat(60_000),
    ] {
        assert!(on_a_small_stack(hostile).is_err());
    }
}

#[test]
fn neither_steps_nor_bytes_nor_parts_are_without_end() {
    let doubling = "{% set a = a ~ a %}".repeat(60);
    assert_eq!(
        refused(&format!("{{% set a = 'aaaaaaaaaaaaaaaa' %}}{doubling}")),
        TemplateError::TooManySteps
    );
    assert_eq!(refused("{{ 'a' * 900000000 }}"), TemplateError::TooManySteps);
    let nested = "{% for a in upper %}".repeat(9) + "x" + &"{% endfor %}".repeat(9);
    assert_eq!(refused(&nested), TemplateError::TooManySteps);
    // What steps would pay for, a page still does not hold.
    let bytes = |times: usize| format!("{{{{ '{}' * {times} }}}}", "a".repeat(64));
    assert!(TemplateHead::check(&minutes(&bytes(PAGE_BYTES_MAX / 64 - 1))).is_ok());
    assert_eq!(refused(&bytes(PAGE_BYTES_MAX / 64)), TemplateError::TooLarge);
}

#[test]
fn minutes_as_long_as_a_seal_carries_are_printed_with_room_to_spare() {
    // Twice the 512 KiB that one seal carries, nearly all of it said by members.
    let mut full = Sort::Minutes.example();
    let speech = serde_json::json!({ "speaker": "Nguyễn Văn Hùng", "text": "ấy ".repeat(1_000) });
    full["speeches"] = Value::Array(vec![speech; 200]);
    for sort in [Sort::Minutes, Sort::Extract] {
        let page = PageTemplate::shipped(sort).fill(&full).unwrap();
        assert!(page.text().len() > 900_000);
    }
    full["speeches"] = Value::Array(vec![
        serde_json::json!({ "speaker": "A", "text": "Nhất trí." });
        3_000
    ]);
    assert!(PageTemplate::shipped(Sort::Minutes).fill(&full).is_ok());
}

#[test]
fn a_page_has_so_many_parts_and_not_one_more() {
    let read = |filled: &str| crate::markup::read(filled).is_some();
    for part in ["| x\n", "<< x\n", "x\n", "|= x\n", "# x\n", "+ x\n"] {
        // The first line of columns, and the first row, begin a block that is a part as well.
        let own = usize::from(part.starts_with('|') || part.starts_with('<'));
        let each = if part == "|= x\n" { 2 } else { 1 };
        let own = if each == 2 { 0 } else { own };
        let most = (PAGE_PARTS_MAX - own) / each;
        assert!(read(&part.repeat(most)), "{part}");
        assert!(!read(&part.repeat(most + 1)), "{part}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_somebody_publishes_is_taken_or_refused(text in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}|-|[ \"'|.~()\\[\\]a]|if|for|in|endif|endfor|else|set|upper|agenda|item|\\n|\\PC){0,60}") {
        let _ = TemplateHead::check(&minutes(&text));
        let _ = TemplateHead::check(&text);
    }
}
