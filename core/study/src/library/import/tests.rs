use super::*;
use crate::library::SectionKind;
use std::io::Write;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn details() -> Details {
    Details {
        kind: "Quy định".into(),
        code: "29-QĐ/TW".into(),
        issuer: "Ban Chấp hành Trung ương".into(),
        date: Date::parse("2016-07-25").unwrap(),
        title: "Thi hành Điều lệ Đảng".into(),
        alias: None,
        links: vec![],
        blobs: vec![],
    }
}

fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn body(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"w\"><w:body>{inner}</w:body></w:document>"
    )
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

fn docx(inner: &str) -> Vec<u8> {
    archive(&[("word/document.xml", &body(inner))])
}

fn lines(imported: &Imported) -> Vec<String> {
    imported
        .document
        .sections
        .iter()
        .map(|s| format!("{}|{}|{}", s.label(), s.heading, s.text()))
        .collect()
}

#[test]
fn a_word_document_is_read_with_its_structure() {
    let inner = [
        paragraph("Số: 29-QĐ/TW"),
        paragraph("Hà Nội, ngày 25 tháng 07 năm 2016"),
        "<w:p><w:r><w:t>Điều 1. </w:t></w:r><w:r><w:t>Ph\u{ad}ạm vi &amp; &#273;ối tượng</w:t></w:r></w:p>"
            .to_owned(),
        paragraph("1. Quy định này."),
    ]
    .concat();
    let imported = import(&docx(&inner), "a.docx", details()).unwrap();
    assert_eq!(
        lines(&imported),
        [
            "Phần mở đầu||Số: 29-QĐ/TW\nHà Nội, ngày 25 tháng 07 năm 2016",
            "Điều 1|Phạm vi & đối tượng|1. Quy định này."
        ]
    );
    assert_eq!(imported.report.sections[&SectionKind::Article], 1);
    assert_eq!(imported.report.found_code.as_deref(), Some("29-QĐ/TW"));
    assert!(
        imported.report.warnings.is_empty(),
        "{:?}",
        imported.report.warnings
    );
}

#[test]
fn automatic_numbers_of_word_become_text() {
    let numbering = "<w:numbering xmlns:w=\"w\"><w:abstractNum w:abstractNumId=\"0\">\
        <w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"Điều %1.\"/></w:lvl>\
        <w:lvl w:ilvl=\"1\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%2.\"/></w:lvl>\
        </w:abstractNum><w:num w:numId=\"3\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
    let styles = "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"Dieu\"><w:pPr><w:numPr><w:numId w:val=\"3\"/></w:numPr>\
        </w:pPr></w:style></w:styles>";
    let article =
        |t: &str| format!("<w:p><w:pPr><w:pStyle w:val=\"Dieu\"/></w:pPr><w:r><w:t>{t}</w:t></w:r></w:p>");
    let clause = |t: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"1\"/><w:numId w:val=\"3\"/></w:numPr></w:pPr><w:r><w:t>{t}</w:t></w:r></w:p>"
        )
    };
    let inner = [
        article("Phạm vi"),
        clause("Một."),
        clause("Hai."),
        article("Hiệu lực"),
        clause("Từ ngày ký."),
    ]
    .concat();
    let bytes = archive(&[
        ("word/document.xml", &body(&inner)),
        ("word/numbering.xml", numbering),
        ("word/styles.xml", styles),
    ]);
    let imported = import(&bytes, "a.docx", details()).unwrap();
    assert_eq!(
        lines(&imported),
        [
            "Điều 1|Phạm vi|1. Một.\n2. Hai.",
            "Điều 2|Hiệu lực|1. Từ ngày ký."
        ]
    );
}

#[test]
fn deleted_text_fallback_drawings_and_field_codes_are_left_out() {
    let inner = "<w:p><w:r><w:t>Giữ </w:t></w:r><w:del><w:r><w:delText>bỏ</w:delText><w:t>bỏ</w:t></w:r></w:del>\
        <w:ins><w:r><w:t>thêm</w:t></w:r></w:ins><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>\
        <w:p><mc:AlternateContent xmlns:mc=\"m\"><mc:Choice><w:p><w:r><w:t>Hộp</w:t></w:r></w:p></mc:Choice>\
        <mc:Fallback><w:p><w:r><w:t>Hộp</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent><w:r><w:t>Sau</w:t></w:r></w:p>";
    let imported = import(&docx(inner), "a.docx", details()).unwrap();
    assert_eq!(lines(&imported), ["Toàn văn||Giữ thêm\nHộp\nSau"]);
}

