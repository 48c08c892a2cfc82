//! The PIN of a profile.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_long_help = "\
With a PIN the database of the profile is encrypted, and every command asks for the PIN; between two commands nothing is
open. The PIN comes from SOTAY_PIN, a new one from SOTAY_NEW_PIN, or both are asked at the terminal, unseen. After 4 wrong
ones each try has to wait, longer every time; after 20 in a row the key is destroyed and the phone has to be enrolled again.
A PIN of digits alone keeps out people, not computers: whoever copies the folder can try on other machines. Keep the keys in
a vault too (--vault), with a long passphrase and on another disk.")]
pub(crate) struct Pin {
    #[command(subcommand)]
    pub command: Option<PinCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PinCommand {
    /// Whether there is one, and how many tries are left (the default).
    Status,
    /// Choose one.
    Set,
    /// Choose another one.
    Change,
    /// Take it away. The database stays encrypted.
    Remove,
}
