//! Pages of minutes and of extracts: what stands on them, and that the files are what programs expect.

#[path = "common/mod.rs"]
mod common;

use std::io::Read;

use common::{headed as filled, report, resolution};
use quick_xml::Reader;
use quick_xml::events::Event;
use sotay_handbook::report::ReportModel;
use sotay_handbook::resolution::ResolutionModel;
use sotay_paper::{Block, Page, PageTemplate, Sort};

const SAID: &str = "Đề nghị xem lại việc thu gom rác.\nTháng qua có ba tuần xe không vào.";

fn minutes() -> Page {
    common::page(SAID, Sort::Minutes)
}

fn parts(docx: &[u8]) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(docx)).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

fn part(docx: &[u8], name: &str) -> String {
    let part = parts(docx).into_iter().find(|(part, _)| part == name);
    part.unwrap_or_else(|| panic!("no {name}")).1
}

/// Names of the elements, and the text; fails where the XML is not well formed.
fn read(xml: &str) -> (Vec<String>, String) {
    let (mut reader, mut names, mut text) = (Reader::from_str(xml), Vec::new(), String::new());
    reader.config_mut().check_end_names = true;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) => {
                names.push(tag.name().as_ref().to_owned());
            }
            Event::Text(part) => text.push_str(&part),
            Event::Eof => return (names, text),
            _ => {}
        }
    }
}

#[test]
fn the_page_has_the_form_of_an_office_document_from_letterhead_to_recipients() {
    let page = minutes();
    let text = page.text();
    let order = [
        "ĐẢNG ỦY XÃ TÂN AN\nCHI BỘ THÔN AN LẠC\n*\nSố 05-BB/CB",
        "ĐẢNG CỘNG SẢN VIỆT NAM\nTân An, ngày 05 tháng 5 năm 2025",
        "BIÊN BẢN",
        "Sinh hoạt thường kỳ tháng 5/2025",
        "Chủ trì: đồng chí Nguyễn Văn Hùng, Bí thư.",
        "Có mặt\t37\t35\t2",
        "Vắng có lý do: 2. Nguyễn Đức Thịnh (ốm); Đỗ Mạnh Cường (đi công tác).",
        "1. Nhiệm vụ tháng 5",
        "1. Hoàng Văn Thắng: Đề nghị xem lại việc thu gom rác.",
        "Tháng qua có ba tuần xe không vào.",
        "2. Bùi Xuân Trường: Nhất trí với dự thảo.",
        "1. Nạo vét tuyến mương N3 trước mùa mưa. Phụ trách: Vũ Đình Khôi, Bùi Xuân Trường. Thời hạn: 25/05/2025.",
        "2. Cử hai quần chúng ưu tú",
        "Tán thành: 33; không tán thành: 1; ý kiến khác: 1.",
        "Kết thúc: 21 giờ 05 cùng ngày (95 phút).",
        "THƯ KÝ\nLê Quang Vinh",
        "CHỦ TRÌ\nNguyễn Văn Hùng",
        "Nơi nhận:",
        "SHA-256",
    ];
    in_order(&text, &order);
    assert_eq!(page.title, "BIÊN BẢN – Sinh hoạt thường kỳ tháng 5/2025");
    assert!(matches!(page.blocks.first(), Some(Block::Columns { .. })));
}

