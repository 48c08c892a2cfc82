use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

fn rng(seed: u64) -> Box<dyn CryptoRng + Send> {
    Box::new(StdRng::seed_from_u64(seed))
}

fn vault(folder: &tempfile::TempDir) -> (PathBuf, FileVault) {
    let path = folder.path().join("keys");
    let vault = FileVault::create(&path, "mật khẩu", CHEAP, rng(1)).unwrap();
    (path, vault)
}

fn reopen(path: &Path, passphrase: &str) -> Result<FileVault, OpenVaultError> {
    FileVault::open(path, passphrase, rng(2))
}

#[test]
fn what_was_wrapped_is_unwrapped_after_the_vault_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, vault) = vault(&folder);
    let wrapped = vault.wrap("database", b"secret").unwrap();
    assert_eq!(vault.level(), Level::Software);
    drop(vault);
    let vault = reopen(&path, "mật khẩu").unwrap();
    assert_eq!(&vault.unwrap("database", &wrapped).unwrap()[..], b"secret");
    let again = vault.wrap("database", b"secret").unwrap();
    assert_ne!(again, wrapped);
    assert_eq!(&vault.unwrap("database", &again).unwrap()[..], b"secret");
}

#[test]
fn a_passphrase_typed_with_another_keyboard_opens_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = vault(&folder);
    let decomposed: String = "mật khẩu".nfd().collect();
    assert_ne!(decomposed, "mật khẩu");
    assert!(reopen(&path, &decomposed).is_ok());
}

#[test]
fn another_passphrase_or_an_altered_file_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let (path, vault) = vault(&folder);
    vault.wrap("database", b"secret").unwrap();
    assert_eq!(reopen(&path, "mat khau").unwrap_err(), OpenVaultError::Passphrase);
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(reopen(&path, "mật khẩu").is_err(), "byte {at}");
        fs::write(&path, &good[..at]).unwrap();
        assert!(reopen(&path, "mật khẩu").is_err(), "{at} bytes");
    }
    fs::write(&path, [&good[..], b"x"].concat()).unwrap();
    assert_eq!(
        reopen(&path, "mật khẩu").unwrap_err(),
        OpenVaultError::Format(CborError::Trailing(1))
    );
}

#[test]
fn a_newer_file_is_called_newer_and_a_greedy_one_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = vault(&folder);
    let mut newer = fs::read(&path).unwrap();
    newer[1] = 2;
    fs::write(&path, newer).unwrap();
    assert_eq!(reopen(&path, "mật khẩu").unwrap_err(), OpenVaultError::Version(2));
    let most = Cost {
        memory_kib: Cost::MEMORY_KIB_MAX,
        passes: Cost::PASSES_MAX,
        lanes: Cost::LANES_MAX,
    };
    assert!(most.params().is_some());
    for greedy in [
        Cost {
            memory_kib: Cost::MEMORY_KIB_MAX + 1,
            ..most
        },
        Cost {
            passes: Cost::PASSES_MAX + 1,
            ..most
        },
        Cost {
            lanes: Cost::LANES_MAX + 1,
            ..most
        },
        Cost { passes: 0, ..most },
    ] {
        let mut writer = Writer::new();
        writer.bytes(&[0; 40]);
        fs::write(
            &path,
            [head(greedy, &[0; SALT_LEN]), writer.into_bytes()].concat(),
        )
        .unwrap();
        assert_eq!(reopen(&path, "mật khẩu").unwrap_err(), OpenVaultError::Cost);
    }
    fs::write(&path, vec![0; FILE_BYTES_MAX + 1]).unwrap();
    assert!(matches!(
        reopen(&path, ""),
        Err(OpenVaultError::Format(CborError::TooMany { .. }))
    ));
}

#[test]
fn wrapped_bytes_belong_to_their_label_and_cannot_be_altered() {
    let folder = tempfile::tempdir().unwrap();
    let (_, vault) = vault(&folder);
    let wrapped = vault.wrap("one", b"secret").unwrap();
    vault.wrap("two", b"other").unwrap();
    assert_eq!(vault.unwrap("two", &wrapped), Err(KeyVaultError::Forged));
    assert_eq!(vault.unwrap("three", &wrapped), Err(KeyVaultError::Gone));
    assert_eq!(vault.unwrap("one", &wrapped[1..]), Err(KeyVaultError::Forged));
    assert_eq!(vault.unwrap("one", &[]), Err(KeyVaultError::Forged));
}

