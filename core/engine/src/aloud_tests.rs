use std::sync::{Arc, Mutex, Weak};

use sotay_study::library::{Date, Details, import};

use super::*;
use crate::device::NewUnit;

/// Keeps what it was told to say; reports back from within, refuses or panics when told to.
#[derive(Default)]
struct Says {
    said: Mutex<Vec<Utterance>>,
    stops: Mutex<usize>,
    how: Mutex<How>,
    aloud: Mutex<Weak<Aloud>>,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum How {
    #[default]
    Waits,
    ReportsAtOnce,
    Refuses,
    Panics,
}

impl Voice for Says {
    fn speak(&self, utterance: &Utterance) -> Result<(), SpeechFailed> {
        let how = *self.how.lock().unwrap();
        match how {
            How::Refuses => return Err(SpeechFailed),
            How::Panics => panic!("a voice that panics"),
            How::Waits | How::ReportsAtOnce => self.said.lock().unwrap().push(utterance.clone()),
        }
        if how == How::ReportsAtOnce {
            let aloud = self.aloud.lock().unwrap().upgrade().unwrap();
            aloud.finished(utterance.number).unwrap();
        }
        Ok(())
    }

    fn stop(&self) {
        *self.stops.lock().unwrap() += 1;
    }
}

struct Stage {
    _folder: tempfile::TempDir,
    engine: Arc<Engine>,
    document: Hash,
    voice: Arc<Says>,
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(Engine::create(&folder.path().join("p"), "P3").unwrap());
    let details = Details {
        kind: "QĐ".to_owned(),
        code: "33-QĐ/TU".to_owned(),
        issuer: "Tỉnh ủy".to_owned(),
        date: Date::new(2022, 2, 10).unwrap(),
        title: "Khung tiêu chí".to_owned(),
        alias: None,
        links: Vec::new(),
        blobs: Vec::new(),
    };
    let text = "Điều 1. Phạm vi\nChi bộ họp ngày 05/4. Có 38 đảng viên.\nBí thư chủ trì.\n\
                Điều 2. Hiệu lực\nCó hiệu lực từ 1/7.\n";
    let document = import(text.as_bytes(), "a.txt", details).unwrap().document;
    let unit = NewUnit {
        name: "Chi bộ thôn An Lạc".to_owned(),
        upper: "Đảng bộ xã".to_owned(),
        founder: "Nguyễn Văn Bình".to_owned(),
        since: None,
    };
    let document = engine
        .call(move |device, now| {
            device.create_unit(&unit, now).unwrap();
            device.publish_documents(&[document]).unwrap()[0]
        })
        .unwrap();
    Stage {
        _folder: folder,
        engine,
        document,
        voice: Arc::default(),
    }
}

impl Stage {
    fn aloud(&self) -> Arc<Aloud> {
        let voice: Arc<dyn Voice> = self.voice.clone();
        let aloud = Aloud::open(
            Arc::clone(&self.engine),
            self.document,
            None,
            None,
            SpeechProfile::default(),
            voice,
        );
        let aloud = Arc::new(aloud.unwrap());
        *self.voice.aloud.lock().unwrap() = Arc::downgrade(&aloud);
        aloud
    }

    fn last(&self) -> u64 {
        self.voice.said.lock().unwrap().last().unwrap().number
    }

    fn furthest(&self) -> u32 {
        let document = self.document;
        let read = self
            .engine
            .call(move |device, _| device.reading_of(document).unwrap());
        read.unwrap().furthest
    }
}

#[test]
fn what_was_heard_to_its_end_becomes_reading_progress_and_the_next_time_begins_there() {
    let stage = stage();
    let aloud = stage.aloud();
    let mut now = aloud.play().unwrap();
    assert_eq!(stage.furthest(), 0);
    while now.state == ReaderState::Speaking && now.heard.as_ref().unwrap().section == 0 {
        now = aloud.finished(stage.last()).unwrap();
    }
    assert_eq!(stage.furthest(), 2, "a section was heard");
    aloud.pause().unwrap();
    assert_eq!(*stage.voice.stops.lock().unwrap(), 1);
    let again = stage.aloud();
    assert_eq!(again.listening().heard.unwrap().section, 1);
    let mut now = again.play().unwrap();
    while now.state == ReaderState::Speaking {
        now = again.finished(stage.last()).unwrap();
    }
    assert_eq!((stage.furthest(), now.heard), (3, None));
}

#[test]
fn a_voice_that_reports_from_within_reads_to_the_end_without_waiting_for_itself() {
    let stage = stage();
    *stage.voice.how.lock().unwrap() = How::ReportsAtOnce;
    let now = stage.aloud().play().unwrap();
    assert_eq!(
        (now.state, now.furthest, stage.furthest()),
        (ReaderState::Ended, 3, 3)
    );
    let said = stage.voice.said.lock().unwrap();
    assert!(said.windows(2).all(|pair| pair[0].number < pair[1].number));
}

#[test]
fn a_voice_that_refuses_or_panics_pauses_the_reader_where_it_was() {
    let stage = stage();
    let aloud = stage.aloud();
    let heard = aloud.listening().heard;
    for how in [How::Refuses, How::Panics] {
        *stage.voice.how.lock().unwrap() = how;
        assert!(matches!(aloud.play(), Err(AloudError::Voice(_))));
        let now = aloud.listening();
        assert_eq!((now.state, &now.heard), (ReaderState::Paused, &heard));
    }
    *stage.voice.how.lock().unwrap() = How::Waits;
    assert_eq!(aloud.play().unwrap().state, ReaderState::Speaking);
}

#[test]
fn a_document_that_is_not_here_is_not_read_aloud() {
    let stage = stage();
    let voice: Arc<dyn Voice> = stage.voice.clone();
    let (engine, nobody) = (Arc::clone(&stage.engine), Hash([9; 32]));
    let opened = Aloud::open(engine, nobody, None, None, SpeechProfile::default(), voice);
    assert!(matches!(opened, Err(AloudError::Library(LibraryError::Unknown))));
}
