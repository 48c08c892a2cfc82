//! The real binary as a child process, phones over real QUIC.

mod common;

use std::net::UdpSocket;

use common::{Ended, FOUNDER, MEMBER, Phone, Relay, SECRETARY, STRANGER, founder, grants, revoke, within};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{Frontier, UnitId};
use sotay_net::LinkError;
use sotay_store::Store;
use sotay_sync::message::{Items, Message};
use sotay_sync::{CloseCode, DenyReason, RefuseReason, SessionEvent};

#[tokio::test]
async fn what_one_phone_pushes_another_pulls_and_the_relay_counts() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    let unit = founder.roll().unit;
    assert!(founder.sync(&relay).await.caught_up());

    let mut secretary = Phone::new(SECRETARY, unit);
    assert!(secretary.sync(&relay).await.caught_up());
    secretary.write_changes(100, 900);
    assert!(secretary.sync(&relay).await.caught_up());
    let mut member = Phone::new(MEMBER, unit);
    assert!(member.sync(&relay).await.caught_up());

    for space in secretary.spaces.clone() {
        assert_eq!(member.frontier(&space), secretary.frontier(&space));
    }
    assert_eq!(member.frontier(&member.main()).get(secretary.keys.id()), 100);
    assert_eq!(
        relay.metric("sotay_relay_envelopes_committed_total{outcome=\"stored\"}"),
        103.0
    );
    assert_eq!(
        relay.metric("sotay_relay_envelopes_total{direction=\"in\"}"),
        103.0
    );
    assert_eq!(
        relay.metric("sotay_relay_envelopes_total{direction=\"out\"}"),
        3.0 + 103.0
    );
    assert_eq!(relay.metric("sotay_relay_handshakes_total{outcome=\"ok\"}"), 4.0);
    let stored: usize = [secretary.roll(), secretary.main()]
        .iter()
        .map(|space| secretary.replica.store().space_bytes(&space.id()).unwrap() as usize)
        .sum();
    assert_eq!(relay.metric("sotay_relay_stored_bytes_total"), stored as f64);
    assert!(relay.metric("sotay_relay_commit_seconds_count") >= 2.0);
    assert!(relay.metric("sotay_relay_storage_bytes{file=\"database\"}") > 0.0);
    relay.await_metric("sotay_relay_sessions", 0.0).await;
    relay
        .await_metric("sotay_relay_sessions_closed_total{reason=\"done\"}", 4.0)
        .await;
    relay.await_metric("sotay_relay_frames_waiting", 0.0).await;
    relay
        .await_metric("sotay_relay_units_by_state{state=\"behind\"}", 1.0)
        .await;
    let main = secretary
        .replica
        .store()
        .space_bytes(&secretary.main().id())
        .unwrap();
    assert_eq!(
        relay.metric("sotay_relay_fullest_space_ratio"),
        main as f64 / 50e6
    );
}

