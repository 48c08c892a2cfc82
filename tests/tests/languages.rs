//! Kotlin, Swift and Python: each wrapper is tested by its own runner, against the library and the relay of this build, and prints
//! its own counts. A language whose tools are not on the machine is named as "not run"; where `CI=true` it is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, OnceLock};

/// What a script ends with when its tools are missing.
const MISSING: i32 = 77;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_owned()
}

/// Folder with the library, the relay and the generator of this checkout. Tests do not link them, so they are built here; after
/// `cargo test --workspace` there is nothing left to compile, for the same packages and targets are selected.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
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
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A runner with everything that the tests of a language look for.
fn runner(program: impl AsRef<Path>) -> Command {
    let built = built();
    let mut command = Command::new(program.as_ref());
    command
        .current_dir(root())
        .env("SOTAY_LIBRARY", built.join("libsotay_ffi.so"))
        .env("SOTAY_LIBRARY_DIR", built)
        .env("SOTAY_RELAY", built.join("sotay-relay"));
    command
}

fn answers(program: &str, args: &[&str]) -> bool {
    let output = Command::new(program).args(args).output();
    output.is_ok_and(|output| output.status.success())
}

fn not_run(what: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{what} is missing, and .ci/run was to install it"
    );
    eprintln!("not run: {what}");
}

fn passed(status: std::io::Result<ExitStatus>, what: &str) {
    let status = status.expect("the runner starts");
    if status.code() == Some(MISSING) {
        not_run(what);
    } else {
        assert!(status.success(), "{what}: {status}");
    }
}

#[test]
fn the_generated_code_is_what_the_generator_writes_today() {
    let _alone = alone();
    let check = runner("bindings/generate.sh")
        .arg("--check")
        .env("SOTAY_BUILT", built())
        .status();
    passed(check, "the generator");
}

#[test]
fn the_python_wrapper_passes_its_tests() {
    let _alone = alone();
    if !answers("python3", &["-m", "pytest", "--version"]) {
        return not_run("pytest");
    }
    let tests = runner("python3")
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .current_dir(root().join("bindings/python"))
        .status();
    passed(tests, "pytest");
}

#[test]
fn the_kotlin_wrapper_passes_its_tests() {
    let _alone = alone();
    if !answers("mvn", &["--version"]) {
        return not_run("Maven");
    }
    let tests = runner("mvn")
        .args(["-B", "-ntp", "-f", "bindings/kotlin/pom.xml", "test"])
        .arg(format!("-Dsotay.target={}", built().display()))
        .status();
    passed(tests, "Maven");
}

#[test]
fn the_swift_wrapper_passes_its_tests() {
    let _alone = alone();
    passed(runner("bindings/swift/test.sh").status(), "Swift");
}
