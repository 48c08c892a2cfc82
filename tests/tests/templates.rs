//! Page templates as signed records with a day: published, exchanged in every order, chosen by the day of a document and by
//! level, withdrawn, and of no harm.

use sotay_engine::handbook::meeting::{Command, MeetingKind, Place};
use sotay_engine::handbook::template::TemplateError;
use sotay_engine::paper::Sort;
use sotay_engine::{Device, DeviceError, PublishDirectiveError};
use sotay_feed::DocId;
use sotay_store::Store;
use sotay_tests::branch::{ORDERS, P1, P2, P3, at, day};
use sotay_tests::hall::{Hall, Phone};
use sotay_tests::levels::{BRANCH, COMMUNE, Levels, MEMBER, NOW, PROVINCE};

/// A template of minutes that names itself.
fn template(from: &str, name: &str) -> String {
    format!(
        "{}\n{{#- from {from}: {name} -#}}\n= {name}\n{{% for speech in speeches %}}\n+ {{{{ speech.speaker }}}}\n{{% endfor %}}\n",
        Sort::Minutes.first_line()
    )
}

/// The title of the minutes' page; what ships is called by its own.
fn title<S: Store>(device: &mut Device<S>, doc: DocId) -> String {
    device.minutes_page(doc, None, None).unwrap().title
}

const SHIPPED: &str = "BIÊN BẢN – Sinh hoạt thường kỳ tháng 5/2025";

/// The three phones and what they print.
trait Printing {
    /// May's meeting is known to all three phones.
    fn begun() -> Self;
    fn meet(&mut self, phone: usize);
    fn meet_all(&mut self, order: &[usize]);
    fn titles(&mut self) -> [String; 3];
    fn add_item(&mut self, title: &str);
    fn phone(&mut self, phone: usize) -> &mut Phone;
}

impl Printing for Hall {
    fn begun() -> Self {
        Hall::open(8, at(200))
    }

    fn meet(&mut self, phone: usize) {
        self.sync(phone);
        assert_eq!(self.relay.take_rejected(), [], "the relay refused honest records");
    }

    fn meet_all(&mut self, order: &[usize]) {
        for _ in 0..2 {
            order.iter().for_each(|phone| self.meet(*phone));
        }
    }

    fn titles(&mut self) -> [String; 3] {
        let doc = self.doc;
        [P1, P2, P3].map(|phone| title(&mut self.branch.phones[phone], doc))
    }

    fn add_item(&mut self, title: &str) {
        let command = Command::AddAgenda {
            id: self.branch.phones[P3].fresh_id(),
            title: title.into(),
            presenter: None,
            place: Place::Last,
        };
        self.branch.on(P3, self.doc, 2, command);
    }

    fn phone(&mut self, phone: usize) -> &mut Phone {
        &mut self.branch.phones[phone]
    }
}

#[test]
fn in_every_order_of_exchange_all_phones_print_the_template_of_the_day() {
    for order in ORDERS {
        let mut hall = Hall::begun();
        // Two officers without a network publish for the same day, one of them for a later day as well.
        let texts = ["Mẫu A", "Mẫu B"].map(|name| template("2025-05-01", name));
        let a = hall.phone(P3).publish_template(&texts[0]).unwrap();
        let b = hall.phone(P2).publish_template(&texts[1]).unwrap();
        hall.phone(P2)
            .publish_template(&template("2025-05-06", "Mẫu tháng 6"))
            .unwrap();
        let held = if a.sha256 < b.sha256 { "Mẫu A" } else { "Mẫu B" };
        assert_eq!(
            hall.titles(),
            [SHIPPED, "Mẫu B", "Mẫu A"],
            "offline, each by what it has"
        );
        hall.meet_all(&order);
        assert_eq!(hall.titles(), [held; 3], "{order:?}");
        let pages = [P1, P2, P3].map(|phone| {
            let doc = hall.doc;
            hall.phone(phone).minutes_page(doc, None, None).unwrap().html()
        });
        assert!(pages[0] == pages[1] && pages[1] == pages[2], "byte for byte");
        // Withdrawn by the other officer, the other one counts; without either, what ships.
        let (kept, gone) = if held == "Mẫu A" { (b, a) } else { (a, b) };
        hall.phone(P2).withdraw_directive(&gone.sha256[..8]).unwrap();
        assert_eq!(hall.titles()[P3], held, "not known there yet");
        hall.meet_all(&order);
        assert_eq!(hall.titles(), [kept.name.as_str(); 3]);
        hall.phone(P3).withdraw_directive(&kept.sha256).unwrap();
        hall.meet_all(&order);
        assert_eq!(hall.titles(), [SHIPPED; 3]);
        let source = hall.phone(P1).template_source(&gone.sha256[..16]).unwrap();
        assert!(
            source.is_some_and(|source| texts.contains(&source)),
            "to print an old page again"
        );
        assert_eq!(hall.phone(P1).template_source("").unwrap(), None);
    }
}