#[tokio::test]
async fn a_change_reaches_a_phone_that_is_looking_without_a_question() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    let unit = founder.roll().unit;
    founder.sync(&relay).await;

    let mut looking = Phone::new(MEMBER, unit);
    let mut link = looking.connect(&relay).await.unwrap();
    let mut session = looking.session(&relay, true);
    session.start(&mut looking.replica, 0).unwrap();
    let caught_up = |event: &SessionEvent| *event == SessionEvent::CaughtUp;
    assert!(
        looking
            .go_on(&mut link, &mut session, caught_up)
            .await
            .caught_up()
    );

    let mut secretary = Phone::new(SECRETARY, unit);
    secretary.sync(&relay).await;
    secretary.write_changes(3, 500);
    assert!(secretary.sync(&relay).await.caught_up());
    let main = looking.main();
    while looking.frontier(&main).get(secretary.keys.id()) < 3 {
        let received = |event: &SessionEvent| matches!(event, SessionEvent::Received { .. });
        let talk = looking.go_on(&mut link, &mut session, received).await;
        assert_eq!(talk.ended, Ended::Enough);
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_relay_is_killed_in_the_middle_of_a_push() {
    const CHANGES: usize = 1900;
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    let unit = founder.roll().unit;
    founder.sync(&relay).await;
    let mut secretary = Phone::new(SECRETARY, unit);
    secretary.sync(&relay).await;
    secretary.write_changes(CHANGES, 1500);
    let (main, device) = (secretary.main(), secretary.keys.id());

    // 2.9 MB are five times the credit: acknowledgements come long before the end. A device may write 2,000 at once.
    let acked_part = |event: &SessionEvent| match event {
        SessionEvent::Acked { space, frontier } => *space == main && frontier.get(device) > 0,
        _ => false,
    };
    let link = secretary.connect(&relay).await.unwrap();
    let session = secretary.session(&relay, false);
    let talk = secretary.talk(link, session, acked_part).await;
    assert_eq!(talk.ended, Ended::Enough);
    relay.kill();
    let acked = talk.events.iter().filter_map(|event| match event {
        SessionEvent::Acked { space, frontier } if *space == main => Some(frontier.get(device)),
        _ => None,
    });
    let acked = acked.max().unwrap();
    assert!(acked > 0 && acked < CHANGES as u64, "{acked}");

    let relay = Relay::start(dir.path(), &[]);
    let mut member = Phone::new(MEMBER, unit);
    assert!(member.sync(&relay).await.caught_up());
    assert!(member.frontier(&main).get(device) >= acked);
    assert!(secretary.sync(&relay).await.caught_up());
    assert!(member.sync(&relay).await.caught_up());
    assert_eq!(member.frontier(&main).get(device), CHANGES as u64);
}

#[tokio::test]
async fn a_relay_told_to_stop_says_when_to_come_back_and_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    let mut link = founder.connect(&relay).await.unwrap();
    let mut session = founder.session(&relay, true);
    session.start(&mut founder.replica, 0).unwrap();
    let caught_up = |event: &SessionEvent| *event == SessionEvent::CaughtUp;
    founder.go_on(&mut link, &mut session, caught_up).await;

    relay.terminate();
    let talk = founder.go_on(&mut link, &mut session, |_| false).await;
    let Ended::Closed(reason) = talk.ended else {
        panic!("{:?}", talk.ended)
    };
    assert_eq!(reason.code, CloseCode::Draining);
    assert!((5..=35).contains(&reason.retry_after.unwrap()));
    match within(link.recv()).await {
        Err(LinkError::Closed(close)) => {
            assert_eq!(close.code, CloseCode::Draining.number());
            assert!(close.retry_after.is_some());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(relay.wait().await.code(), Some(0));
    // What was pushed is there for the next process.
    let relay = Relay::start(dir.path(), &[]);
    let mut secretary = Phone::new(SECRETARY, founder.roll().unit);
    secretary.sync(&relay).await;
    assert_eq!(
        secretary.frontier(&secretary.roll()),
        founder.frontier(&founder.roll())
    );
}

#[tokio::test]
async fn a_phone_that_does_not_listen_cannot_hold_up_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    let mut link = founder.connect(&relay).await.unwrap();
    let mut session = founder.session(&relay, true);
    session.start(&mut founder.replica, 0).unwrap();
    let caught_up = |event: &SessionEvent| *event == SessionEvent::CaughtUp;
    founder.go_on(&mut link, &mut session, caught_up).await;
    relay.terminate();
    // Blocks the only thread: nothing of this phone is read or answered meanwhile.
    assert_eq!(relay.wait_deaf().code(), Some(0));
}

#[tokio::test]
async fn health_checks_answer_and_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    assert_eq!(relay.page("/healthz"), (200, "ok\n".into()));
    assert_eq!(relay.page("/readyz"), (200, "ok\n".into()));
    assert_eq!(relay.page("/nothing").0, 404);
    let (code, text) = relay.page("/metrics");
    assert_eq!(code, 200);
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn garbage_on_the_port_hurts_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..2000u32 {
        let mut datagram = vec![number as u8; 1 + (number as usize * 7) % 1400];
        if number % 2 == 0 && datagram.len() > 5 {
            datagram[0] |= 0xc0;
            datagram[1..5].copy_from_slice(&1u32.to_be_bytes());
        }
        socket.send_to(&datagram, relay.listen()).unwrap();
    }
    let (mut founder, _) = founder(FOUNDER, &grants());
    assert!(founder.sync(&relay).await.caught_up());
    assert_eq!(relay.page("/readyz").0, 200);
}

