//! A phone serves others in the hall: real engines, real QUIC and files, no relay.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sotay_engine::feed::DocId;
use sotay_engine::handbook::meeting::{Command, MeetingKind};
use sotay_engine::{
    AdmitRequest, Connectivity, Engine, HostError, Network, NewMember, NewUnit, Options, SyncError,
};
use tempfile::TempDir;

/// Far more than anything here takes; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);
const ANY: &str = "127.0.0.1:0";

fn any() -> SocketAddr {
    ANY.parse().unwrap()
}

/// The secretary's phone P3, and members' phones.
struct Hall {
    secretary: Engine,
    doc: DocId,
    dir: TempDir,
}

impl Hall {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let secretary = Engine::create(&dir.path().join("P3"), "P3").unwrap();
        let new = NewUnit {
            name: "Chi bộ thôn An Lạc".to_owned(),
            upper: "Đảng bộ xã Đông Phong".to_owned(),
            founder: "Nguyễn Văn Bình".to_owned(),
            since: "2025-01-01".parse().ok(),
        };
        let doc = secretary
            .call(move |device, now| {
                device.create_unit(&new, now).unwrap();
                let day = "2025-05-20".parse().ok();
                device
                    .new_meeting(MeetingKind::Regular, "2025-05".parse().ok(), day, now)
                    .unwrap()
            })
            .unwrap();
        Self { secretary, doc, dir }
    }

    fn member(&self, label: &str, options: Options) -> Engine {
        let phone = Engine::create_with(&self.dir.path().join(label), label, options).unwrap();
        let request = phone
            .call(|device, _| device.join_request().unwrap().to_text())
            .unwrap();
        let invitation = self
            .secretary
            .call(move |device, now| {
                let names = [NewMember::named("Trần Thị Hoa")];
                let since = "2025-01-01".parse().unwrap();
                let member = device.add_members(&names, since, now).unwrap()[0];
                let ask = AdmitRequest {
                    request,
                    member,
                    rank: 4,
                    committee: true,
                    probationary: false,
                    relays: Vec::new(),
                };
                device.admit(&ask, now).unwrap()
            })
            .unwrap();
        phone
            .call(move |device, _| device.accept(&invitation).unwrap())
            .unwrap();
        phone
    }

    fn write(&self, phone: &Engine, place: &str) {
        let (doc, place) = (self.doc, place.to_owned());
        phone
            .call(move |device, now| device.meeting(doc, &Command::SetPlace(place.as_str().into()), now))
            .unwrap()
            .unwrap();
    }

    fn place(&self, phone: &Engine) -> Option<String> {
        let doc = self.doc;
        phone
            .call(move |device, _| {
                let view = device.meeting_view(doc).ok()?;
                view.place.value.map(|words| words.as_str().to_owned())
            })
            .unwrap()
    }
}

/// Waits until something is so; what it depends on comes with events.
fn until(engine: &Engine, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "not so in time");
        engine.next_event(Duration::from_millis(50));
    }
}

fn address(host: &Engine) -> String {
    host.host(any()).unwrap().addresses[0].to_string()
}

#[test]
fn phones_in_the_hall_see_at_once_what_another_one_writes_and_the_host_sees_how_far_they_are() {
    let hall = Hall::open();
    let [first, second] = ["P1", "P2"].map(|label| hall.member(label, Options::default()));
    let address = address(&hall.secretary);
    for phone in [&first, &second] {
        phone.follow_host(&address).unwrap();
    }
    let complete = || {
        let visitors = hall
            .secretary
            .call(|device, _| device.visitors())
            .unwrap()
            .unwrap();
        let mut labels: Vec<String> = visitors.iter().map(|line| line.label.clone()).collect();
        labels.sort();
        labels == ["P1", "P2"] && visitors.iter().all(|line| line.complete)
    };
    until(&hall.secretary, complete);
    hall.write(&first, "Nhà văn hóa thôn");
    until(&second, || {
        hall.place(&second).as_deref() == Some("Nhà văn hóa thôn")
    });
    until(&hall.secretary, complete);
    assert_eq!(hall.place(&hall.secretary).as_deref(), Some("Nhà văn hóa thôn"));
    hall.secretary.stop_hosting();
    until(&hall.secretary, || {
        hall.secretary
            .call(|device, _| device.visitors())
            .unwrap()
            .unwrap()
            .is_empty()
    });
    assert_eq!(hall.secretary.hosted(), None);
}

