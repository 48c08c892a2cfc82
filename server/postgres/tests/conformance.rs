//! The one suite of all stores, against a real server.

use sotay_postgres::{Options, PostgresStore, server};
use sotay_store::{Faults, FaultyStore, conformance};

fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url.parse().unwrap(), Options::default()).unwrap()
}

#[test]
fn the_postgres_store_conforms() {
    let Some(mut server) = server::for_test("the suite of the stores") else {
        return;
    };
    conformance::run(|| open(&server.database().unwrap()));
}

#[test]
fn a_faulty_store_over_postgres_conforms_and_the_database_survives_reopening() {
    let Some(mut server) = server::for_test("the suite of the stores with faults") else {
        return;
    };
    let url = server.database().unwrap();
    conformance::survives_reopening(open(&url), |store| {
        drop(store);
        open(&url)
    });
    assert_eq!(open(&url).full_check().unwrap().envelopes, 25);
    conformance::run(|| FaultyStore::new(open(&server.database().unwrap()), Faults::none()));
}