#[tokio::test]
async fn a_frame_that_is_no_message_ends_its_own_session_only() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let stranger = Phone::new(STRANGER, UnitId::from_bytes([7; 32]));
    let mut link = stranger.connect(&relay).await.unwrap();
    link.send(b"nonsense"[..].into()).await.unwrap();
    let closed = loop {
        match within(link.recv()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("closed without a reason"),
            Err(error) => break error,
        }
    };
    let LinkError::Closed(close) = closed else {
        panic!("{closed:?}")
    };
    assert!(matches!(CloseCode::from_number(close.code), CloseCode::Fault(_)));
    let (mut founder, _) = founder(FOUNDER, &grants());
    assert!(founder.sync(&relay).await.caught_up());
    relay
        .await_metric("sotay_relay_sessions_closed_total{reason=\"fault\"}", 1.0)
        .await;
}

#[tokio::test]
async fn a_unit_that_is_not_allowed_is_told_so_and_nothing_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (mut served, _) = founder(FOUNDER, &grants());
    let relay = Relay::start(dir.path(), &["--allow", &served.roll().unit.to_string()]);
    let (mut other, _) = founder(STRANGER, &[]);
    let talk = other.sync(&relay).await;
    let told = talk.events.iter().filter(|event| {
        matches!(
            event,
            SessionEvent::PeerRefusedSpace {
                reason: DenyReason::NotServed,
                ..
            }
        )
    });
    assert_eq!(told.count(), 2, "{:?}", talk.events);
    assert!(served.sync(&relay).await.caught_up());
    assert_eq!(
        relay.metric("sotay_relay_envelopes_committed_total{outcome=\"stored\"}"),
        3.0
    );
}

#[tokio::test]
async fn a_revoked_device_is_told_why_and_can_neither_push_nor_pull() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, grants) = founder(FOUNDER, &grants());
    let unit = founder.roll().unit;
    founder.sync(&relay).await;
    let mut member = Phone::new(MEMBER, unit);
    member.sync(&relay).await;
    revoke(&mut founder, &grants[1]);
    founder.write_changes(1, 100);
    assert!(founder.sync(&relay).await.caught_up());

    member.write_changes(1, 100);
    let talk = member.sync(&relay).await;
    let denied = talk.events.iter().any(|event| match event {
        SessionEvent::PeerRefusedSpace { space, reason, .. } => {
            *space == member.main() && *reason == DenyReason::Revoked
        }
        _ => false,
    });
    assert!(denied, "{:?}", talk.events);
    // It got the record that tells it why, and nothing of the content.
    assert_eq!(member.frontier(&member.roll()), founder.frontier(&founder.roll()));
    assert_eq!(member.frontier(&member.main()).get(founder.keys.id()), 0);
    let mut secretary = Phone::new(SECRETARY, unit);
    secretary.sync(&relay).await;
    assert_eq!(secretary.frontier(&secretary.main()).get(member.keys.id()), 0);
}

#[tokio::test]
async fn a_device_that_nobody_admitted_learns_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(5, 100);
    founder.sync(&relay).await;
    let mut stranger = Phone::new(STRANGER, founder.roll().unit);
    let talk = stranger.sync(&relay).await;
    let denied = talk.events.iter().any(|event| {
        matches!(
            event,
            SessionEvent::PeerRefusedSpace {
                reason: DenyReason::UnknownDevice,
                ..
            }
        )
    });
    assert!(denied, "{:?}", talk.events);
    assert_eq!(stranger.frontier(&stranger.main()), Frontier::default());
}