/// A platform that knows of no internet, as in the hall.
struct NoInternet;

impl Connectivity for NoInternet {
    fn network(&self) -> Network {
        Network::Offline
    }
}

#[test]
fn a_host_is_followed_where_there_is_no_internet() {
    let hall = Hall::open();
    let options = Options {
        connectivity: Some(std::sync::Arc::new(NoInternet)),
        ..Options::default()
    };
    let member = hall.member("P1", options);
    hall.write(&hall.secretary, "Nhà văn hóa thôn");
    member.follow_host(&address(&hall.secretary)).unwrap();
    until(&member, || {
        hall.place(&member).as_deref() == Some("Nhà văn hóa thôn")
    });
}

#[test]
fn one_exchange_with_a_host_brings_everything_and_a_second_one_next_to_nothing() {
    let hall = Hall::open();
    let member = hall.member("P1", Options::default());
    hall.write(&hall.secretary, "Nhà văn hóa thôn");
    let address = address(&hall.secretary);
    member.sync_once(&address, PATIENCE).unwrap();
    assert_eq!(hall.place(&member).as_deref(), Some("Nhà văn hóa thôn"));
    let again = member.sync_once(&address, PATIENCE).unwrap();
    assert_eq!((again.stats.envelopes_in, again.stats.envelopes_out), (0, 0));
}

#[test]
fn a_phone_of_another_unit_gets_nothing() {
    let (hall, other) = (Hall::open(), Hall::open());
    hall.write(&hall.secretary, "Nhà văn hóa thôn");
    let address = address(&hall.secretary);
    // Nothing is served to it: whether that ends as an error or as an empty exchange, no envelope came.
    if let Ok(report) = other.secretary.sync_once(&address, Duration::from_secs(10)) {
        assert_eq!((report.stats.envelopes_in, report.stats.envelopes_out), (0, 0));
    }
    assert_eq!(other.place(&other.secretary), None);
    assert_eq!(hall.place(&hall.secretary).as_deref(), Some("Nhà văn hóa thôn"));
}

#[test]
fn hosting_pauses_with_the_app_and_goes_on_at_the_same_port() {
    let hall = Hall::open();
    let member = hall.member("P1", Options::default());
    let before = hall.secretary.host(any()).unwrap();
    let address = before.addresses[0].to_string();
    member.sync_once(&address, PATIENCE).unwrap();
    hall.secretary.suspend();
    let away = || member.sync_once(&address, Duration::from_secs(2)).is_err();
    until(&member, away);
    hall.secretary.resume();
    until(&member, || {
        member.sync_once(&address, Duration::from_secs(2)).is_ok()
    });
    assert_eq!(hall.secretary.hosted(), Some(before.clone()));
    // Asking again changes nothing.
    assert_eq!(hall.secretary.host(any()).unwrap(), before);
}

#[test]
fn a_port_that_is_taken_is_told_and_after_stopping_another_one_is_chosen() {
    let (hall, other) = (Hall::open(), Hall::open());
    let taken = other.secretary.host(any()).unwrap().listen;
    let refused = hall.secretary.host(taken);
    assert!(
        matches!(&refused, Err(HostError::Bind(sotay_engine::BindError::InUse))),
        "{refused:?}"
    );
    assert_eq!(hall.secretary.hosted(), None);
    hall.secretary.host(any()).unwrap();
    hall.secretary.stop_hosting();
    hall.secretary.stop_hosting();
    assert!(hall.secretary.host(any()).is_ok());
}

#[test]
fn shutting_a_host_down_ends_the_connections_of_others() {
    let hall = Hall::open();
    let member = hall.member("P1", Options::default());
    let address = address(&hall.secretary);
    member.follow_host(&address).unwrap();
    until(&hall.secretary, || {
        !hall
            .secretary
            .call(|device, _| device.visitors())
            .unwrap()
            .unwrap()
            .is_empty()
    });
    hall.secretary.shutdown();
    assert!(matches!(
        hall.secretary.host(any()),
        Err(HostError::Call(sotay_engine::CallError::Stopped))
    ));
    let gone = member.sync_once(&address, Duration::from_secs(2));
    assert!(
        matches!(
            gone,
            Err(SyncError::Connect(_) | SyncError::Timeout(_) | SyncError::Lost(_) | SyncError::Closed(_))
        ),
        "{gone:?}"
    );
}
