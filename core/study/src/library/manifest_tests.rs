use super::super::document::tests::document;
use super::*;

fn full() -> Document {
    let mut d = document(
        "12-HD/BTCTW",
        "2018-07-06",
        "Mỗi tháng chi bộ họp thường kỳ một lần.",
    );
    d.alias = Some("D01".into());
    d.links = vec![
        Link {
            kind: LinkKind::Replaces,
            code: "09-HD/BTCTW".into(),
            issuer: None,
            date: Date::parse("2017-06-05"),
        },
        Link {
            kind: LinkKind::Amends,
            code: "1-HD/X".into(),
            issuer: Some("X".into()),
            date: None,
        },
    ];
    d.blobs = vec![Blob {
        hash: Hash([7; 32]),
        size: 1 << 33,
        media_type: "application/pdf".into(),
        name: "a.pdf".into(),
    }];
    d.sections.insert(
        0,
        Section {
            kind: SectionKind::Article,
            level: 2,
            number: "5a".into(),
            heading: "Nội dung".into(),
            paragraphs: vec![Paragraph {
                kind: ParagraphKind::Point,
                label: "đ".into(),
                text: "đ) Bàn giao".into(),
            }],
        },
    );
    d
}

fn manifest() -> Manifest {
    Manifest::decode(&publish(&full()).unwrap().manifest).unwrap()
}

#[test]
fn a_published_document_comes_back_as_it_was() {
    let published = publish(&full()).unwrap();
    let read = Manifest::decode(&published.manifest).unwrap();
    assert_eq!(read.assemble(&published.parts).unwrap(), full());
    assert_eq!(read.id(), full().id());
}

#[test]
fn the_canonical_bytes_and_hashes_are_the_golden_ones() {
    let wanted = include_str!("../../tests/vectors/manifest.txt");
    let mut shape = manifest();
    // Packed bytes depend on the version of zstd; everything else is fixed for ever.
    shape.parts = vec![PartRef {
        hash: Hash([9; 32]),
        size: 4096,
    }];
    let hex: String = shape.encode().iter().map(|b| format!("{b:02x}")).collect();
    let found = format!(
        "id {}\ncontent {}\nmanifest {hex}\n",
        full().id(),
        full().content_hash()
    );
    assert_eq!(found, wanted);
}

#[test]
fn a_long_text_is_spread_over_parts_that_fit_an_envelope() {
    let mut d = full();
    // Text that hardly compresses: the digits of a hash chain.
    let mut seed = Hash([1; 32]);
    let lines = (0..4_000).map(|_| {
        seed = Hash::of("line", &seed.0);
        Paragraph {
            kind: ParagraphKind::Plain,
            label: String::new(),
            text: seed.to_string(),
        }
    });
    d.sections[1].paragraphs.extend(lines);
    let published = publish(&d).unwrap();
    assert!(published.parts.len() > 2);
    assert!(
        published.parts.iter().all(|p| p.len() <= MAX_PART_BYTES)
            && published.manifest.len() <= MAX_MANIFEST_BYTES
    );
    let read = Manifest::decode(&published.manifest).unwrap();
    assert_eq!(read.assemble(&published.parts).unwrap(), d);
    assert_eq!(
        read.assemble(&published.parts[1..]),
        Err(AssembleError::PartsMissing {
            found: published.parts.len() - 1,
            wanted: published.parts.len()
        })
    );
    let mut swapped = published.parts.clone();
    swapped.swap(0, 1);
    assert_eq!(read.assemble(&swapped), Err(AssembleError::WrongPart(0)));
}

