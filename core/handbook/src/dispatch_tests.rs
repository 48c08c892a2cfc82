use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;

const OFFSET: i32 = 420;
const AT: i64 = 1_747_000_000_000;

fn word() -> ReportWord {
    ReportWord {
        month: "2026-05".parse().unwrap(),
        revision: 2,
        sender: DeviceId::from_bytes([7; 8]),
        step: ReportStep::Returned,
        remark: Some("Thiếu đảng phí.".into()),
        at_ms: 1,
    }
}

fn item(named: bool, name_above: bool) -> FeedbackItem {
    let member = named.then(|| MemberId::from_bytes([9; 16]));
    let (topic, text) = (Words::from("Thủy lợi"), Words::from("Mương bị sạt."));
    let id = EntryId::from_bytes([1; 16]);
    let item = FeedbackItem::new(id, (AT, OFFSET), (&topic, &text), None, member).unwrap();
    item.with_name_above(name_above)
}

fn transfer() -> Transfer {
    Transfer {
        id: EntryId::from_bytes([1; 16]),
        kind: TransferKind::Temporary,
        step: TransferStep::Expected,
        member: None,
        name: "Trần Thị Hoa".into(),
        standing: Standing::Full,
        from: "2026-05-01".parse().unwrap(),
        until: Some("2026-08-31".parse().unwrap()),
        place: "Chi bộ 1".into(),
        at_ms: 1,
    }
}