#[test]
fn table_rows_of_single_lines_stay_one_line() {
    let cell = |t: &str| format!("<w:tc>{}</w:tc>", paragraph(t));
    let row = |a: &str, b: &str| format!("<w:tr>{}{}</w:tr>", cell(a), cell(b));
    let inner = format!(
        "<w:tbl>{}{}</w:tbl>",
        row("Chi bộ", "Số đảng viên"),
        row("An Lạc", "42")
    );
    let imported = import(&docx(&inner), "a.docx", details()).unwrap();
    assert_eq!(lines(&imported), ["Toàn văn||Chi bộ | Số đảng viên\nAn Lạc | 42"]);
}

#[test]
fn old_fonts_tell_the_encoding_of_each_run() {
    let run = |font: &str, text: &str| {
        format!(
            "<w:r><w:rPr><w:rFonts w:ascii=\"{font}\"/></w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>"
        )
    };
    let inner = format!(
        "<w:p>{}{}{}{}</w:p>",
        run(".VnTimeH", "NghÞ quyÕt "),
        run(".VnTime", "§¶ng bé, ng\u{ad}êi "),
        run("VNI-Times", "quyeát ñònh "),
        run("Times New Roman", "Điều lệ")
    );
    let imported = import(&docx(&inner), "a.docx", details()).unwrap();
    assert_eq!(
        lines(&imported),
        ["Toàn văn||NGHỊ QUYẾT Đảng bộ, người quyết định Điều lệ"]
    );
    let converted = |from, pieces| Warning::Converted { from, pieces };
    assert_eq!(
        imported.report.warnings[..2],
        [converted(Encoding::Tcvn3, 2), converted(Encoding::VniWindows, 1)]
    );
}

#[test]
fn a_secrecy_mark_anywhere_refuses_the_import() {
    let stamped = docx(&[paragraph("TỐI MẬT"), paragraph("Nội dung")].concat());
    assert_eq!(
        import(&stamped, "a.docx", details()),
        Err(ImportError::SecrecyMark(Secrecy::HighlySecret))
    );
    let header = archive(&[
        ("word/document.xml", &body(&paragraph("Nội dung"))),
        (
            "word/header1.xml",
            &format!("<w:hdr xmlns:w=\"w\">{}</w:hdr>", paragraph("Mật")),
        ),
    ]);
    assert_eq!(
        import(&header, "a.docx", details()),
        Err(ImportError::SecrecyMark(Secrecy::Secret))
    );
    let old = b"TUY\xd6T M\xcbT\n\xa7\xb6ng b\xe9 ng\xad\xeai th\xad\xeang k\xfa";
    assert_eq!(
        import(old, "a.txt", details()),
        Err(ImportError::SecrecyMark(Secrecy::TopSecret))
    );
    let talk = "Điều 1. Bảo vệ bí mật nhà nước\nTài liệu mật, tối mật, tuyệt mật phải nộp lại.";
    assert!(import(talk.as_bytes(), "a.txt", details()).is_ok());
    let titled = Details {
        title: "Kế hoạch (Mật)".into(),
        ..details()
    };
    assert!(
        import("Nội dung".as_bytes(), "a.txt", titled).is_ok(),
        "a word in a title is no stamp"
    );
}

#[test]
fn broken_files_are_refused_and_say_what_is_broken() {
    let whole = docx(&paragraph("Nội dung đủ dài để nén"));
    assert_eq!(
        import(&whole[..whole.len() / 2], "a.docx", details()),
        Err(ImportError::BrokenArchive)
    );
    assert_eq!(
        import(&archive(&[("other.xml", "<a/>")]), "a.docx", details()),
        Err(ImportError::BrokenArchive)
    );
    assert_eq!(
        import(b"nothing of Word", "a.docx", details()),
        Err(ImportError::BrokenArchive)
    );
    let cut = archive(&[("word/document.xml", "<w:document><w:body><w:p><w:t>x</w:t>")]);
    assert!(matches!(
        import(&cut, "a.docx", details()),
        Err(ImportError::BrokenXml {
            part: "word/document.xml",
            ..
        })
    ));
    let crossed = archive(&[("word/document.xml", "<w:document><w:p></w:document></w:p>")]);
    assert!(matches!(
        import(&crossed, "a.docx", details()),
        Err(ImportError::BrokenXml { .. })
    ));
    assert_eq!(
        import(b"%PDF-1.7 and nothing else", "a.pdf", details()),
        Err(ImportError::BrokenPdf)
    );
    assert_eq!(
        import(b"\x00\x01\x02\x03", "a.bin", details()),
        Err(ImportError::UnknownFormat)
    );
    assert_eq!(import(b"  \n \n", "a.txt", details()), Err(ImportError::Empty));
    assert_eq!(
        import(&[0xff, 0x81, 0x8d, 0x90, 0xfd], "a.txt", details()),
        Err(ImportError::UnknownEncoding)
    );
}

