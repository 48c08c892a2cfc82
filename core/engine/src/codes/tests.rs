use data_encoding::HEXLOWER;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_feed::DeviceKeys;

use super::*;

fn relay(host: &str) -> RelayAddress {
    let key = DeviceKeys::from_seeds([7; 32], [8; 32]).public().sign;
    RelayAddress::new(host, 7843, key).unwrap()
}

fn ticket(relays: usize) -> Ticket {
    Ticket {
        unit: UnitId::from_bytes([1; 32]),
        grant: EnvelopeId::from_bytes([2; 32]),
        key: [3; 16],
        relays: vec![relay("relay.example"); relays],
    }
}

fn hall(relays: usize) -> HallCode {
    HallCode {
        unit: UnitId::from_bytes([1; 32]),
        seal: DeviceKeys::from_seeds([4; 32], [5; 32]).public().seal,
        key: [3; 16],
        until: 1_778_007_200,
        relays: vec![relay("relay.example"); relays],
    }
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

#[test]
fn codes_have_the_bytes_of_the_golden_vectors_and_fit_a_small_qr_code() {
    let known: Vec<&str> = include_str!("../../vectors/codes.hex").lines().collect();
    let made = [ticket(1).to_bytes(), hall(1).to_bytes()];
    assert_eq!(
        made.each_ref().map(|bytes| HEXLOWER.encode(bytes)).to_vec(),
        known
    );
    assert_eq!(Ticket::from_bytes(&made[0]), Ok(ticket(1)));
    assert_eq!(HallCode::from_bytes(&made[1]), Ok(hall(1)));
    let lengths = [ticket(0).to_bytes(), ticket(1).to_bytes(), hall(1).to_bytes()].map(|bytes| bytes.len());
    assert_eq!(lengths, [88, 140, 145]);
}

#[test]
fn a_text_says_which_code_it_is_in_any_case_and_with_line_breaks() {
    for pass in [Pass::Ticket(ticket(2)), Pass::Hall(hall(0))] {
        let text = pass.to_text().to_lowercase();
        let broken = format!("{}\r\n {}", &text[..40], &text[40..]);
        assert_eq!(Pass::from_text(&broken), Ok(pass));
    }
    let other = Pass::from_text("sotay-invite-1:AAAA");
    assert!(matches!(other, Err(EnrolTextError::Prefix { .. })), "{other:?}");
}

#[test]
fn cut_bytes_newer_versions_and_one_relay_over_the_limit_are_refused() {
    let (one, wall) = (ticket(1).to_bytes(), hall(1).to_bytes());
    for len in 0..one.len() {
        assert!(Ticket::from_bytes(&one[..len]).is_err(), "{len}");
    }
    for len in 0..wall.len() {
        assert!(HallCode::from_bytes(&wall[..len]).is_err(), "{len}");
    }
    let newer = |mut bytes: Vec<u8>| {
        bytes[1] = 2;
        bytes
    };
    assert_eq!(Ticket::from_bytes(&newer(one)), Err(EnrolTextError::Version(2)));
    assert_eq!(
        HallCode::from_bytes(&newer(wall)),
        Err(EnrolTextError::Version(2))
    );
    assert!(Ticket::from_bytes(&ticket(CODE_RELAYS_MAX).to_bytes()).is_ok());
    let many = ticket(CODE_RELAYS_MAX + 1).to_bytes();
    assert_eq!(Ticket::from_bytes(&many), Err(EnrolTextError::TooLong));
    let many = hall(CODE_RELAYS_MAX + 1).to_bytes();
    assert_eq!(HallCode::from_bytes(&many), Err(EnrolTextError::TooLong));
}

#[test]
fn a_file_of_welcome_opens_with_its_code_and_no_other() {
    let file = seal_welcome(ticket(0).unit, &ticket(0).key, b"bundle", &mut rng());
    assert_eq!(open_welcome(&Pass::Ticket(ticket(0)), &file).unwrap(), b"bundle");
    let mut other = ticket(0);
    other.key[0] ^= 1;
    assert_eq!(
        open_welcome(&Pass::Ticket(other), &file),
        Err(EnrolTextError::Damaged)
    );
    let mut elsewhere = ticket(0);
    elsewhere.unit = UnitId::from_bytes([9; 32]);
    assert_eq!(
        open_welcome(&Pass::Ticket(elsewhere), &file),
        Err(EnrolTextError::Damaged)
    );
    let foreign = open_welcome(&Pass::Ticket(ticket(0)), b"sotay-bundle");
    assert!(matches!(foreign, Err(EnrolTextError::Prefix { .. })));
}

#[test]
fn a_letter_survives_line_breaks_and_anything_else_is_named() {
    let text = letter_text(&[7; 100]);
    let broken = format!("{}\r\n {}", &text[..50], &text[50..]);
    assert_eq!(read_letter(&broken), Ok(vec![7; 100]));
    assert!(matches!(
        read_letter("sotay-join-1:AA"),
        Err(EnrolTextError::Prefix { .. })
    ));
    assert_eq!(read_letter("sotay-letter-1:*"), Err(EnrolTextError::Damaged));
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?} {:?}", ticket(1), hall(1));
    assert!(!shown.contains("030303") && !shown.contains("3, 3"), "{shown}");
}

proptest! {
    #[test]
    fn garbage_is_no_code(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,120}") {
        let _ = Ticket::from_bytes(&bytes);
        let _ = HallCode::from_bytes(&bytes);
        let _ = Pass::from_text(&text);
        let _ = read_letter(&text);
        let _ = Pass::from_text(&dense(TICKET_PREFIX, &bytes));
        let _ = Pass::from_text(&dense(HALL_PREFIX, &bytes));
        let file = [WELCOME_MAGIC, &bytes].concat();
        prop_assert!(open_welcome(&Pass::Ticket(ticket(0)), &file).is_err());
    }
}
