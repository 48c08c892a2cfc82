//! The binary `sotay`: see the library of the same package.

fn main() -> std::process::ExitCode {
    sotay_cli::run(std::env::args_os())
}
