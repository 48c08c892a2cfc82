//! PIN and vault of a profile.

use serde_json::{Value, json};

use crate::support::{Done, Hall, Phone, done};

const PIN: &str = "482915";

/// Runs a command with these variables, as a program.
fn with(phone: &Phone, variables: &[(&str, &str)], args: &[&str]) -> (i32, Value) {
    let mut command = phone.command(&[&["--json"], args].concat());
    command.envs(variables.iter().copied());
    let Done { exit, out, err } = done(command.output().unwrap());
    assert_eq!(err, "", "{args:?}");
    (exit, serde_json::from_str(&out).unwrap())
}

#[test]
fn a_pin_is_set_asked_for_counted_changed_and_removed() {
    let hall = Hall::new();
    let phone = hall.branch();
    assert_eq!(
        phone.json(&["pin"]),
        json!({ "pin": false, "encrypted": false, "vault": false, "tries_left": 20, "wait_seconds": 0 })
    );
    phone.fails(&["pin", "change"], 3, "has_no_pin");
    let (exit, easy) = with(&phone, &[("SOTAY_NEW_PIN", "123456")], &["pin", "set"]);
    assert_eq!((exit, easy["error"]["code"].as_str()), (3, Some("pin_easy")));
    let (exit, set) = with(&phone, &[("SOTAY_NEW_PIN", PIN)], &["pin", "set"]);
    assert_eq!(
        (exit, &set["pin"], &set["encrypted"]),
        (0, &json!(true), &json!(true))
    );
    let (exit, wrong) = with(&phone, &[("SOTAY_PIN", "482916")], &["members"]);
    assert_eq!((exit, wrong["error"]["code"].as_str()), (6, Some("pin_wrong")));
    // Whether there is a PIN is told without it.
    assert_eq!(phone.json(&["pin"])["tries_left"], 19);
    let (exit, members) = with(&phone, &[("SOTAY_PIN", PIN)], &["members"]);
    assert_eq!((exit, members["members"].as_array().map(Vec::len)), (0, Some(5)));
    let both = [("SOTAY_PIN", PIN), ("SOTAY_NEW_PIN", "một hai ba")];
    assert_eq!(with(&phone, &both, &["pin", "change"]).0, 0);
    assert_eq!(with(&phone, &[("SOTAY_PIN", PIN)], &["members"]).0, 6);
    let (exit, removed) = with(&phone, &[("SOTAY_PIN", "một hai ba")], &["pin", "remove"]);
    assert_eq!((exit, &removed["pin"]), (0, &json!(false)));
    phone.ok(&["members"]);
}

#[test]
fn a_profile_whose_keys_are_in_a_vault_opens_with_it_and_its_passphrase_alone() {
    let hall = Hall::new();
    let phone = hall.branch();
    let vault = hall.path("vault").to_string_lossy().into_owned();
    let right = [
        ("SOTAY_VAULT", vault.as_str()),
        ("SOTAY_PASSPHRASE", "con đường làng"),
    ];
    let (exit, state) = with(&phone, &right, &["members"]);
    assert_eq!((exit, state["members"].as_array().map(Vec::len)), (0, Some(5)));
    assert_eq!(with(&phone, &right, &["pin"]).1["vault"], true);
    phone.fails(&["members"], 6, "vault_missing");
    let wrong = [right[0], ("SOTAY_PASSPHRASE", "con đường lành")];
    let (exit, refused) = with(&phone, &wrong, &["members"]);
    assert_eq!(
        (exit, refused["error"]["code"].as_str()),
        (3, Some("wrong_passphrase"))
    );
    assert_eq!(with(&phone, &right, &["members"]).0, 0);
}
