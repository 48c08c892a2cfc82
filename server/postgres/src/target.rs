//! Where the database is, as the operator writes it: `postgres://user:password@host:port/database?…`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::line::CONNECT_TIMEOUT;

/// Hosts of one target, of which the first that takes writes is used.
pub const HOSTS_MAX: usize = 8;
/// Bytes of the whole address.
pub const TARGET_BYTES_MAX: usize = 2048;

/// Where PostgreSQL listens unless told otherwise.
const PORT: u16 = 5432;

/// A database and how to reach it. Neither `Debug` nor `Display` shows user or password.
#[derive(Clone)]
pub struct Target {
    pub(crate) config: tokio_postgres::Config,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
}

/// Why an address cannot be used. Its writer can mend it; the words hold nothing of it but file names.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Over `TARGET_BYTES_MAX`.
    #[error("longer than {TARGET_BYTES_MAX} bytes")]
    TooLong,
    /// Not of the form.
    #[error(
        "postgres://USER:PASSWORD@HOST:PORT/DATABASE is expected; a socket's directory as ?host=/run/postgresql"
    )]
    Form,
    /// No host or more than `HOSTS_MAX`.
    #[error("between 1 and {HOSTS_MAX} hosts are expected")]
    Hosts,
    /// No database.
    #[error("the name of the database is missing after the host")]
    Database,
    /// Another machine, and nothing said about encryption.
    #[error(
        "the database is on another machine: add ?sslmode=verify-full&sslrootcert=FILE, or ?sslmode=disable on a network \
         that you trust"
    )]
    SslMissing,
    /// `prefer`, `require` and the like, which an attacker in between can turn off or answer with any certificate.
    #[error(
        "sslmode is \"verify-full\" or \"disable\"; the other modes do not prove whom the relay talks to"
    )]
    SslMode,
    /// `verify-full` without the certificates to verify by.
    #[error("sslmode=verify-full needs sslrootcert=FILE, the certificates of who signed the server's (PEM)")]
    RootMissing,
    /// The file with certificates.
    #[error("sslrootcert {0} cannot be read as certificates (PEM)")]
    Root(PathBuf),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text.len() > TARGET_BYTES_MAX {
            return Err(TargetError::TooLong);
        }
        if !Self::is_meant(text) {
            return Err(TargetError::Form);
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut root, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value)),
                _ => rest.push(pair),
            }
        }
        // The parser's own words may quote the address.
        let parsed = format!("{place}?{}", rest.join("&")).parse::<tokio_postgres::Config>();
        let mut config = parsed.map_err(|_| TargetError::Form)?;
        if !(1..=HOSTS_MAX).contains(&config.get_hosts().len()) {
            return Err(TargetError::Hosts);
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(TargetError::Database);
        }
        let near = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost"
                    || name
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            }
        };
        let tls = match mode.as_deref() {
            Some("disable") => None,
            None if config.get_hosts().iter().all(near) => None,
            None => return Err(TargetError::SslMissing),
            Some("verify-full") => Some(Arc::new(tls(&root.ok_or(TargetError::RootMissing)?)?)),
            Some(_) => return Err(TargetError::SslMode),
        };
        config
            .ssl_mode(if tls.is_some() {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_TIMEOUT)
            .application_name("sotay-relay");
        Ok(Self { config, tls })
    }
}

impl Target {
    /// Whether a text is meant as one of these.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    /// Whether the way to the database is encrypted and its server proven.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether it holds a password, so that its file should be read by few.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Host, its port if it is not the usual one, and database, for the operator's eyes: neither user nor password.
    #[must_use]
    pub fn place(&self) -> String {
        // One for all hosts, or one for each.
        let ports = self.config.get_ports();
        let port = |at: usize| ports.get(at).or(ports.first()).filter(|port| **port != PORT);
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .enumerate()
            .map(|(at, host)| match (host, port(at)) {
                (Host::Tcp(name), None) => name.clone(),
                (Host::Tcp(name), Some(port)) => format!("{name}:{port}"),
                (Host::Unix(path), _) => path.display().to_string(),
            })
            .collect();
        let database = self.config.get_dbname().unwrap_or_default();
        format!("{}/{database}", hosts.join(","))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config: _, tls } = self;
        write!(f, "Target(encrypted: {})", tls.is_some())
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.is_encrypted() == other.is_encrypted()
    }
}

fn tls(root: &PathBuf) -> Result<rustls::ClientConfig, TargetError> {
    let unreadable = || TargetError::Root(root.clone());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(root).map_err(|_| unreadable())? {
        roots
            .add(certificate.map_err(|_| unreadable())?)
            .map_err(|_| unreadable())?;
    }
    if roots.is_empty() {
        return Err(unreadable());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| unreadable())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        text.parse::<Target>().unwrap_err().to_string()
    }

    #[test]
    fn an_address_is_read_and_neither_shown_nor_debugged_with_its_password() {
        let target: Target = "postgres://relay:secret@127.0.0.1:5433/sotay".parse().unwrap();
        assert_eq!(target.place(), "127.0.0.1:5433/sotay");
        assert_eq!(target.config.get_ports(), [5433]);
        assert!(!target.is_encrypted());
        assert!(!format!("{target:?} {}", target.place()).contains("secret"));
        let target: Target = "postgresql:///sotay?host=/run/postgresql&user=relay"
            .parse()
            .unwrap();
        assert_eq!(target.place(), "/run/postgresql/sotay");
        for (address, place) in [
            ("postgres://sotay@localhost:15432/sotay", "localhost:15432/sotay"),
            ("postgres://sotay@localhost:5432/sotay", "localhost/sotay"),
            (
                "postgres://sotay@localhost:6000,127.0.0.1:5432/sotay",
                "localhost:6000,127.0.0.1/sotay",
            ),
        ] {
            assert_eq!(address.parse::<Target>().unwrap().place(), place);
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_address() {
        for text in [
            "postgres://relay:secret@[::1/sotay",
            "postgres://relay:secret@host:port/sotay",
            "postgres://relay:secret@localhost/sotay?colour=red",
            "mysql://relay:secret@localhost/sotay",
        ] {
            let words = wrong(text);
            assert!(words.starts_with("postgres://USER"), "{words}");
            assert!(!words.contains("secret"));
        }
        assert!(wrong("postgres://relay@localhost").contains("name of the database"));
        assert!(wrong("postgres:///sotay").contains("hosts"));
        let hosts = ["localhost"; HOSTS_MAX + 1].join(",");
        assert!(wrong(&format!("postgres://{hosts}/sotay")).contains("hosts"));
        assert!(
            wrong(&("postgres://localhost/".to_owned() + &"s".repeat(TARGET_BYTES_MAX))).contains("longer")
        );
    }

    #[test]
    fn another_machine_needs_a_word_about_encryption_and_half_measures_are_refused() {
        assert!(wrong("postgres://db.example/sotay").contains("sslmode=verify-full"));
        for mode in ["prefer", "require", "allow", "verify-ca"] {
            assert!(wrong(&format!("postgres://db.example/sotay?sslmode={mode}")).contains("do not prove"));
        }
        assert!(wrong("postgres://db.example/sotay?sslmode=verify-full").contains("sslrootcert"));
        let words = wrong("postgres://db.example/sotay?sslmode=verify-full&sslrootcert=/nowhere/ca.pem");
        assert!(words.contains("/nowhere/ca.pem"), "{words}");
        assert!(
            "postgres://db.example/sotay?sslmode=disable"
                .parse::<Target>()
                .is_ok()
        );
    }
}
