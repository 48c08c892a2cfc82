//! `kill -9` under load. `sotay-relay bench kill` does fifty rounds and prints recovery times.

mod common;

use common::json;

#[test]
fn every_acknowledged_envelope_is_there_after_three_kills_under_load() {
    three_kills("sqlite");
}

#[test]
fn every_acknowledged_envelope_is_there_after_three_kills_under_load_over_a_database_server() {
    if sotay_postgres::server::for_test("kills of a relay over PostgreSQL").is_some() {
        three_kills("postgres");
    }
}

fn three_kills(store: &str) {
    let told = json(&["bench", "kill", "--rounds", "3", "--store", store]);
    assert_eq!((&told["kills"], &told["lost"]), (&3.into(), &0.into()));
    assert!(told["acknowledged"].as_u64().unwrap() > 0, "{told}");
    assert!(
        told["pushes interrupted"].as_u64().unwrap() > 0,
        "the kills came in the middle: {told}"
    );
}
