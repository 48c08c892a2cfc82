//! The way to a database on another machine: encrypted, to a server that proves itself, or not at all.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use sotay_postgres::{Options, PostgresStore, server};
use sotay_store::conformance::{Author, commit, space};
use sotay_store::{Store, StoreError};
use tempfile::TempDir;

/// OpenSSL comes with Debian's PostgreSQL.
fn openssl(dir: &Path, line: &str) {
    let made = Command::new("openssl")
        .args(line.split(' '))
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// An authority, and a certificate of it for `localhost`.
fn certificates(dir: &Path) {
    openssl(
        dir,
        "req -x509 -newkey ed25519 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem",
    );
    openssl(
        dir,
        "req -newkey ed25519 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    fs::write(
        dir.join("names"),
        "subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n",
    )
    .unwrap();
    openssl(
        dir,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 30 -extfile names -out server.pem",
    );
}

fn open(url: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(url.parse().unwrap(), Options::default())
}

#[test]
fn only_a_server_that_proves_itself_is_used_and_everything_to_it_is_encrypted() {
    let Some(mut server) = server::for_test("TLS to the database") else {
        return;
    };
    server.database().unwrap();
    let (ours, others) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    certificates(ours.path());
    certificates(others.path());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = |host: &str, authority: &TempDir| {
        let root = authority.path().join("ca.pem");
        format!(
            "postgres://sotay@{host}:{port}/sotay1?sslmode=verify-full&sslrootcert={}",
            root.display()
        )
    };
    // Without TLS there is nothing to verify.
    server
        .configure(&["listen_addresses = '127.0.0.1'", &format!("port = {port}")])
        .unwrap();
    assert!(matches!(
        open(&url("localhost", &ours)),
        Err(StoreError::Unreachable)
    ));
    let put = |name: &str| {
        let bytes = fs::read(ours.path().join(name)).unwrap();
        server.put(name, &bytes).unwrap().display().to_string()
    };
    let lines = [
        "ssl = on".to_owned(),
        format!("ssl_cert_file = '{}'", put("server.pem")),
        format!("ssl_key_file = '{}'", put("server.key")),
    ];
    server.configure(&lines.each_ref().map(String::as_str)).unwrap();
    let mut store = open(&url("localhost", &ours)).unwrap();
    commit(&mut store, Author::new(1, space(1)).write_many(3));
    assert_eq!(store.head(&space(1)).unwrap().number, 3);
    let encrypted = "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'sotay-relay'";
    assert_eq!(server.sql("sotay1", encrypted).unwrap(), "t|2\n");
    // Signed by somebody else; the right one under another name.
    assert!(matches!(
        open(&url("localhost", &others)),
        Err(StoreError::Unreachable)
    ));
    assert!(matches!(
        open(&url("127.0.0.1", &ours)),
        Err(StoreError::Unreachable)
    ));
}
