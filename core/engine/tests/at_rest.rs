//! Profiles on disk: what a copy of the folder shows, who can open it, and what becomes of an older copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::keyvault::{Cost, FileVault, KeyVault, KeyVaultError};
use sotay_engine::study::library::{Date, Details, Document, import};
use sotay_engine::{
    CallError, DATABASE_FILE, DeviceError, Engine, Event, INDEX_FILE, KEY_FILE, LockError, NewUnit,
    NextAction, OpenError, Options, PIN_TRIES_MAX, ProfileError, VaultError,
};
use tempfile::TempDir;
use zeroize::Zeroizing;

const NAME: &str = "Chi bộ thôn ĐÁNH DẤU";
const TEXT: &str = "Điều lệ ĐÁNH DẤU để tìm";
const PIN: &str = "482915";
/// The least that Argon2 takes: how long a passphrase takes is not what these tests are about.
const QUICK: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

fn vault(folder: &Path) -> Arc<dyn KeyVault> {
    let path = folder.join("vault");
    let rng = Box::new(StdRng::seed_from_u64(5));
    let vault = if path.exists() {
        FileVault::open(&path, "mật khẩu", rng)
    } else {
        FileVault::create(&path, "mật khẩu", QUICK, rng)
    };
    Arc::new(vault.unwrap())
}

fn with_vault(folder: &Path) -> Options {
    Options {
        vault: Some(vault(folder)),
        ..Options::default()
    }
}

fn with_pin(pin: &str) -> Options {
    Options {
        pin: Some(Zeroizing::new(pin.to_owned())),
        ..Options::default()
    }
}

fn document() -> Document {
    let details = Details {
        kind: "Luật".to_owned(),
        code: "10/2026/QH15".to_owned(),
        issuer: "Quốc hội".to_owned(),
        date: Date::new(2026, 11, 10).unwrap(),
        title: TEXT.to_owned(),
        alias: None,
        links: Vec::new(),
        blobs: Vec::new(),
    };
    let text = format!("Điều 1. Phạm vi\n{TEXT}.\n");
    import(text.as_bytes(), "luat.txt", details).unwrap().document
}

/// Founds a branch and publishes and searches a document: names, texts and the index are all there.
fn use_it(engine: &Engine) {
    engine
        .call(|device, now| {
            let new = NewUnit {
                name: NAME.to_owned(),
                upper: "Đảng bộ xã".to_owned(),
                founder: "Nguyễn Văn ĐÁNH DẤU".to_owned(),
                since: None,
            };
            device.create_unit(&new, now).unwrap();
            device.publish_documents(&[document()]).unwrap();
            device.search("điều lệ", 5).unwrap();
        })
        .unwrap();
}

fn name_of(engine: &Engine) -> String {
    engine.call(|device, _| device.unit_card().unwrap().name).unwrap()
}