#[test]
fn the_day_of_the_meeting_picks_the_template_and_a_page_says_which_it_is() {
    let mut hall = Hall::begun();
    let before = hall
        .phone(P3)
        .new_meeting(
            MeetingKind::Thematic,
            Some("2025-04".parse().unwrap()),
            Some(day("2025-04-30")),
            at(0),
        )
        .unwrap();
    let entry = hall
        .phone(P3)
        .publish_template(&template("2025-05-01", "Mẫu của chi bộ"))
        .unwrap();
    let doc = hall.doc;
    let device = hall.phone(P3);
    assert!(title(device, before).starts_with("BIÊN BẢN"));
    let text = device.minutes_page(doc, None, None).unwrap().text();
    let minutes = device.minutes(doc).unwrap();
    assert!(
        text.contains(&format!(
            "Mẫu trang: Mẫu của chi bộ (SHA-256 {}…).",
            &entry.sha256[..16]
        )),
        "{text}"
    );
    assert!(
        text.contains(&minutes.sha256),
        "tied to the original although the template does not place it"
    );
    // Extracts are another sort; the branch has published none.
    hall.add_item("Mương");
    let device = hall.phone(P3);
    let item = device.meeting_view(doc).unwrap().agenda[0].id;
    assert!(
        device
            .minutes_page(doc, Some(item), None)
            .unwrap()
            .title
            .starts_with("TRÍCH BIÊN BẢN")
    );
    let held = device.page_templates(day("2025-05-05")).unwrap();
    assert!(held.len() == 1 && held[0].in_force && held[0].sort == "minutes");
    assert!(!device.page_templates(day("2025-04-30")).unwrap()[0].in_force);
    // It is there after opening again.
    use rand::SeedableRng;
    let store = hall.branch.phones.remove(P3).into_store();
    let mut again = Device::open(store, Box::new(rand::rngs::StdRng::seed_from_u64(5))).unwrap();
    assert_eq!(title(&mut again, doc), "Mẫu của chi bộ");
}

#[test]
fn a_seal_does_not_depend_on_templates_and_the_sealed_edition_is_printed_with_the_one_of_its_day() {
    let mut hall = Hall::begun();
    let doc = hall.doc;
    for command in [
        Command::SetChair(hall.branch.member(1)),
        Command::SetClerk(hall.branch.member(2)),
        Command::Open,
        Command::Close,
    ] {
        hall.branch.on(P3, doc, 10, command);
    }
    hall.meet_all(&[P3, P2, P1]);
    let seal = hall.phone(P3).propose_seal(doc, at(100)).unwrap();
    // Between the two signatures the commune's new form arrives at one of the phones.
    hall.phone(P2)
        .publish_template(&template("2025-05-01", "Mẫu mới"))
        .unwrap();
    hall.meet(P3);
    hall.meet(P2);
    hall.phone(P2).countersign(doc, seal, at(101)).unwrap();
    hall.meet_all(&[P2, P3, P1]);
    let text = hall.phone(P3).sealed_text(doc, seal).unwrap();
    assert_eq!(hall.titles(), ["Mẫu mới"; 3]);
    // Another day that is recorded after the seal is not that of the sealed edition.
    let earlier = [Command::SetDate(day("2025-04-30"))];
    hall.phone(P3).amend_all(doc, &earlier, at(110)).unwrap();
    hall.meet_all(&[P2, P3, P1]);
    assert_eq!(hall.titles(), ["Mẫu mới"; 3]);
    for phone in [P1, P2, P3] {
        let page = hall.phone(phone).minutes_page(doc, None, None).unwrap();
        let standing = hall.phone(phone).seals(doc).unwrap();
        assert!(
            page.says(&standing.seals[0].sha256),
            "the paper names the sealed text"
        );
    }
    let entry = hall
        .phone(P2)
        .page_templates(day("2025-05-05"))
        .unwrap()
        .remove(0);
    hall.phone(P2).withdraw_directive(&entry.sha256).unwrap();
    hall.meet_all(&[P2, P3, P1]);
    assert_eq!(hall.titles(), [SHIPPED; 3]);
    assert_eq!(hall.phone(P3).sealed_text(doc, seal).unwrap(), text);
    let file = hall.phone(P1).seal_file(doc).unwrap();
    let unit = hall.phone(P1).unit();
    assert!(sotay_engine::seal::verify(&file, unit).is_ok());
}

