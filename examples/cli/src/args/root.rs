//! The root of several keys: papers that are drafted, signed elsewhere, and carried.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Root {
    #[command(subcommand)]
    pub command: RootCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RootCommand {
    /// Make one key of a root, on a machine of its own. Needs no profile and no network.
    #[command(after_long_help = "\
FILE holds the key, sealed under the code that is printed; FILE.pub holds the public key. Keep file and code apart. Do this
on three machines, bring the three .pub files to the machine of the province, and

  sotay province root draft --name 'Đảng bộ tỉnh' --public k1.pub --public k2.pub --public k3.pub --out found.paper
  sotay province root sign found.paper --key k1.key --code CODE --out found.paper      (on the first machine)
  sotay province root sign found.paper --key k2.key --code CODE --out found.paper      (on the second machine)
  sotay province root found found.paper --upper 'Trung ương' --founder 'Vũ Thị Hà'")]
    Key {
        /// Where to write the key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Draft a unit under a root of several keys: the paper that its keys sign.
    Draft {
        /// Name of the unit.
        #[arg(long)]
        name: String,
        /// Its level.
        #[arg(long, value_enum, default_value_t = Level::Province)]
        level: Level,
        /// A public key of the root (repeat for each).
        #[arg(long, value_name = "FILE", required = true)]
        public: Vec<PathBuf>,
        /// Signatures that an act needs.
        #[arg(long, default_value_t = 2)]
        threshold: u8,
        /// What lists call this phone. Used when the profile is made.
        #[arg(long, value_name = "LABEL", default_value = "Máy cấp trên")]
        label: String,
        /// Where to write the paper.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// What a paper says and how many keys have signed it. Needs no profile.
    Show {
        /// The paper.
        paper: PathBuf,
    },
    /// Sign a paper with one key of the root, after reading what it says. Needs no profile and no network.
    Sign {
        /// The paper.
        paper: PathBuf,
        /// The key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The code of the key.
        #[arg(long)]
        code: String,
        /// Where to write the signed paper; it may be the same file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Found the unit that was drafted here, once enough keys have signed.
    Found {
        /// The signed paper.
        paper: PathBuf,
        /// The body above, for the heading of minutes.
        #[arg(long)]
        upper: String,
        /// Name of who uses this phone.
        #[arg(long)]
        founder: String,
    },
    /// Draft: give a committee's phones the rank of the level above.
    Appoint {
        /// The committee's card (province card).
        card: PathBuf,
        #[command(flatten)]
        units: Units,
        /// Where to write the paper.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Draft: end what a phone of the level above may do.
    Dismiss {
        /// Id of the phone, whole.
        phone: String,
        #[command(flatten)]
        units: Units,
        /// Where to write the paper.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Carry a paper that enough keys have signed into the records of its units; sync afterwards.
    Carry {
        /// The signed paper.
        paper: PathBuf,
    },
    /// Which root stands behind this unit, as far as its proofs are on this phone.
    Trust {
        /// Fail unless it is this one (64 hexadecimal digits).
        #[arg(long, value_name = "ROOT")]
        expect: Option<String>,
    },
}

/// Which units.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Units {
    /// This branch: its name or the beginning of its id (may be repeated).
    #[arg(long, value_name = "BRANCH")]
    pub branch: Vec<String>,
    /// All branches below this unit.
    #[arg(long)]
    pub all: bool,
    /// This unit itself.
    #[arg(long)]
    pub own: bool,
}

/// Level of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// A committee of a commune or an agency.
    Committee,
    /// A district.
    District,
    /// A province.
    Province,
}
