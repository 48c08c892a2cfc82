//! Phones that were updated, whose earlier version could not read what others wrote.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_handbook::Date;
use sotay_handbook::meeting::{Command, MeetingKind};
use sotay_paper::Sort;
use sotay_store::{Fault, Faults, FaultyStore, MemoryStore};

use super::library::{MANIFEST, tagged};
use super::quizzes::tests::meet;
use super::rereading::{Form, Forms, REREAD_STEP};
use super::sharing::SHARED;
use super::templates::TEMPLATE;
use super::tests::{NOW, branch, join, law};
use super::*;
use sotay_feed::Kind;
use sotay_handbook::DocKind;
use sotay_store::Bucket;

fn rng() -> Box<StdRng> {
    Box::new(StdRng::seed_from_u64(77))
}

/// A version that knew neither meetings nor documents of the library, page templates, shared marks or records of care.
fn older() -> Forms {
    Forms::lacking([
        Form::Document(DocKind::Meeting, 1),
        Form::Payload(Kind::PUBLICATION, MANIFEST),
        Form::Payload(Kind::PUBLICATION, TEMPLATE),
        Form::Payload(Kind::STUDY, SHARED),
        Form::Kind(Kind::CARE),
    ])
}

fn day() -> Date {
    Date::new(2026, 5, 5).unwrap()
}

fn aside<S: Store>(device: &Device<S>) -> usize {
    device
        .replica
        .store()
        .list(Bucket::Quarantine, b"a")
        .unwrap()
        .len()
}

/// What a phone shows of everything that the older version could not read.
fn shown<S: Store>(device: &mut Device<S>) -> String {
    let meetings = device.meetings().unwrap();
    let minutes: Vec<String> = meetings
        .iter()
        .map(|meeting| device.minutes(meeting.doc).unwrap().text)
        .collect();
    let library: Vec<_> = device.library().unwrap();
    let library: Vec<_> = library.iter().map(|entry| (entry.id, entry.complete)).collect();
    let told: Vec<_> = library
        .iter()
        .map(|(id, _)| device.readers_of(*id).unwrap())
        .collect();
    let templates = device.page_templates(day()).unwrap();
    let retention = device.retention().unwrap();
    format!("{minutes:?}\n{library:?}\n{told:?}\n{templates:?}\n{retention:?}")
}

/// A secretary who writes with the newer version, and the disk of a deputy who received all of it with the older one.
fn village() -> (Device<MemoryStore>, MemoryStore) {
    let mut secretary = branch(1);
    let deputy = join(&mut secretary, 2, "P2", 3);
    let mut deputy = Device::open_reading(deputy.into_store(), rng(), None, older()).unwrap();
    let law = secretary.publish_documents(&[law()]).unwrap()[0];
    secretary.share_reading(law, SharedMark::Done).unwrap();
    secretary
        .publish_template(&Sort::Report.example_file(day(), "Mẫu mới"))
        .unwrap();
    secretary.set_retention(24, NOW).unwrap();
    let month = day().month();
    let may = secretary
        .new_meeting(MeetingKind::Regular, Some(month), Some(day()), NOW)
        .unwrap();
    secretary
        .meeting(may, &Command::SetPlace("Nhà văn hóa".into()), NOW)
        .unwrap();
    meet(&mut secretary, &mut deputy);
    // More of a document that is not known, in a second run.
    secretary
        .meeting(may, &Command::SetPlace("Đình làng".into()), NOW)
        .unwrap();
    meet(&mut secretary, &mut deputy);
    (secretary, deputy.into_store())
}

#[test]
fn what_an_older_version_set_aside_shows_after_the_update_once_and_whole() {
    let (mut secretary, disk) = village();
    // The older version shows nothing of it, however often it is opened.
    let mut old = Device::open_reading(disk, rng(), None, older()).unwrap();
    assert!(old.meetings().unwrap().is_empty() && old.library().unwrap().is_empty());
    assert!(old.page_templates(day()).unwrap().is_empty());
    assert_eq!(old.retention().unwrap(), None);
    let waiting = aside(&old);
    assert!(waiting >= 6, "{waiting}");
    let old = Device::open_reading(old.into_store(), rng(), None, older()).unwrap();
    assert_eq!(aside(&old), waiting);

    let mut new = Device::open(old.into_store(), rng()).unwrap();
    assert_eq!(shown(&mut new), shown(&mut secretary));
    assert!(shown(&mut new).contains("Đình làng"));
    assert_eq!(aside(&new), 0);
    // Both go on from there, and agree.
    let may = new.meetings().unwrap()[0].doc;
    new.meeting(may, &Command::SetPlace("Nhà văn hóa mới".into()), NOW)
        .unwrap();
    meet(&mut new, &mut secretary);
    assert_eq!(shown(&mut new), shown(&mut secretary));
    // The second opening finds nothing to do.
    let disk = new.into_store();
    let rows = |store: &MemoryStore| Bucket::ALL.map(|bucket| store.list(bucket, &[]).unwrap());
    let before = rows(&disk);
    let again = Device::open(disk, rng()).unwrap();
    assert_eq!(rows(again.replica.store()), before);
}