#[test]
fn a_destroyed_key_is_gone_also_after_the_label_was_used_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, vault) = vault(&folder);
    let wrapped = vault.wrap("one", b"secret").unwrap();
    let kept = vault.wrap("two", b"other").unwrap();
    vault.destroy("one").unwrap();
    vault.destroy("one").unwrap();
    assert_eq!(vault.unwrap("one", &wrapped), Err(KeyVaultError::Gone));
    drop(vault);
    let vault = reopen(&path, "mật khẩu").unwrap();
    assert_eq!(vault.unwrap("one", &wrapped), Err(KeyVaultError::Gone));
    vault.wrap("one", b"new").unwrap();
    assert_eq!(vault.unwrap("one", &wrapped), Err(KeyVaultError::Forged));
    assert_eq!(&vault.unwrap("two", &kept).unwrap()[..], b"other");
}

#[test]
fn a_new_passphrase_replaces_the_old_one_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, vault) = vault(&folder);
    let wrapped = vault.wrap("one", b"secret").unwrap();
    vault.change_passphrase("another", CHEAP).unwrap();
    assert_eq!(reopen(&path, "mật khẩu").unwrap_err(), OpenVaultError::Passphrase);
    let vault = reopen(&path, "another").unwrap();
    assert_eq!(&vault.unwrap("one", &wrapped).unwrap()[..], b"secret");
}

#[test]
fn an_existing_vault_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (path, vault) = vault(&folder);
    let wrapped = vault.wrap("one", b"secret").unwrap();
    let again = FileVault::create(&path, "other", CHEAP, rng(3));
    assert_eq!(again.unwrap_err(), OpenVaultError::Exists);
    let vault = reopen(&path, "mật khẩu").unwrap();
    assert!(vault.unwrap("one", &wrapped).is_ok());
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, vault) = vault(&folder);
    let wrapped = vault.wrap("one", b"secret").unwrap();
    // A folder stands where the new file has to be written.
    fs::create_dir(path.with_file_name("keys.new")).unwrap();
    assert!(matches!(
        vault.wrap("two", b"secret"),
        Err(KeyVaultError::Failed(_))
    ));
    assert!(matches!(vault.destroy("one"), Err(KeyVaultError::Failed(_))));
    assert!(matches!(
        vault.change_passphrase("x", CHEAP),
        Err(OpenVaultError::Io(_))
    ));
    assert!(vault.unwrap("one", &wrapped).is_ok());
    fs::remove_dir(path.with_file_name("keys.new")).unwrap();
    vault.wrap("two", b"secret").unwrap();
    let vault = reopen(&path, "mật khẩu").unwrap();
    assert!(vault.unwrap("one", &wrapped).is_ok());
}

#[test]
fn secrets_and_labels_keep_to_their_limits() {
    let folder = tempfile::tempdir().unwrap();
    let (_, vault) = vault(&folder);
    assert!(vault.wrap("a", &[0; SECRET_BYTES_MAX]).is_ok());
    let too_large = |limit| Err(KeyVaultError::TooLarge { limit });
    assert_eq!(
        vault.wrap("a", &[0; SECRET_BYTES_MAX + 1]),
        too_large(SECRET_BYTES_MAX)
    );
    assert!(vault.wrap(&"a".repeat(LABEL_BYTES_MAX), b"").is_ok());
    assert_eq!(
        vault.wrap(&"a".repeat(LABEL_BYTES_MAX + 1), b""),
        too_large(LABEL_BYTES_MAX)
    );
    let mut inner = vault.lock();
    for n in inner.table.len()..LABELS_MAX {
        let label = format!("{n:0width$}", width = LABEL_BYTES_MAX);
        inner.table.insert(label, Zeroizing::new([0; 32]));
    }
    assert!(inner.encode().len() <= FILE_BYTES_MAX);
    drop(inner);
    assert_eq!(vault.wrap("one more", b""), too_large(LABELS_MAX));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = vault(&folder);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn debug_shows_neither_keys_nor_path() {
    let folder = tempfile::tempdir().unwrap();
    let (_, vault) = vault(&folder);
    assert_eq!(format!("{vault:?}"), "FileVault(…)");
}

#[test]
fn the_standard_cost_is_allowed() {
    assert!(Cost::STANDARD.params().is_some());
}