/// Files of a folder that show a name or text, in any spelling that the database or the index uses.
fn showing(folder: &Path) -> Vec<PathBuf> {
    let marks: Vec<Vec<u8>> = ["ĐÁNH DẤU", "đánh", "Điều lệ", "SQLite format 3"]
        .iter()
        .map(|mark| mark.as_bytes().to_vec())
        .collect();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let bytes = fs::read(path).unwrap();
            marks
                .iter()
                .any(|mark| bytes.windows(mark.len()).any(|part| part == mark))
        })
        .collect();
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn refused(opened: Result<Engine, OpenError>) -> OpenError {
    match opened {
        Err(error) => error,
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn no_file_of_a_profile_with_a_vault_shows_a_name_or_a_text_open_or_closed() {
    let (home, beside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = home.path().join("profile");
    let engine = Engine::create_with(&folder, "P3", with_vault(beside.path())).unwrap();
    use_it(&engine);
    for file in [DATABASE_FILE, INDEX_FILE, KEY_FILE] {
        assert!(folder.join(file).exists(), "{file}");
    }
    assert_eq!(showing(&folder), Vec::<PathBuf>::new(), "open");
    drop(engine);
    assert_eq!(showing(&folder), Vec::<PathBuf>::new(), "closed");
    let engine = Engine::open_with(&folder, with_vault(beside.path())).unwrap();
    assert_eq!(name_of(&engine), NAME);
    // The search is able to find.
    let plain = home.path().join("plain");
    let engine = Engine::create(&plain, "P3").unwrap();
    use_it(&engine);
    drop(engine);
    assert!(showing(&plain).len() >= 2);
}

#[test]
fn a_plain_profile_is_encrypted_when_it_is_first_opened_with_a_vault_and_nothing_plain_stays() {
    let (home, beside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = home.path().join("profile");
    let engine = Engine::create(&folder, "P3").unwrap();
    use_it(&engine);
    let key = engine.sign_key();
    drop(engine);
    assert!(!showing(&folder).is_empty());
    let engine = Engine::open_with(&folder, with_vault(beside.path())).unwrap();
    assert_eq!((engine.sign_key(), name_of(&engine).as_str()), (key, NAME));
    assert_eq!(showing(&folder), Vec::<PathBuf>::new());
    let found = engine
        .call(|device, _| device.search("điều lệ", 5).unwrap().hits.len())
        .unwrap();
    assert_eq!(found, 1);
    assert_eq!(showing(&folder), Vec::<PathBuf>::new());
    drop(engine);
    let error = refused(Engine::open(&folder));
    assert!(matches!(
        error,
        OpenError::Device(DeviceError::Vault(VaultError::Missing))
    ));
}

#[test]
fn a_pin_is_set_changed_and_removed_and_each_time_only_the_present_one_opens() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("profile");
    let engine = Engine::create(&folder, "P3").unwrap();
    use_it(&engine);
    let busy = Engine::set_pin(&folder, &Options::default(), PIN);
    assert!(matches!(busy, Err(OpenError::Profile(ProfileError::InUse(_)))));
    drop(engine);
    Engine::set_pin(&folder, &Options::default(), PIN).unwrap();
    assert_eq!(showing(&folder), Vec::<PathBuf>::new());
    assert!(matches!(
        refused(Engine::open(&folder)),
        OpenError::Lock(LockError::PinMissing)
    ));
    let wrong = refused(Engine::open_with(&folder, with_pin("482916")));
    assert!(matches!(
        wrong,
        OpenError::Lock(LockError::PinWrong { left, .. }) if left == PIN_TRIES_MAX - 1
    ));
    let state = Engine::lock_state(&folder, &Options::default()).unwrap();
    assert!(state.pin && state.encrypted && !state.vault);
    assert_eq!(state.tries_left, PIN_TRIES_MAX - 1);
    Engine::set_pin(&folder, &with_pin(PIN), "một hai ba").unwrap();
    assert!(matches!(
        refused(Engine::open_with(&folder, with_pin(PIN))),
        OpenError::Lock(LockError::PinWrong { .. })
    ));
    let engine = Engine::open_with(&folder, with_pin("một hai ba")).unwrap();
    assert_eq!(name_of(&engine), NAME);
    drop(engine);
    Engine::remove_pin(&folder, &with_pin("một hai ba")).unwrap();
    assert_eq!(name_of(&Engine::open(&folder).unwrap()), NAME);
}

#[test]
fn an_older_copy_of_a_profile_is_refused_and_told_to_enrol_again() {
    let (home, beside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = home.path().join("profile");
    let engine = Engine::create_with(&folder, "P3", with_vault(beside.path())).unwrap();
    use_it(&engine);
    drop(engine);
    let yesterday = home.path().join("yesterday");
    copy(&folder, &yesterday);
    // The phone goes on, and writes what the copy does not know of.
    drop(Engine::open_with(&folder, with_vault(beside.path())).unwrap());
    let today = home.path().join("today");
    copy(&folder, &today);

    let error = refused(Engine::open_with(&yesterday, with_vault(beside.path())));
    assert!(matches!(
        error,
        OpenError::Device(DeviceError::Vault(VaultError::Vault(KeyVaultError::Gone)))
    ));
    assert_eq!(error.next_action(), NextAction::EnrolAgain);

    // Only the database was set back, the key file is the present one.
    fs::copy(yesterday.join(DATABASE_FILE), today.join(DATABASE_FILE)).unwrap();
    let error = refused(Engine::open_with(&today, with_vault(beside.path())));
    assert!(matches!(error, OpenError::Lock(LockError::OlderCopy)));
    assert_eq!(error.next_action(), NextAction::EnrolAgain);
}

#[test]
fn a_copy_on_another_phone_opens_without_neither_the_vault_nor_its_keys() {
    let (home, beside, other) = (
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
    );
    let folder = home.path().join("profile");
    drop(Engine::create_with(&folder, "P3", with_vault(beside.path())).unwrap());
    let error = refused(Engine::open_with(&folder, with_vault(other.path())));
    assert_eq!(error.next_action(), NextAction::EnrolAgain);
    // The phone itself still opens it.
    assert!(Engine::open_with(&folder, with_vault(beside.path())).is_ok());
}

#[test]
fn a_locked_engine_answers_nothing_more_and_the_profile_opens_again_in_the_same_program() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("profile");
    let engine = Engine::create_with(&folder, "P3", with_pin(PIN)).unwrap();
    use_it(&engine);
    engine.lock();
    assert!(engine.is_locked());
    assert_eq!(engine.call(|_, _| ()), Err(CallError::Locked));
    assert_eq!(engine.touch(), Err(CallError::Locked));
    let again = Engine::open_with(&folder, with_pin(PIN)).unwrap();
    assert_eq!(name_of(&again), NAME);
}

#[test]
fn a_profile_that_nobody_touches_locks_itself_and_says_so() {
    let home = TempDir::new().unwrap();
    let options = Options {
        lock_after: Some(Duration::from_millis(20)),
        ..with_pin(PIN)
    };
    let engine = Engine::create_with(&home.path().join("profile"), "P3", options).unwrap();
    let mut last = None;
    while let Some(event) = engine.next_event(Duration::from_secs(60)) {
        last = Some(event);
        if last == Some(Event::Locked) {
            break;
        }
    }
    assert_eq!(last, Some(Event::Locked));
    assert_eq!(engine.call(|_, _| ()), Err(CallError::Locked));
}

#[test]
fn a_database_that_cannot_be_encrypted_stays_plain_and_opens_without_the_pin() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("profile");
    use_it(&Engine::create(&folder, "P3").unwrap());
    // Something that cannot be removed stands where the copy is to be written.
    let obstacle = folder.join(format!("{DATABASE_FILE}.sealed"));
    fs::create_dir_all(obstacle.join("x")).unwrap();
    assert!(Engine::set_pin(&folder, &Options::default(), PIN).is_err());
    assert_eq!(name_of(&Engine::open(&folder).unwrap()), NAME);
    fs::remove_dir_all(obstacle).unwrap();
    Engine::set_pin(&folder, &Options::default(), PIN).unwrap();
    assert_eq!(name_of(&Engine::open_with(&folder, with_pin(PIN)).unwrap()), NAME);
}

#[test]
fn many_openings_at_once_leave_one_that_holds_the_profile_and_a_profile_that_opens() {
    let (home, beside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = home.path().join("profile");
    let options = with_vault(beside.path());
    use_it(&Engine::create_with(&folder, "P3", options.clone()).unwrap());
    for _ in 0..5 {
        let openings: Vec<_> = std::thread::scope(|scope| {
            let each = |_| scope.spawn(|| Engine::open_with(&folder, options.clone()));
            let threads: Vec<_> = (0..4).map(each).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (opened, refused): (Vec<_>, Vec<_>) = openings.into_iter().partition(Result::is_ok);
        assert!(!opened.is_empty());
        for error in refused.into_iter().filter_map(Result::err) {
            assert!(
                matches!(error, OpenError::Profile(ProfileError::InUse(_))),
                "{error}"
            );
        }
    }
    assert_eq!(name_of(&Engine::open_with(&folder, options).unwrap()), NAME);
}

#[test]
fn a_pin_that_may_not_be_chosen_leaves_no_profile_and_changes_none() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("profile");
    assert!(matches!(
        refused(Engine::create_with(&folder, "P3", with_pin("123456"))),
        OpenError::Lock(LockError::PinRefused(_))
    ));
    drop(Engine::create(&folder, "P3").unwrap());
    assert!(Engine::set_pin(&folder, &Options::default(), "1").is_err());
    assert!(Engine::open(&folder).is_ok());
}
