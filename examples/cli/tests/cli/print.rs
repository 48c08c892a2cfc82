//! Minutes as an office document.

use crate::support::{Hall, Phone};

fn spoken(hall: &Hall) -> Phone {
    let phone = hall.meeting();
    for (item, text) in [
        ("Nhiệm vụ tháng 5", "Nạo vét mương."),
        ("Kết nạp", "Giới thiệu hai quần chúng."),
    ] {
        phone.ok(&["meeting", "agenda", "add", item]);
        let number = if item == "Kết nạp" { "2" } else { "1" };
        phone.ok(&["meeting", "speech", "add", "--by", "2", text, "--agenda", number]);
    }
    phone
}

#[test]
fn minutes_are_written_as_text_html_and_docx() {
    let hall = Hall::new();
    let phone = spoken(&hall);
    let text = phone.ok(&["meeting", "print"]);
    assert!(
        text.contains("ĐẢNG CỘNG SẢN VIỆT NAM\nĐông Phong, ngày 05 tháng 5 năm 2026"),
        "{text}"
    );
    assert!(text.contains("1. Trần Thị Bình: Nạo vét mương."), "{text}");
    phone.ok(&["meeting", "print", "--out", "m.html"]);
    assert!(hall.read("m.html").starts_with("<!DOCTYPE html>"));
    let said = phone.json(&["meeting", "print", "--out", "m.docx"]);
    let docx = std::fs::read(hall.path("m.docx")).unwrap();
    assert_eq!(&docx[..4], b"PK\x03\x04");
    assert_eq!(said["bytes"], docx.len());
    // The page names the hash of the text that a seal signs.
    let hash = phone.json(&["meeting", "minutes"])["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(text.contains(&hash));
}

#[test]
fn an_extract_is_of_one_item() {
    let hall = Hall::new();
    let phone = spoken(&hall);
    let text = phone.ok(&["meeting", "print", "--item", "2"]);
    assert!(
        text.contains("TRÍCH BIÊN BẢN") && text.contains("Giới thiệu hai quần chúng."),
        "{text}"
    );
    assert!(!text.contains("Nạo vét mương"), "{text}");
    phone.fails(&["meeting", "print", "--item", "3"], 3, "no_entry");
}

#[test]
fn a_template_of_ones_own_is_used_and_its_mistakes_are_named() {
    let hall = Hall::new();
    let phone = spoken(&hall);
    let template = |body: &str| format!("{{#- sotay page minutes 1 -#}}\n{body}\n");
    hall.write("own.txt", template("= {{ unit | upper }}\nHọp tại {{ place }}."));
    assert_eq!(
        phone.ok(&["meeting", "print", "--template", "own.txt"]),
        "CHI BỘ THÔN AN LẠC\n\nHọp tại Nhà văn hóa.\n"
    );
    hall.write("field.txt", template("= x\n{{ plaec }}"));
    let error = phone.fails(
        &["meeting", "print", "--template", "field.txt"],
        3,
        "template_field",
    );
    assert!(
        error["message"].as_str().unwrap().contains("plaec, ở dòng 3"),
        "{error}"
    );
    hall.write("form.txt", template("{% if %}"));
    phone.fails(&["meeting", "print", "--template", "form.txt"], 3, "bad_template");
    hall.write("other.txt", "{#- sotay page extract 1 -#}\n");
    phone.fails(
        &["meeting", "print", "--template", "other.txt"],
        3,
        "template_version",
    );
}

#[test]
fn docx_needs_a_file() {
    let hall = Hall::new();
    let phone = hall.meeting();
    assert_eq!(phone.run(&["meeting", "print", "--format", "docx"]).exit, 2);
}

#[test]
fn a_published_template_is_printed_with_from_its_day_on_and_withdrawn_again() {
    let hall = Hall::new();
    let phone = spoken(&hall);
    let shipped = phone.ok(&["meeting", "print"]);
    let begin = [
        "directives",
        "template",
        "minutes",
        "--from",
        "01/05/2026",
        "--name",
        "Mẫu xã",
    ];
    phone.ok(&[&begin[..], &["--out", "mau.txt"]].concat());
    let mine = hall.read("mau.txt").replace("= BIÊN BẢN", "= BIÊN BẢN HỌP");
    hall.write("mau.txt", &mine);
    assert_eq!(phone.json(&["directives", "check", "mau.txt"])["kind"], "minutes");
    let said = phone.ok(&["directives", "publish", "mau.txt"]);
    assert!(said.contains("“Mẫu xã”, áp dụng từ 01/05/2026"), "{said}");
    let sha256 = phone.json(&["directives"])["templates"][0]["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = phone.ok(&["directives", "list", "--on", "2026-05-05"]);
    let line = list.lines().find(|line| line.contains("mẫu biên bản")).unwrap();
    assert!(
        line.contains("chi bộ") && line.contains("đang áp dụng") && line.contains(&sha256[..8]),
        "{line}"
    );
    let page = phone.ok(&["meeting", "print"]);
    assert!(page.contains("BIÊN BẢN HỌP"), "{page}");
    assert!(
        page.contains(&format!("Mẫu trang: Mẫu xã (SHA-256 {}…).", &sha256[..16])),
        "{page}"
    );
    assert_eq!(phone.ok(&["meeting", "print", "--with", "shipped"]), shipped);
    phone.fails(&["meeting", "print", "--with", "ffff"], 3, "no_entry");
    let said = phone.ok(&["directives", "withdraw", &sha256[..8]]);
    assert!(said.contains("Mẫu xã"), "{said}");
    assert_eq!(phone.ok(&["meeting", "print"]), shipped);
    // The old page can be made again; the file cannot be published again as it is.
    assert!(
        phone
            .ok(&["meeting", "print", "--with", &sha256[..8]])
            .contains("BIÊN BẢN HỌP")
    );
    phone.fails(&["directives", "publish", "mau.txt"], 3, "directive_withdrawn");
    phone.fails(&["directives", "withdraw", "ffff"], 3, "no_directive");
}

#[test]
fn a_template_that_does_not_fit_is_not_published_and_its_mistake_is_named() {
    let hall = Hall::new();
    let phone = spoken(&hall);
    let head = "{#- sotay page minutes 1 -#}\n{#- from 2026-05-01: Mẫu xã -#}\n";
    for (body, code, named) in [
        (
            "{% for item in agenda %}{{ item.titel }}{% endfor %}",
            "template_field",
            "item.titel, ở dòng 3",
        ),
        ("{% if sealed %}x", "bad_template", "dòng 3"),
        ("{% include 'a' %}", "template_construct", "include ở dòng 3"),
        ("{{ upper * 99999999 }}", "template_too_large", "quá lớn"),
    ] {
        hall.write("mau.txt", format!("{head}{body}\n"));
        for command in ["check", "publish"] {
            let error = phone.fails(&["directives", command, "mau.txt"], 3, code);
            assert!(error["message"].as_str().unwrap().contains(named), "{error}");
        }
    }
    hall.write("mau.txt", "{#- sotay page minutes 1 -#}\n= {{ unit }}\n");
    let error = phone.fails(&["directives", "publish", "mau.txt"], 3, "template_head");
    assert!(
        error["next"].as_str().unwrap().contains("directives template"),
        "{error}"
    );
    hall.write("mau.txt", format!("{head}{}", "x".repeat(64 * 1024)));
    phone.fails(&["directives", "publish", "mau.txt"], 3, "file_too_large");
    assert_eq!(phone.json(&["directives"])["templates"], serde_json::json!([]));
}
