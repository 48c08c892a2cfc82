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