#[test]
fn who_may_not_publish_or_withdraw_is_told_so_and_a_wrong_file_is_refused_by_field_and_line() {
    let mut hall = Hall::begun();
    let good = template("2025-05-01", "Mẫu");
    assert!(matches!(
        hall.phone(P1).publish_template(&good),
        Err(PublishDirectiveError::Device(DeviceError::Denied(_)))
    ));
    let entry = hall.phone(P3).publish_template(&good).unwrap();
    let pending = hall.phone(P3).page_templates(day("2025-05-05")).unwrap();
    assert_eq!(
        hall.phone(P3).publish_template(&good).unwrap(),
        entry,
        "the same again changes nothing"
    );
    assert_eq!(hall.phone(P3).page_templates(day("2025-05-05")).unwrap(), pending);
    hall.meet_all(&[P3, P1]);
    assert!(matches!(
        hall.phone(P1).withdraw_directive(&entry.sha256),
        Err(PublishDirectiveError::Device(DeviceError::Denied(_)))
    ));
    let wrong = good.replacen("speech.speaker", "speech.speeker", 1);
    match hall.phone(P3).publish_template(&wrong) {
        Err(PublishDirectiveError::Template(TemplateError::UnknownField { name, line })) => {
            assert_eq!((name.as_str(), line), ("speech.speeker", 5));
        }
        other => panic!("{other:?}"),
    }
    for unknown in ["", "zz", &"0".repeat(64)] {
        assert!(
            matches!(
                hall.phone(P3).withdraw_directive(unknown),
                Err(PublishDirectiveError::Unknown)
            ),
            "{unknown}"
        );
    }
    hall.phone(P3).withdraw_directive(&entry.sha256).unwrap();
    hall.phone(P3).withdraw_directive(&entry.sha256).unwrap();
    assert!(matches!(
        hall.phone(P3).publish_template(&good),
        Err(PublishDirectiveError::Withdrawn)
    ));
    hall.phone(P3)
        .publish_template(&template("2025-05-01", "Mẫu, lần hai"))
        .unwrap();
    hall.meet_all(&[P3, P1, P2]);
    assert_eq!(hall.titles(), ["Mẫu, lần hai"; 3]);
}

#[test]
fn a_directive_is_withdrawn_like_a_template() {
    let mut hall = Hall::begun();
    let may = "2025-05".parse().unwrap();
    let shipped = hall.phone(P1).fee_rates(may).unwrap();
    let rates = r#"{"sotay":"fees","version":1,"name":"Nhầm","from":"2025-05-01","rules":[{"amount":7}]}"#;
    let entry = hall.phone(P3).publish_directive(rates).unwrap();
    hall.meet_all(&[P3, P1]);
    assert_eq!(hall.phone(P1).fee_rates(may).unwrap().name, "Nhầm");
    assert_eq!(hall.phone(P3).withdraw_directive(&entry.sha256).unwrap(), "Nhầm");
    hall.meet_all(&[P3, P1]);
    for phone in [P1, P3] {
        assert_eq!(hall.phone(phone).fee_rates(may).unwrap(), shipped);
    }
    assert!(matches!(
        hall.phone(P3).publish_directive(rates),
        Err(PublishDirectiveError::Withdrawn)
    ));
}

