use super::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_vault::keyvault::FileVault;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const NOW: i64 = 1_790_000_000_000;
const PIN: &str = "482915";
/// The least that Argon2 takes: these tests are about counting, not about how long a try takes.
const QUICK: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

fn rng() -> StdRng {
    StdRng::seed_from_u64(3)
}

/// A profile folder, and a vault that is not in it.
struct Place {
    folder: TempDir,
    vault: Option<Arc<dyn KeyVault>>,
    _beside: TempDir,
}

fn place(with_vault: bool) -> Place {
    let beside = TempDir::new().unwrap();
    let vault = with_vault.then(|| {
        let file = beside.path().join("vault");
        let vault = FileVault::create(&file, "mật khẩu", QUICK, Box::new(rng())).unwrap();
        Arc::new(vault) as Arc<dyn KeyVault>
    });
    Place {
        folder: TempDir::new().unwrap(),
        vault,
        _beside: beside,
    }
}

impl Place {
    fn make(&self) -> Key {
        let (mut lock, key) = Lock::make(self.folder.path(), self.vault.clone(), None, &mut rng()).unwrap();
        lock.put_pin(&key, Some(PIN), QUICK, &mut rng()).unwrap();
        key
    }

    fn load(&self) -> Result<Lock<'_>, LockError> {
        Lock::load(self.folder.path(), self.vault.clone()).map(Option::unwrap)
    }

    fn attempt(&self, pin: &str, now: i64) -> Result<Key, LockError> {
        self.load()?.key(Some(pin), now)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(KEY_FILE)
    }

    /// Wrong PINs one after another, each as early as it may be; when the last of them was tried.
    fn wrong(&self, times: u32) -> i64 {
        let mut now = NOW;
        for _ in 0..times {
            now += i64::try_from(self.load().unwrap().wait(now).as_millis()).unwrap();
            assert!(matches!(
                self.attempt("111222", now),
                Err(LockError::PinWrong { .. } | LockError::PinSpent)
            ));
        }
        now
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs()
}

#[test]
fn the_right_pin_gives_the_key_and_an_opening_forgets_wrong_ones() {
    for with_vault in [true, false] {
        let place = place(with_vault);
        let key = place.make();
        place.wrong(3);
        let mut lock = place.load().unwrap();
        assert_eq!(lock.key(Some(PIN), NOW).unwrap(), key);
        let state = place.load().unwrap().state(NOW);
        assert_eq!(
            (state.tries_left, state.pin, state.vault),
            (PIN_TRIES_MAX, true, with_vault)
        );
        assert!(matches!(
            place.load().unwrap().key(None, NOW),
            Err(LockError::PinMissing)
        ));
    }
}

#[test]
fn wrong_pins_are_counted_across_restarts_and_pauses_grow() {
    let place = place(true);
    let key = place.make();
    let mut now = NOW;
    let mut waits = Vec::new();
    for left in (PIN_TRIES_MAX - 11..PIN_TRIES_MAX).rev() {
        match place.attempt("111222", now) {
            Err(LockError::PinWrong { left: told, wait }) => {
                assert_eq!(told, left);
                waits.push(seconds(wait));
                // One millisecond too early: refused without being counted.
                if !wait.is_zero() {
                    let early = now + i64::try_from(wait.as_millis()).unwrap() - 1;
                    assert!(matches!(
                        place.attempt(PIN, early),
                        Err(LockError::PinWait { .. })
                    ));
                }
                now += i64::try_from(wait.as_millis()).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, [0, 0, 0, 0, 30, 60, 300, 900, 3600, 3600, 3600]);
    assert_eq!(place.attempt(PIN, now).unwrap(), key);
}

#[test]
fn the_last_wrong_pin_destroys_the_key_and_the_right_one_is_too_late() {
    for with_vault in [true, false] {
        let place = place(with_vault);
        place.make();
        let now = place.wrong(PIN_TRIES_MAX - 1);
        let last = now + 3_600_000;
        let before = fs::read(place.file()).unwrap();
        assert!(matches!(place.attempt("111222", last), Err(LockError::PinSpent)));
        let refused = place.attempt(PIN, last + 3_600_000).unwrap_err();
        assert!(matches!(refused, LockError::PinSpent));
        assert_eq!(refused.next_action(), NextAction::EnrolAgain);
        if with_vault {
            fs::write(place.file(), before).unwrap();
            assert!(place.attempt(PIN, last + 7_200_000).is_err());
        }
    }
}

#[test]
fn a_key_file_set_back_to_before_the_wrong_pins_opens_nothing_while_the_vault_counts() {
    let place = place(true);
    place.make();
    let before = fs::read(place.file()).unwrap();
    place.wrong(2);
    fs::write(place.file(), before).unwrap();
    let refused = place.attempt(PIN, NOW).unwrap_err();
    assert!(matches!(
        refused,
        LockError::Vault(VaultError::Vault(KeyVaultError::Gone))
    ));
    assert_eq!(refused.next_action(), NextAction::EnrolAgain);
}

#[test]
fn a_clock_that_was_ahead_at_the_last_try_costs_one_pause_and_no_more() {
    let place = place(true);
    let key = place.make();
    let years = 5 * 365 * 86_400_000;
    let ahead = place.wrong(5) + years;
    // The pause is over; another wrong one, in that time.
    assert!(matches!(
        place.attempt("111222", ahead),
        Err(LockError::PinWrong { .. })
    ));
    let told = place.attempt(PIN, NOW);
    assert!(matches!(told, Err(LockError::PinWait { wait }) if seconds(wait) == 60));
    assert_eq!(place.attempt(PIN, NOW + 60_000).unwrap(), key);
}

#[test]
fn neither_key_nor_pin_stands_in_the_file() {
    for with_vault in [true, false] {
        let place = place(with_vault);
        let key = place.make();
        let bytes = fs::read(place.file()).unwrap();
        assert!(!bytes.windows(32).any(|part| part == key.bytes()));
        assert!(!bytes.windows(6).any(|part| part == PIN.as_bytes()));
    }
}

#[test]
fn a_file_that_a_vault_wrapped_is_not_read_without_it_and_not_by_another() {
    let one = place(true);
    one.make();
    assert!(matches!(
        Lock::load(one.folder.path(), None),
        Err(LockError::Vault(VaultError::Missing))
    ));
    let other = place(true);
    assert!(matches!(
        Lock::load(one.folder.path(), other.vault.clone()),
        Err(LockError::Vault(VaultError::Vault(KeyVaultError::Gone)))
    ));
}

#[test]
fn a_vault_holds_one_label_of_a_profile_however_often_it_was_opened() {
    let place = place(true);
    place.make();
    for opened in 1..5 {
        let mut lock = place.load().unwrap();
        lock.key(Some(PIN), NOW).unwrap();
        lock.confirm(opened).unwrap();
    }
    let lock = place.load().unwrap();
    let vault = place.vault.as_ref().unwrap();
    let alive = (0..=lock.content.step)
        .filter(|&step| {
            // Nothing to unwrap: a label that exists says so in another way than one that does not.
            vault.unwrap(&label(lock.name, step), &[0; 40]) != Err(KeyVaultError::Gone)
        })
        .count();
    assert_eq!(alive, 1);
}

#[test]
fn a_pin_that_may_not_be_chosen_changes_nothing() {
    let place = place(false);
    let key = place.make();
    let refused = place
        .load()
        .unwrap()
        .put_pin(&key, Some("123456"), QUICK, &mut rng());
    assert!(matches!(refused, Err(LockError::PinRefused(PinRefused::TooEasy))));
    assert_eq!(place.attempt(PIN, NOW).unwrap(), key);
}
