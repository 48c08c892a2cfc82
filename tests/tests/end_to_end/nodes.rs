//! Two relays on one database and the list that the unit signed: phones meet at one of them and go on with the other.

use sotay_postgres::server;

use super::*;

struct Nodes {
    _server: server::Server,
    /// In the order in which the phones of the unit try them.
    relays: Vec<Relay>,
    config: PathBuf,
}

/// Two relays, named by the secretary and known to the clerk.
fn nodes(dir: &Path, secretary: &Engine) -> Option<Nodes> {
    let mut server = server::for_test("phones of two relays")?;
    let config = dir.join("relay.toml");
    fs::write(&config, format!("store = \"{}\"\n", server.database().unwrap())).unwrap();
    let more = ["--config", config.to_str().unwrap()];
    let mut relays = ["a", "b"]
        .map(|name| Relay::start_with(&dir.join(name), "127.0.0.1:0", &more))
        .into_iter()
        .collect::<Vec<_>>();
    let list: Vec<RelayAddress> = relays
        .iter()
        .map(|relay| relay.address.parse().unwrap())
        .collect();
    secretary
        .call(move |device, _| device.name_relays(&list))
        .unwrap()
        .unwrap();
    let first = secretary
        .call(|device, _| device.relays_to_try())
        .unwrap()
        .unwrap()
        .remove(0);
    relays.sort_by_key(|relay| relay.address != first.to_string());
    Some(Nodes {
        _server: server,
        relays,
        config,
    })
}

#[test]
fn phones_of_a_unit_meet_at_one_relay_and_when_it_dies_at_the_next_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    assert!(matches!(
        secretary.sync_listed(PATIENCE),
        Err(SyncError::Unlisted)
    ));
    let Some(mut nodes) = nodes(dir.path(), &secretary) else {
        return;
    };
    let clerk = join(&secretary, dir.path(), "P1");
    let meeting = may_meeting(&secretary);
    speak(&secretary, meeting, "Nhất trí");
    let (relay, _) = secretary.sync_listed(PATIENCE).unwrap();
    assert_eq!(relay.to_string(), nodes.relays[0].address);
    // The clerk learned the list with its admission.
    let (relay, _) = clerk.sync_listed(PATIENCE).unwrap();
    assert_eq!(relay.to_string(), nodes.relays[0].address);
    assert_eq!(speeches(&clerk, meeting).len(), 1);
    let (first_dir, first_listen) = nodes.relays.remove(0).kill();
    speak(&clerk, meeting, "Đồng ý");
    let (relay, _) = clerk.sync_listed(PATIENCE).unwrap();
    assert_eq!(relay.to_string(), nodes.relays[0].address);
    secretary.sync_listed(PATIENCE).unwrap();
    assert_eq!(speeches(&secretary, meeting).len(), 2);
    assert_eq!(minutes(&secretary, meeting), minutes(&clerk, meeting));
    // Back again, it is the first again, and has all that the other one took.
    let more = ["--config", nodes.config.to_str().unwrap()];
    let first = Relay::start_with(&first_dir, &first_listen, &more);
    let (relay, _) = clerk.sync_listed(PATIENCE).unwrap();
    assert_eq!(relay.to_string(), first.address);
    assert!(is_synced(&clerk, &first));
}

#[test]
fn a_phone_that_follows_the_list_goes_on_with_the_next_relay_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let Some(mut nodes) = nodes(dir.path(), &secretary) else {
        return;
    };
    let clerk = join(&secretary, dir.path(), "P1");
    let meeting = may_meeting(&secretary);
    clerk.follow_listed().unwrap();
    secretary.follow_listed().unwrap();
    speak(&secretary, meeting, "một");
    until(&clerk, "the first speech came", || {
        speeches(&clerk, meeting).len() == 1
    });
    // A relay that dies without a word is noticed after the idle time-out only; one that is stopped says goodbye.
    nodes.relays.remove(0).stop();
    speak(&secretary, meeting, "hai");
    until(&clerk, "the second came over the other relay", || {
        speeches(&clerk, meeting).len() == 2
    });
    speak(&clerk, meeting, "ba");
    until(&secretary, "the third came back", || {
        speeches(&secretary, meeting).len() == 3
    });
}