#[test]
fn a_phone_that_goes_back_to_an_older_version_reads_again_after_the_next_update() {
    let (mut secretary, disk) = village();
    let new = Device::open(disk, rng()).unwrap();
    let mut old = Device::open_reading(new.into_store(), rng(), None, older()).unwrap();
    secretary.set_retention(36, NOW + 1).unwrap();
    meet(&mut secretary, &mut old);
    assert_eq!(aside(&old), 1);
    let mut new = Device::open(old.into_store(), rng()).unwrap();
    assert_eq!(new.retention().unwrap(), Some(36));
    assert_eq!(shown(&mut new), shown(&mut secretary));
}

#[test]
fn what_no_version_can_read_stays_set_aside_and_holds_up_nothing() {
    let (mut secretary, disk) = village();
    let mut old = Device::open_reading(disk, rng(), None, older()).unwrap();
    let space = secretary.space(SpaceKind::Broadcast).unwrap();
    let nonsense = [
        tagged(200, b"of another century"),
        tagged(TEMPLATE, b"no template"),
    ];
    for payload in nonsense {
        secretary
            .publish(&space, vec![(Kind::PUBLICATION, payload)], Vec::new())
            .unwrap();
    }
    secretary.absorb().unwrap();
    meet(&mut secretary, &mut old);
    let mut new = Device::open(old.into_store(), rng()).unwrap();
    assert_eq!(aside(&new), 2);
    assert_eq!(aside(&secretary), 2);
    assert_eq!(shown(&mut new), shown(&mut secretary));
}

/// One envelope more than a step takes.
#[test]
fn more_than_one_step_is_read_in_several() {
    let mut secretary = branch(1);
    let deputy = join(&mut secretary, 2, "P2", 3);
    let mut old = Device::open_reading(deputy.into_store(), rng(), None, older()).unwrap();
    let count = u32::try_from(REREAD_STEP).unwrap() + 1;
    for n in 1..=count {
        secretary.set_retention(n % 100, NOW + i64::from(n)).unwrap();
    }
    meet(&mut secretary, &mut old);
    assert_eq!(aside(&old), REREAD_STEP + 1);
    let new = Device::open(old.into_store(), rng()).unwrap();
    assert_eq!(aside(&new), 0);
    assert_eq!(new.retention().unwrap(), Some(count % 100));
}

#[test]
fn a_crash_at_any_moment_of_reading_again_loses_and_doubles_nothing() {
    let (mut secretary, disk) = village();
    let wanted = shown(&mut secretary);
    let faults = [
        Fault::Fail,
        Fault::DiskFull,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ];
    let (mut at, mut failed) = (0, 0);
    loop {
        let fault = faults[at as usize % faults.len()];
        let store = FaultyStore::new(disk.clone(), Faults::none());
        let mut device = Device::open_reading(store, rng(), None, older()).unwrap();
        device.forms = Forms::default();
        let calls = device.store_mut().calls();
        device
            .store_mut()
            .set_faults(Faults::none().at(calls + at, fault));
        let ended = device.read_again();
        let over = calls + at >= device.store_mut().calls();
        failed += usize::from(ended.is_err());
        if fault == Fault::Fail || fault == Fault::DiskFull {
            // The process goes on; the next opening does the rest.
            device.store_mut().free_space();
            device.absorb().unwrap();
        }
        let mut new = Device::open(device.into_store().into_inner(), rng()).unwrap();
        assert_eq!(shown(&mut new), wanted, "{fault:?} at call {at}");
        assert_eq!(aside(&new), 0, "{fault:?} at call {at}");
        if over {
            break;
        }
        at += 1;
    }
    assert!(failed > 20, "{failed} of {at}");
}