#[test]
fn an_extract_holds_one_item_and_nothing_of_the_others() {
    let text = common::page(SAID, Sort::Extract).text();
    for part in [
        "TRÍCH BIÊN BẢN",
        "Về nội dung: Nhiệm vụ tháng 5",
        "Hoàng Văn Thắng",
        "Nạo vét tuyến mương N3",
        "Tán thành: 33",
        "THƯ KÝ",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    for other in [
        "phát triển đảng viên",
        "Ngô Thị Bích Ngọc",
        "quần chúng ưu tú",
        "Phổ biến",
        "Tổ 2",
    ] {
        assert!(!text.contains(other), "{other}\n{text}");
    }
}

#[test]
fn an_extract_of_an_item_that_the_agenda_lacks_is_none() {
    assert!(
        common::view(SAID)
            .extract(sotay_handbook::fixture::entry(7, 7))
            .is_none()
    );
}

#[test]
fn html_is_well_formed_and_fetches_nothing() {
    let html = minutes().html();
    let body = html.split("</head>").nth(1).unwrap().replace("</html>", "");
    let (names, text) = read(&body.replace("<br>", "<br/>").replace("<hr>", "<hr/>"));
    assert_eq!(names.iter().filter(|name| *name == "table").count(), 1);
    assert_eq!(names.iter().filter(|name| *name == "h1").count(), 1);
    assert!(text.contains("Nguyễn Đức Thịnh (ốm)"));
    for outside in ["http", "url(", "<script", "<link", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    for measure in ["size: A4", "margin: 20mm 15mm 20mm 30mm", "14pt"] {
        assert!(html.contains(measure), "{measure}");
    }
}

#[test]
fn what_a_member_says_stays_text_in_every_format() {
    let page = common::page("</p><script>alert(1)</script> & = **\"x\"** ]]>", Sort::Minutes);
    let html = page.html();
    assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"));
    let (_, text) = read(&part(&page.docx().unwrap(), "word/document.xml"));
    assert!(text.contains("/script"), "{text}");
    assert!(
        page.text()
            .contains("</p><script>alert(1)</script> & = **\"x\"** ]]>")
    );
}

#[test]
fn a_docx_has_all_parts_it_refers_to_and_each_is_well_formed() {
    let docx = minutes().docx().unwrap();
    let parts = parts(&docx);
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[0], "[Content_Types].xml");
    for (_, xml) in &parts {
        read(xml);
    }
    for target in ["styles.xml", "numbering.xml", "header1.xml"] {
        assert!(part(&docx, "word/_rels/document.xml.rels").contains(target));
        assert!(names.contains(&format!("word/{target}").as_str()));
    }
    let document = part(&docx, "word/document.xml");
    let styles = part(&docx, "word/styles.xml");
    for used in document.split("Style w:val=\"").skip(1) {
        let style = used.split('"').next().unwrap();
        assert!(
            styles.contains(&format!("w:styleId=\"{style}\"")),
            "style {style}"
        );
    }
}

#[test]
fn a_docx_is_an_a4_sheet_with_the_margins_of_the_rule_and_numbered_from_the_second_on() {
    let docx = minutes().docx().unwrap();
    let document = part(&docx, "word/document.xml");
    // In twentieths of a point: 210 × 297 mm; 20, 15, 20, 30 mm.
    assert!(document.contains("<w:pgSz w:w=\"11906\" w:h=\"16838\"/>"));
    assert!(document.contains("w:top=\"1134\" w:right=\"851\" w:bottom=\"1134\" w:left=\"1701\""));
    assert!(document.contains("<w:titlePg/>"));
    assert!(part(&docx, "word/header1.xml").contains(" PAGE "));
    assert!(part(&docx, "word/styles.xml").contains("Times New Roman"));
}

#[test]
fn lists_of_a_docx_are_numbered_by_the_program_and_begin_anew() {
    let docx = minutes().docx().unwrap();
    let document = part(&docx, "word/document.xml");
    let numbering = part(&docx, "word/numbering.xml");
    // Agenda, speeches, conclusions.
    let used: std::collections::BTreeSet<&str> = document
        .split("<w:numId w:val=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(used.len(), 3, "{used:?}");
    for list in used {
        assert!(numbering.contains(&format!("<w:num w:numId=\"{list}\">")));
    }
    assert_eq!(
        numbering.matches("<w:startOverride w:val=\"1\"/>").count(),
        numbering.matches("<w:num ").count()
    );
}

#[test]
fn equal_pages_are_equal_files() {
    assert_eq!(minutes().docx().unwrap(), minutes().docx().unwrap());
    assert_eq!(minutes().html(), minutes().html());
}

#[test]
fn the_shipped_templates_are_of_their_sort_and_place_no_unknown_field() {
    for sort in Sort::ALL {
        let _ = PageTemplate::shipped(sort);
    }
    common::page("x", Sort::Minutes);
    common::page("x", Sort::Extract);
}

fn in_order(text: &str, order: &[&str]) {
    let mut rest = text;
    for wanted in order {
        let at = rest
            .find(wanted)
            .unwrap_or_else(|| panic!("no {wanted} in order in\n{text}"));
        rest = &rest[at..];
    }
}

#[test]
fn a_resolution_has_number_parts_tasks_vote_recipients_and_signature() {
    let page = filled(Sort::Resolution, resolution());
    let text = page.text();
    in_order(
        &text,
        &[
            "CHI BỘ THÔN AN LẠC\n*\nSố 03-NQ/CB",
            "Đông Phong, ngày 20 tháng 5 năm 2025",
            "NGHỊ QUYẾT",
            "Về nạo vét kênh mương trước mùa mưa",
            "(Dự thảo)",
            "I. ĐÁNH GIÁ TÌNH HÌNH",
            "1. Vận động mỗi hộ một công. Phụ trách: Vũ Đình Khôi, Bùi Xuân Trường. Hoàn thành: 20/05/2025.",
            "2. Kiểm tra cống đầu làng.",
            "IV. TỔ CHỨC THỰC HIỆN",
            "Thông qua 31/38 = 81,58 % (33 có mặt)",
            "- Đảng ủy xã Đông Phong,\n- Lưu Chi bộ thôn An Lạc.",
            "T/M CHI BỘ THÔN AN LẠC\nBÍ THƯ\nNguyễn Văn Hùng",
        ],
    );
    let issued = ResolutionModel {
        issued: true,
        ..resolution()
    };
    assert!(!filled(Sort::Resolution, issued).text().contains("Dự thảo"));
    read(&part(&page.docx().unwrap(), "word/document.xml"));
}

#[test]
fn a_report_has_its_figures_and_a_revision_what_changed() {
    let text = filled(Sort::Report, report(2)).text();
    in_order(
        &text,
        &[
            "BÁO CÁO",
            "tháng 05/2025",
            "(Báo cáo lần 2)",
            "Sinh hoạt thường kỳ\t05/05/2025\t42\t35\t5\t0\t2\t35/40 = 87,5 %",
            "12 ý kiến, 4 kết luận, 1 nội dung biểu quyết; chấm điểm 95,5; biên bản đã chốt.",
            "quá hạn: 1",
            "Phải thu: 338.000 đồng",
            "Số ý kiến nhận được trong tháng: 12.",
            "Có lý do: 4 → 5.",
            "T/M CHI BỘ THÔN AN LẠC\nBÍ THƯ",
        ],
    );
    assert!(!filled(Sort::Report, report(1)).text().contains("Báo cáo lần"));
}

#[test]
fn the_shipped_templates_fill_from_empty_models_too() {
    let empty = ResolutionModel {
        number: String::new(),
        date_in_words: String::new(),
        assessment: Vec::new(),
        goals: Vec::new(),
        tasks: Vec::new(),
        organisation: Vec::new(),
        vote: String::new(),
        recipients: Vec::new(),
        signer: String::new(),
        signer_role: String::new(),
        ..resolution()
    };
    filled(Sort::Resolution, empty);
    let nothing = ReportModel {
        meetings: Vec::new(),
        fees_due: String::new(),
        feedback: String::new(),
        changes: Vec::new(),
        sent: false,
        ..report(1)
    };
    assert!(filled(Sort::Report, nothing).text().contains("chưa họp"));
}