#[test]
fn a_template_that_fails_on_a_real_document_keeps_nobody_from_printing() {
    let mut hall = Hall::begun();
    let fails = format!(
        "{}\n{{#- from 2025-05-01: Mẫu hỏng -#}}\n= {{{{ 'X' if agenda else speeches[0].text if speeches else unit }}}}{{{{ agenda[1].title if agenda else '' }}}}\n",
        Sort::Minutes.first_line()
    );
    hall.phone(P3).publish_template(&fails).unwrap();
    let doc = hall.doc;
    hall.add_item("Một việc");
    let text = hall.phone(P3).minutes_page(doc, None, None).unwrap().text();
    assert!(text.contains("BIÊN BẢN") && text.contains("Mẫu hỏng"), "{text}");
    assert!(text.contains("in theo mẫu kèm phần mềm"), "{text}");
}

#[test]
fn a_template_of_a_level_above_holds_below_as_directives_do() {
    let mut levels = Levels::new();
    let doc = levels.phones[BRANCH]
        .new_meeting(
            MeetingKind::Regular,
            Some("2026-05".parse().unwrap()),
            Some(day("2026-05-05")),
            NOW,
        )
        .unwrap();
    let publish = |levels: &mut Levels, phone: usize, from: &str, name: &str| {
        levels.phones[phone]
            .publish_template(&template(from, name))
            .unwrap()
    };
    let titles = |levels: &mut Levels| [BRANCH, MEMBER].map(|phone| title(&mut levels.phones[phone], doc));
    publish(&mut levels, COMMUNE, "2026-01-01", "Mẫu xã");
    let province = publish(&mut levels, PROVINCE, "2026-01-01", "Mẫu tỉnh");
    levels.settle();
    assert_eq!(titles(&mut levels), ["Mẫu tỉnh"; 2], "of one day the highest");
    let entries = levels.phones[MEMBER].page_templates(day("2026-05-05")).unwrap();
    let held = entries.iter().find(|entry| entry.in_force).unwrap();
    assert_eq!(
        held.publisher.as_ref().unwrap().name.as_deref(),
        Some("Đảng bộ tỉnh")
    );
    let branch = publish(&mut levels, BRANCH, "2026-03-01", "Mẫu chi bộ");
    levels.settle();
    assert_eq!(titles(&mut levels), ["Mẫu chi bộ"; 2], "the latest day");
    assert!(matches!(
        levels.phones[BRANCH].withdraw_directive(&province.sha256),
        Err(PublishDirectiveError::Unknown)
    ));
    // The province decides that the level counts before the day.
    let policy = include_str!("../../core/handbook/data/policy-vn-1.json");
    let policy = policy.replacen('{', "{\"precedence\": \"level\",", 1);
    levels.phones[PROVINCE].publish_directive(&policy).unwrap();
    levels.settle();
    assert_eq!(titles(&mut levels), ["Mẫu tỉnh"; 2]);
    levels.phones[PROVINCE]
        .withdraw_directive(&province.sha256)
        .unwrap();
    levels.settle();
    assert_eq!(titles(&mut levels), ["Mẫu xã"; 2]);
    levels.phones[BRANCH].withdraw_directive(&branch.sha256).unwrap();
    // What a unit withdraws is its own: the same file of another unit still holds.
    publish(&mut levels, BRANCH, "2026-01-01", "Mẫu xã");
    let commune = &mut levels.phones[COMMUNE];
    let own = commune.page_templates(day("2026-05-05")).unwrap();
    let own = own.into_iter().find(|one| one.publisher.is_none()).unwrap();
    commune.withdraw_directive(&own.sha256).unwrap();
    levels.settle();
    assert_eq!(titles(&mut levels), ["Mẫu xã"; 2]);
    let entries = levels.phones[MEMBER].page_templates(day("2026-05-05")).unwrap();
    assert!(
        entries.iter().all(|entry| entry.publisher.is_none()),
        "{entries:?}"
    );
}