#[test]
fn locked_and_old_files_are_named_as_such() {
    let mut locked = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    assert_eq!(
        import(&locked, "a.doc", details()),
        Err(ImportError::UnsupportedFormat("old Word (.doc)"))
    );
    locked.extend("EncryptedPackage".bytes().flat_map(|b| [b, 0]));
    assert_eq!(
        import(&locked, "a.docx", details()),
        Err(ImportError::PasswordProtected)
    );
    assert_eq!(
        import(b"{\\rtf1 x}", "a.rtf", details()),
        Err(ImportError::UnsupportedFormat("RTF"))
    );
}

#[test]
fn a_file_over_the_limit_is_not_read() {
    assert_eq!(
        import(&vec![b'a'; MAX_FILE_BYTES + 1], "a.txt", details()),
        Err(ImportError::TooLarge)
    );
}

#[test]
fn a_page_of_the_web_is_read_by_blocks() {
    let page = "<!DOCTYPE html><html><head><title>x</title><style>p{}</style></head><body><script>var a='<p>no';</script>\
        <nav>Trang chủ</nav><p align=center><b>Điều 1.</b> Phạm&nbsp;vi</p><div>1. Một<br>a) Hai\n tiếp</div>\
        <table><tr><td>Ô một</td><td>Ô hai</td></tr></table></body></html>";
    let imported = import(page.as_bytes(), "a.html", details()).unwrap();
    assert_eq!(
        lines(&imported),
        ["Điều 1|Phạm vi|1. Một\na) Hai tiếp\nÔ một\nÔ hai"]
    );
    assert_eq!(imported.report.format, Format::Html);
}

#[test]
fn a_page_in_an_old_encoding_is_converted() {
    let mut page =
        b"<html><meta charset=windows-1252><body><p>Chi b\xe9 h\xe4p th\xad\xeang k\xfa m\xe7i th\xb8ng"
            .to_vec();
    page.extend(b" m\xe9t l\xc7n, \xae\xb6ng vi\xaan c\xe3 m\xc6t.</p></body></html>");
    let imported = import(&page, "a.htm", details()).unwrap();
    assert_eq!(
        lines(&imported),
        ["Toàn văn||Chi bộ họp thường kỳ mỗi tháng một lần, đảng viên có mặt."]
    );
}

#[test]
fn text_that_names_another_code_or_date_is_reported() {
    let text = "Số: 30-QĐ/TW\nHà Nội, ngày 26 tháng 7 năm 2016\nĐiều 1. Phạm vi\nNội dung.";
    let imported = import(text.as_bytes(), "a.txt", details()).unwrap();
    assert_eq!(
        imported.report.warnings,
        [
            Warning::CodeDiffers {
                found: "30-QĐ/TW".into()
            },
            Warning::DateDiffers {
                found: Date::parse("2016-07-26").unwrap()
            }
        ]
    );
}

