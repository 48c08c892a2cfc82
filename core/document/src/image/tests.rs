use automerge::transaction::Transactable;
use automerge::{AutomergeError, ObjType, ScalarValue};
use proptest::prelude::*;

use super::*;
use crate::testing::*;
use crate::{Document, LocalChange, set_text};

/// Everything that can stand at a key meets everything else there: bytes, objects with something in them, a value that
/// nobody here writes, nothing.
fn edit(document: &mut Document, number: u64, what: u8, at: u8) -> Option<LocalChange> {
    let (note, fields) = (object(document, "note"), object(document, "fields"));
    let key = format!("k{}", at % 3);
    let inner = document.read().object(&fields, &key);
    let text = inner.as_ref().and_then(|map| document.read().object(map, "text"));
    let (_, change) = document
        // Clocks go their own ways.
        .edit(NOW + i64::from(at) * 61_000, |tx| {
            let bytes = ScalarValue::Bytes(number.to_be_bytes().to_vec());
            match (what, inner, text) {
                (0, ..) => set_text(tx, &note, &format!("câu {number} {at}"))
                    .map(drop)
                    .unwrap(),
                (1, ..) => tx.put(&fields, &key, bytes)?,
                (2, ..) => tx.put(&fields, &key, number)?,
                (3, ..) => {
                    let entry = tx.put_object(&fields, &key, ObjType::Map)?;
                    tx.put(&entry, "order", bytes)?;
                    let text = tx.put_object(&entry, "text", ObjType::Text)?;
                    set_text(tx, &text, "mới").map(drop).unwrap();
                }
                (4, ..) => {
                    tx.put_object(
                        &fields,
                        &key,
                        if at.is_multiple_of(2) {
                            ObjType::List
                        } else {
                            ObjType::Text
                        },
                    )?;
                }
                (5, ..) => drop(tx.delete(&fields, &key)),
                (6, Some(map), _) if tx.object_type(&map) == Ok(ObjType::Map) => {
                    tx.put(&map, "order", bytes)?
                }
                (7, _, Some(text)) => set_text(tx, &text, &format!("sửa {number}")).map(drop).unwrap(),
                (8, Some(map), _) => drop(tx.delete(&map, "order")),
                _ => {}
            }
            Ok::<_, AutomergeError>(())
        })
        .unwrap();
    change
}

/// Asks both everything that can be asked, from the root down.
fn answers_alike(crdt: &Automerge, image: &Image) {
    let mut rest = vec![ROOT];
    while let Some(object) = rest.pop() {
        assert_eq!(crdt.text_of(&object), image.text_of(&object), "{object}");
        let keys = crdt.keys_of(&object);
        assert_eq!(keys, image.keys_of(&object), "{object}");
        for key in keys.iter().map(String::as_str).chain(["no such key"]) {
            assert_eq!(
                crdt.held(&object, key),
                image.held(&object, key),
                "{object}/{key}"
            );
            assert_eq!(
                crdt.object(&object, key),
                image.object(&object, key),
                "{object}/{key}"
            );
            rest.extend(crdt.object(&object, key));
        }
    }
}

fn check(document: &mut Document) {
    let kept = document.image().unwrap().clone();
    let made = Image::of(document.read(), &Clocks::of(document.read()));
    assert!(kept == made, "kept in step");
    answers_alike(document.read(), &kept);
    assert!(
        Image::decode(&kept.encode().unwrap()) == Some(kept),
        "encoded and back"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_image_kept_in_step_is_the_one_made_anew_and_answers_like_the_document(
        steps in proptest::collection::vec((0..3usize, 0..12u8, any::<u8>()), 1..50),
    ) {
        let mut documents: Vec<Document> = (1..=3).map(open).collect();
        for document in &mut documents {
            document.image().unwrap();
        }
        let mut feeds: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 3];
        for (number, &(who, what, at)) in steps.iter().enumerate() {
            if what < 9 {
                let change = edit(&mut documents[who], number as u64, what, at);
                feeds[who].extend(change.iter().flat_map(|change| change.rows().map(<[u8]>::to_vec)));
            } else {
                // What has not come yet waits; one's own is there.
                let from = usize::from(at) % 3;
                let applied = documents[who].apply(vec![run_of(from as u8 + 1, &feeds[from])]);
                prop_assert!(applied.refused.is_empty());
            }
            check(&mut documents[who]);
        }
        let all: Vec<_> = (0..3).map(|from| run_of(from as u8 + 1, &feeds[from])).collect();
        for document in &mut documents {
            document.apply(all.clone());
            check(document);
        }
        let images: Vec<Image> = documents.iter_mut().map(|d| d.image().unwrap().clone()).collect();
        prop_assert!(images.windows(2).all(|pair| pair[0] == pair[1]));
        prop_assert_eq!(images[0].encode(), images[1].encode());
    }

    #[test]
    fn bytes_that_are_no_image_are_none(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let _ = Image::decode(&bytes);
        let mut document = open(1);
        put(&mut document, "a", 1);
        let mut image = document.image().unwrap().encode().unwrap();
        let at = at.index(image.len());
        prop_assert!(Image::decode(&image[..at]).is_none());
        image[at] ^= flip;
        if let Some(read) = Image::decode(&image) {
            let again = read.encode().unwrap();
            prop_assert!(Image::decode(&again) == Some(read));
        }
    }
}

#[test]
fn an_image_holds_as_bytes() {
    let mut document = open(1);
    put(&mut document, "a", ScalarValue::Bytes(vec![1, 2, 3]));
    let image = document.image().unwrap().encode().unwrap();
    assert_eq!(hex(&image), GOLDEN);
    assert!(
        Image::decode(&[&image[..], &[0]].concat()).is_none(),
        "nothing may follow"
    );
    let later = [&[image[0], 2], &image[2..]].concat();
    assert!(Image::decode(&later).is_none(), "another version");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const GOLDEN: &str = "8501815820e91e4a4d847aca2a3e805f02805b877da0fdf6574e648e3623353a9e923438a0808250d3f5\
                      2913f240f2ba373450cee87e6e6750010101010101010101010101010101018389000000666669656c64\
                      738402000340646c6973748403000340646e6f7465840100034084010001608502000061618404010243010203";

#[test]
fn an_image_over_the_limit_is_not_kept() {
    let image = |len: usize| {
        let mut image = open(1).image().unwrap().clone();
        image
            .objects
            .insert(Some((9, actor(1))), Node::Text("a".repeat(len)));
        image
    };
    let overhead = image(1 << 20).encode().unwrap().len() - (1 << 20);
    let most = IMAGE_BYTES_MAX - overhead;
    let fits = image(most).encode().unwrap();
    assert_eq!(fits.len(), IMAGE_BYTES_MAX);
    assert!(Image::decode(&fits).is_some());
    assert_eq!(image(most + 1).encode(), None);
    assert!(Image::decode(&[&fits[..], &[0]].concat()).is_none());
}

#[test]
fn a_panic_or_a_reload_costs_the_image_and_nothing_else() {
    let mut document = open(1);
    put(&mut document, "a", ScalarValue::Bytes(vec![1]));
    assert!(document.known_image().is_none(), "nobody asked");
    document.image().unwrap();
    assert!(document.known_image().is_some());
    let refused = document.edit(NOW, |tx| {
        tx.put(ROOT, "half", 1)?;
        panic!("half-way");
        #[allow(unreachable_code)]
        Ok::<_, AutomergeError>(())
    });
    assert!(refused.is_err());
    assert!(document.known_image().is_none());
    check(&mut document);
}