#[tokio::test]
async fn of_too_many_sessions_of_one_device_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    let caught_up = |event: &SessionEvent| *event == SessionEvent::CaughtUp;
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut link = founder.connect(&relay).await.unwrap();
        let mut session = founder.session(&relay, true);
        session.start(&mut founder.replica, 0).unwrap();
        assert!(
            founder
                .go_on(&mut link, &mut session, caught_up)
                .await
                .caught_up()
        );
        open.push((link, session));
    }
    let (mut link, mut session) = open.remove(0);
    let talk = founder.go_on(&mut link, &mut session, |_| false).await;
    let Ended::Closed(reason) = talk.ended else {
        panic!("{:?}", talk.ended)
    };
    assert_eq!(reason.code, CloseCode::Busy);
    assert!(reason.retry_after.unwrap() >= 30);
    drop((link, session));
    relay.await_metric("sotay_relay_sessions", 4.0).await;
}

#[tokio::test]
async fn an_envelope_of_one_byte_too_many_is_refused_by_name_and_the_session_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    let mut link = founder.connect(&relay).await.unwrap();
    let mut session = founder.session(&relay, true);
    session.start(&mut founder.replica, common::now_ms()).unwrap();
    let caught_up = |event: &SessionEvent| *event == SessionEvent::CaughtUp;
    founder.go_on(&mut link, &mut session, caught_up).await;
    let large = vec![0x5a; ENVELOPE_BYTES_MAX + 1];
    let items = Message::Items(Items {
        tag: founder.main().id().tag(),
        token: None,
        left: 0,
        envelopes: vec![&large],
    });
    within(link.send(items.encode().into())).await.unwrap();
    // Past the session, which would never send it.
    loop {
        let frame = within(link.recv()).await.unwrap().expect("the session goes on");
        if let Message::Refuse(_) = Message::decode(&frame).unwrap() {
            break;
        }
    }
    relay
        .await_metric("sotay_relay_envelopes_refused_total{reason=\"too-large\"}", 1.0)
        .await;
    within(link.close(sotay_net::Close::DONE)).await;
    founder.write_changes(1, 100);
    assert!(founder.sync(&relay).await.caught_up());
}

#[tokio::test]
async fn a_phone_whose_clock_is_ten_years_off_is_served_and_counted() {
    const TEN_YEARS_MS: i64 = 10 * 365 * 86_400_000;
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(2, 100);
    for wrong in [-TEN_YEARS_MS, TEN_YEARS_MS] {
        let mut link = founder.connect(&relay).await.unwrap();
        let mut session = founder.session(&relay, false);
        session
            .start(&mut founder.replica, common::now_ms() + wrong)
            .unwrap();
        let talk = founder.go_on(&mut link, &mut session, |_| false).await;
        within(link.close(sotay_net::Close::DONE)).await;
        assert!(talk.caught_up(), "{:?}", talk.events);
    }
    relay
        .await_metric("sotay_relay_clock_skew_total{within=\"more\"}", 2.0)
        .await;
    let mut secretary = Phone::new(SECRETARY, founder.roll().unit);
    assert!(secretary.sync(&relay).await.caught_up());
    assert_eq!(secretary.frontier(&founder.main()).get(founder.keys.id()), 2);
}

#[tokio::test]
async fn a_forged_envelope_is_refused_by_name_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    // The stranger's own roll says that it is a member; the relay's does not.
    let mut stranger = Phone::new(STRANGER, founder.roll().unit);
    stranger.write_changes(1, 100);
    let talk = stranger.sync(&relay).await;
    let refused = talk.events.iter().any(|event| {
        matches!(
            event,
            SessionEvent::Refused {
                reason: RefuseReason::Denied(_),
                ..
            } | SessionEvent::PeerRefusedSpace { .. }
        )
    });
    assert!(refused, "{:?}", talk.events);
    assert_eq!(
        relay.metric("sotay_relay_envelopes_committed_total{outcome=\"stored\"}"),
        3.0
    );
}