/// A PDF of one page for each text, with a font whose character codes are Unicode.
fn pdf(pages: &[&str]) -> pdf_extract::Document {
    use pdf_extract::{Dictionary, Document, Object, Stream};
    let dict = |entries: Vec<(&str, Object)>| {
        Dictionary::from_iter(entries.into_iter().map(|(k, v)| (k.as_bytes().to_vec(), v)))
    };
    let name = |n: &str| Object::Name(n.as_bytes().to_vec());
    let mut doc = Document::with_version("1.5");
    let used: std::collections::BTreeSet<char> = pages.iter().flat_map(|p| p.chars()).collect();
    let map: Vec<String> = used
        .iter()
        .map(|c| format!("<{0:04X}> <{0:04X}>", *c as u32))
        .collect();
    let cmap = format!(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
         {} beginbfchar\n{}\nendbfchar endcmap end end",
        map.len(),
        map.join("\n")
    );
    let unicode = doc.add_object(Stream::new(Dictionary::new(), cmap.into_bytes()));
    let descriptor = doc.add_object(dict(vec![
        ("Type", name("FontDescriptor")),
        ("FontName", name("T")),
    ]));
    let system = dict(vec![
        ("Registry", Object::string_literal("Adobe")),
        ("Ordering", Object::string_literal("Identity")),
        ("Supplement", 0.into()),
    ]);
    let descendant = doc.add_object(dict(vec![
        ("Type", name("Font")),
        ("Subtype", name("CIDFontType2")),
        ("BaseFont", name("T")),
        ("CIDSystemInfo", system.into()),
        ("FontDescriptor", descriptor.into()),
        ("DW", 500.into()),
    ]));
    let font = doc.add_object(dict(vec![
        ("Type", name("Font")),
        ("Subtype", name("Type0")),
        ("BaseFont", name("T")),
        ("Encoding", name("Identity-H")),
        ("DescendantFonts", vec![descendant.into()].into()),
        ("ToUnicode", unicode.into()),
    ]));
    let resources = doc.add_object(dict(vec![("Font", dict(vec![("F1", font.into())]).into())]));
    let tree = doc.new_object_id();
    let mut kids: Vec<Object> = Vec::new();
    for page in pages {
        let mut content = "BT /F1 10 Tf 50 780 Td ".to_owned();
        for line in page.lines() {
            let codes: String = line.chars().map(|c| format!("{:04X}", c as u32)).collect();
            content.push_str(&format!("<{codes}> Tj 0 -14 Td "));
        }
        content.push_str("ET");
        let content = doc.add_object(Stream::new(Dictionary::new(), content.into_bytes()));
        let media: Vec<Object> = [0, 0, 595, 842].map(Object::from).to_vec();
        let page = dict(vec![
            ("Type", name("Page")),
            ("Parent", tree.into()),
            ("MediaBox", media.into()),
            ("Resources", resources.into()),
            ("Contents", content.into()),
        ]);
        kids.push(doc.add_object(page).into());
    }
    let count = kids.len() as i64;
    doc.objects.insert(
        tree,
        dict(vec![
            ("Type", name("Pages")),
            ("Kids", kids.into()),
            ("Count", count.into()),
        ])
        .into(),
    );
    let catalog = doc.add_object(dict(vec![("Type", name("Catalog")), ("Pages", tree.into())]));
    doc.trailer.set("Root", catalog);
    doc
}

fn bytes(mut doc: pdf_extract::Document) -> Vec<u8> {
    let mut out = Vec::new();
    doc.save_to(&mut out).unwrap();
    out
}

#[test]
fn a_pdf_with_text_is_read_and_its_lines_joined() {
    let page =
        "Điều 1. Phạm vi điều chỉnh\nLuật này quy định về nội dung, cách thức thực hiện\ndân chủ ở cơ sở.\n1";
    let imported = import(&bytes(pdf(&[page, ""])), "a.pdf", details()).unwrap();
    assert_eq!(
        lines(&imported),
        ["Điều 1|Phạm vi điều chỉnh|Luật này quy định về nội dung, cách thức thực hiện dân chủ ở cơ sở."]
    );
    assert_eq!(
        imported.report.warnings,
        [Warning::PagesWithoutText { pages: vec![2] }]
    );
}

#[test]
fn a_pdf_of_pictures_is_called_a_scan() {
    assert_eq!(
        import(&bytes(pdf(&["", "2"])), "a.pdf", details()),
        Err(ImportError::ScannedPdf { pages: 2 })
    );
}

#[test]
fn a_pdf_with_a_password_is_called_locked() {
    use pdf_extract::{EncryptionState, EncryptionVersion, Object, Permissions};
    let mut doc = pdf(&["Nội dung đủ dài cho một trang"]);
    let id = Object::string_literal("0123456789abcdef");
    doc.trailer.set("ID", vec![id.clone(), id]);
    let version = EncryptionVersion::V2 {
        document: &doc,
        owner_password: "chủ",
        user_password: "mở",
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    doc.encrypt(&state).unwrap();
    assert_eq!(
        import(&bytes(doc), "a.pdf", details()),
        Err(ImportError::PasswordProtected)
    );
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn damaged_files_never_panic(at in 0usize..100_000, byte in 0u8..255, kind in 0u8..3) {
        let mut file = match kind {
            0 => docx(&paragraph("Điều 1. Phạm vi")),
            1 => bytes(pdf(&["Điều 1. Phạm vi điều chỉnh"])),
            _ => "<html><p>Điều 1. Phạm vi<table><td>x".as_bytes().to_vec(),
        };
        let at = at % file.len();
        file[at] = byte;
        let _ = import(&file, "a", details());
        let _ = import(&file[..at], "a", details());
    }
}