fn delivered() -> Delivered {
    Delivered {
        month: "2026-05".parse().unwrap(),
        members: 42,
        below: None,
        documents: [([1; 32], (30, Some(25))), ([2; 32], (3, None))].into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

#[test]
fn every_letter_has_one_form_and_no_byte_less_or_newer_version_is_one() {
    type Golden<'a> = (Vec<u8>, &'a str, fn(&[u8]) -> bool);
    let above = Delivered {
        below: Some(Reach { told: 3, units: 5 }),
        ..delivered()
    };
    let letters: [Golden<'_>; 5] = [
        (
            word().encode(),
            "870167323032362d3035024807070707070707070275546869e1babf7520c491e1baa36e67207068c3ad2e01",
            |b| ReportWord::decode(b).is_ok(),
        ),
        (
            PassedUp::of(&item(true, true), Some("Lê An"), (1, OFFSET)).encode(),
            PASSED,
            |b| PassedUp::decode(b).is_ok(),
        ),
        (transfer().encode(), TRANSFER, |b| Transfer::decode(b).is_ok()),
        (delivered().encode(), DELIVERED, |b| Delivered::decode(b).is_ok()),
        (above.encode(), DELIVERED_BELOW, |b| Delivered::decode(b).is_ok()),
    ];
    for (bytes, golden, reads) in letters {
        assert_eq!(hex(&bytes), golden);
        assert!(reads(&bytes), "{golden}");
        for len in 0..bytes.len() {
            assert!(!reads(&bytes[..len]), "{len} bytes of {golden}");
        }
        let mut newer = bytes.clone();
        newer[1] = 3;
        assert!(!reads(&newer), "{golden}");
    }
    assert_eq!(ReportWord::decode(&word().encode()), Ok(word()));
    assert_eq!(Transfer::decode(&transfer().encode()), Ok(transfer()));
    assert_eq!(Delivered::decode(&delivered().encode()), Ok(delivered()));
    assert_eq!(Delivered::decode(&above.encode()), Ok(above));
    // Neither version has the other one's number of items.
    for bytes in [delivered().encode(), above_bytes()] {
        let mut other = bytes.clone();
        other[1] ^= 3;
        assert!(Delivered::decode(&other).is_err());
    }
}

fn above_bytes() -> Vec<u8> {
    HEXLOWER.decode(DELIVERED_BELOW.as_bytes()).unwrap()
}

const PASSED: &str = "870150010101010101010101010101010101011b00000196c1507e006c5468e1bba779206ce1bba369734dc6b0c6a16e672062e1bb8b2073e1baa1742e664cc3aa20416e01";
const TRANSFER: &str = "8b0150010101010101010101010101010101010104f6705472e1baa76e205468e1bb8b20486f61006a323032362d30352d30316a323032362d30382d33316a4368692062e1bb99203101";
const DELIVERED: &str = "840167323032362d3035182a828358200101010101010101010101010101010101010101010101010101010101010101181e1819835820020202020202020202020202020202020202020202020202020202020202020203f6";
const DELIVERED_BELOW: &str = "850267323032362d3035182a820305828358200101010101010101010101010101010101010101010101010101010101010101181e1819835820020202020202020202020202020202020202020202020202020202020202020203f6";

#[test]
fn an_item_goes_up_with_name_and_time_only_if_its_writer_agreed() {
    let of = |item: &FeedbackItem, name| PassedUp::of(item, name, (5, OFFSET));
    let agreed = of(&item(true, true), Some("Lê An"));
    assert_eq!(
        (agreed.at_ms, agreed.name.as_ref().map(Words::as_str)),
        (AT, Some("Lê An"))
    );
    for (named, name_above, name) in [
        (true, false, Some("Lê An")),
        (false, true, Some("Lê An")),
        (false, false, None),
        (true, true, None),
    ] {
        let passed = of(&item(named, name_above), name);
        assert_eq!(passed.name, None, "{named} {name_above}");
        assert_eq!(
            (passed.at_ms + i64::from(OFFSET) * 60_000) % 86_400_000,
            0,
            "the day alone"
        );
    }
    let bytes = of(&item(true, true), Some("Lê An")).encode();
    assert!(
        !bytes.windows(16).any(|window| window == [9; 16]),
        "no id of the member"
    );
}

#[test]
fn a_remark_at_the_limit_is_taken_and_one_character_more_is_refused() {
    let long = |count: usize| Words::from("ế".repeat(count));
    let full = remark(&long(LETTER_CHARS_MAX), What::Report).unwrap();
    let full = ReportWord {
        remark: full,
        ..word()
    };
    assert_eq!(ReportWord::decode(&full.encode()), Ok(full));
    assert!(matches!(
        remark(&long(LETTER_CHARS_MAX + 1), What::Report),
        Err(CommandError::TooLong { .. })
    ));
    assert_eq!(remark(&Words::from(" \n"), What::Report).unwrap(), None);
    let over = ReportWord {
        remark: Some(long(LETTER_CHARS_MAX + 1)),
        ..word()
    };
    assert!(ReportWord::decode(&over.encode()).is_err());
    let many = |count: usize| Delivered {
        documents: (0..count)
            .map(|n| {
                let mut hash = [0; 32];
                hash[..8].copy_from_slice(&(n as u64).to_be_bytes());
                (hash, (1, None))
            })
            .collect(),
        ..delivered()
    };
    assert!(Delivered::decode(&many(DELIVERED_DOCUMENTS_MAX).encode()).is_ok());
    assert!(Delivered::decode(&many(DELIVERED_DOCUMENTS_MAX + 1).encode()).is_err());
}

#[test]
fn a_move_that_cannot_be_meant_is_refused() {
    let day = |text: &str| text.parse().unwrap();
    let good = transfer();
    for bad in [
        Transfer {
            name: " ".into(),
            ..good.clone()
        },
        Transfer {
            until: Some(day("2026-04-30")),
            ..good.clone()
        },
        Transfer {
            kind: TransferKind::Official,
            ..good.clone()
        },
        Transfer {
            place: "x".repeat(LETTER_CHARS_MAX + 1).into(),
            ..good.clone()
        },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
        assert!(Transfer::decode(&bad.encode()).is_err(), "{bad:?}");
    }
    assert!(good.check().is_ok());
}

proptest! {
    #[test]
    fn garbage_is_no_letter_or_one_in_its_only_form(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(word) = ReportWord::decode(&bytes) {
            prop_assert_eq!(word.encode(), bytes.clone());
        }
        prop_assert!(PassedUp::decode(&bytes).is_err() || bytes[0] == 0x87);
        prop_assert!(Transfer::decode(&bytes).is_err() || bytes[0] == 0x8b);
        prop_assert!(Delivered::decode(&bytes).is_err() || bytes[0] == 0x84 || bytes[0] == 0x85);
    }
}
