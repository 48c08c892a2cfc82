//! Kotlin, Swift and Python: each wrapper is tested by its own runner, against the library and the relay of this build, and prints
//! its own counts. A language whose tools are not on the machine is named as "not run"; where `CI=true` it is a failure.

use sotay_tests::tools::{alone, answers, built, not_run, passed, root, runner};

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