#[test]
fn unknown_versions_cut_bytes_and_bytes_left_over_are_refused() {
    let bytes = publish(&full()).unwrap().manifest;
    let mut newer = bytes.clone();
    newer[1] = 2;
    assert_eq!(Manifest::decode(&newer), Err(WireError::Version(2)));
    for cut in 0..bytes.len() {
        assert!(Manifest::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Manifest::decode(&longer), Err(WireError::NotCanonical));
}

#[test]
fn a_number_written_longer_than_needed_is_refused() {
    let bytes = publish(&full()).unwrap().manifest;
    // The version as a two-byte number: the same value in other bytes.
    let long = [&bytes[..1], &[0x18, 0x01], &bytes[2..]].concat();
    assert_eq!(Manifest::decode(&long), Err(WireError::NotCanonical));
}

#[test]
fn limits_hold_at_one_more_than_allowed() {
    let over = |change: &dyn Fn(&mut Document)| {
        let mut d = full();
        change(&mut d);
        publish(&d).err()
    };
    assert_eq!(over(&|d| d.code = "x".repeat(MAX_CODE_CHARS)), None);
    assert_eq!(
        over(&|d| d.code = "x".repeat(MAX_CODE_CHARS + 1)),
        Some(PublishError::OverLimit("code"))
    );
    assert_eq!(
        over(&|d| d.title = "ă".repeat(MAX_TITLE_CHARS + 1)),
        Some(PublishError::OverLimit("title"))
    );
    assert_eq!(
        over(&|d| d.issuer = "x".repeat(MAX_NAME_CHARS + 1)),
        Some(PublishError::OverLimit("issuer"))
    );
    assert_eq!(
        over(&|d| d.sections[0].paragraphs[0].text = "x".repeat(MAX_PARAGRAPH_BYTES + 1)),
        Some(PublishError::OverLimit("paragraph"))
    );
    assert_eq!(
        over(&|d| d.links = vec![d.links[0].clone(); MAX_LINKS + 1]),
        Some(PublishError::OverLimit("links"))
    );
    assert_eq!(
        over(&|d| d.blobs = vec![d.blobs[0].clone(); MAX_BLOBS + 1]),
        Some(PublishError::OverLimit("blobs"))
    );
    let section = full().sections[0].clone();
    assert_eq!(
        over(&|d| d.sections = vec![section.clone(); MAX_SECTIONS + 1]),
        Some(PublishError::OverLimit("sections"))
    );
    let paragraph = section.paragraphs[0].clone();
    assert_eq!(
        over(&|d| d.sections[0].paragraphs = vec![paragraph.clone(); MAX_PARAGRAPHS]),
        Some(PublishError::OverLimit("paragraphs"))
    );
    let long = Paragraph {
        text: "x".repeat(MAX_PARAGRAPH_BYTES),
        ..paragraph.clone()
    };
    let count = MAX_TEXT_BYTES / MAX_PARAGRAPH_BYTES;
    assert_eq!(
        over(&|d| d.sections[0].paragraphs = vec![long.clone(); count]),
        Some(PublishError::OverLimit("text"))
    );
    assert_eq!(
        over(&|d| d.title = " ".into()),
        Some(PublishError::Empty("title"))
    );
    let too_large = vec![0; MAX_MANIFEST_BYTES + 1];
    assert_eq!(
        Manifest::decode(&too_large),
        Err(WireError::TooLarge {
            size: MAX_MANIFEST_BYTES + 1,
            limit: MAX_MANIFEST_BYTES
        })
    );
}

#[test]
fn a_part_that_unpacks_to_more_than_its_limit_is_refused() {
    let bomb = zstd::bulk::compress(&vec![0; MAX_PART_RAW_BYTES + 1], 19).unwrap();
    let part = [&[1], bomb.as_slice()].concat();
    assert!(part.len() < 1_000);
    let mut m = manifest();
    m.parts = vec![PartRef {
        hash: part_hash(&part),
        size: part.len() as u32,
    }];
    assert_eq!(
        m.assemble(&[part]),
        Err(AssembleError::Part(0, WireError::Malformed("packed text")))
    );
}

#[test]
fn a_manifest_that_promises_another_text_is_refused() {
    let published = publish(&full()).unwrap();
    let mut m = manifest();
    m.content_hash = Hash([0; 32]);
    assert_eq!(m.assemble(&published.parts), Err(AssembleError::WrongContent));
    let mut m = manifest();
    m.paragraphs += 1;
    assert_eq!(m.assemble(&published.parts), Err(AssembleError::WrongContent));
}

proptest::proptest! {
    #[test]
    fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        proptest::prop_assert!(Manifest::decode(&bytes).is_err());
        let mut sections = Vec::new();
        let _ = unpack(&bytes, &mut sections);
    }

    #[test]
    fn a_flipped_bit_never_panics_and_never_reads_as_the_same(at in 0usize..10_000, bit in 0u8..8) {
        let mut bytes = publish(&full()).unwrap().manifest;
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(read) = Manifest::decode(&bytes) {
            proptest::prop_assert_ne!(read, manifest());
        }
    }
}
