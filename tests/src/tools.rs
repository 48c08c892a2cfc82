//! The tools of other languages: where the things under test are, and what happens when a tool is not on the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, OnceLock};

/// What a script ends with when its tools are missing.
pub const MISSING: i32 = 77;

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_owned()
}

/// Folder with the library, the relay and the generator of this checkout. Tests do not link them, so they are built here; after
/// `cargo test --workspace` there is nothing left to compile, for the same packages and targets are selected. `SOTAY_BUILT`
/// names a folder where somebody built them already.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(folder) = std::env::var_os("SOTAY_BUILT") {
            return folder.into();
        }
        let own = std::env::current_exe().expect("a test has a path");
        let folder = own.ancestors().nth(2).expect("…/PROFILE/deps/TEST").to_owned();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([
            "build",
            "--locked",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--examples",
        ]);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let target = folder.parent().expect("…/target/PROFILE");
        let status = cargo.env("CARGO_TARGET_DIR", target).current_dir(root()).status();
        assert!(status.expect("cargo runs").success(), "the workspace builds");
        folder
    })
}

/// One language after another: each has processes and threads enough of its own.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A runner with everything that the tests of a language look for.
pub fn runner(program: impl AsRef<Path>) -> Command {
    let built = built();
    let mut command = Command::new(program.as_ref());
    command
        .current_dir(root())
        .env("SOTAY_LIBRARY", built.join("libsotay_ffi.so"))
        .env("SOTAY_LIBRARY_DIR", built)
        .env("SOTAY_RELAY", built.join("sotay-relay"));
    command
}

/// Whether a program is there and works.
pub fn answers(program: &str, args: &[&str]) -> bool {
    let output = Command::new(program).args(args).output();
    output.is_ok_and(|output| output.status.success())
}

/// Says that a tool is missing, which is a failure where `CI=true`: its script installs what is missing.
pub fn not_run(what: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{what} is missing, and .ci/run was to install it"
    );
    eprintln!("not run: {what}");
}

/// A runner that succeeded, or a tool that is missing; anything else fails the test.
pub fn passed(status: std::io::Result<ExitStatus>, what: &str) {
    let status = status.expect("the runner starts");
    if status.code() == Some(MISSING) {
        not_run(what);
    } else {
        assert!(status.success(), "{what}: {status}");
    }
}
