//! `kill -9` under load. `sotay-relay bench kill` does fifty rounds and prints recovery times.

mod common;

use common::json;

#[test]
fn every_acknowledged_envelope_is_there_after_three_kills_under_load() {
    let told = json(&["bench", "kill", "--rounds", "3"]);
    assert_eq!((&told["kills"], &told["lost"]), (&3.into(), &0.into()));
    assert!(told["acknowledged"].as_u64().unwrap() > 0, "{told}");
    assert!(
        told["pushes interrupted"].as_u64().unwrap() > 0,
        "the kills came in the middle: {told}"
    );
}
