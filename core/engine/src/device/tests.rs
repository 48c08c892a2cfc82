//! One phone, and two, without threads or a network.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_store::{DatabaseId, MemoryStore};

use super::*;

const NOW: i64 = 1_778_000_000_000;

fn device(seed: u64, label: &str) -> Device<MemoryStore> {
    let store = MemoryStore::new(DatabaseId([seed as u8; 16]));
    Device::create(store, label, Box::new(StdRng::seed_from_u64(seed))).unwrap()
}

fn branch(seed: u64) -> Device<MemoryStore> {
    let mut device = device(seed, "P3");
    let new = NewUnit {
        name: "Chi bộ thôn An Lạc".to_owned(),
        upper: "Đảng bộ xã Đông Phong".to_owned(),
        founder: "Nguyễn Văn Bình".to_owned(),
        since: None,
    };
    device.create_unit(&new, NOW).unwrap();
    device
}

#[test]
fn a_founder_is_secretary_and_stands_on_the_roster_by_name() {
    let mut device = branch(1);
    let card = device.unit_card().unwrap();
    assert_eq!((card.name.as_str(), card.rank), ("Chi bộ thôn An Lạc", Some(2)));
    let members = device.members(today(NOW)).unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].name.as_deref(), Some("Nguyễn Văn Bình"));
}
