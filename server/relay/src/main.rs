//! The relay's binary; everything is in the library, so that another program can run a relay as a child of itself.

fn main() -> std::process::ExitCode {
    sotay_relay::main()
}
