//! Compiles SQLite with page encryption from the source that `sqlite3mc-src` carries. The feature `in_gecko` of rusqlite
//! means what it means in Firefox: the bindings are used, and the library comes from elsewhere, here.

fn main() {
    #[cfg(feature = "cipher")]
    compile();
}

#[cfg(feature = "cipher")]
fn compile() {
    let folder = sqlite3mc_src::source_dir();
    let source = folder.join(sqlite3mc_src::SOURCE_FILE);
    println!("cargo:rerun-if-changed=build.rs");
    let mut build = cc::Build::new();
    build.file(&source).include(folder).warnings(false);
    for (name, value) in FLAGS {
        build.define(name, *value);
    }
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "android") {
        // SQLite finds no place for temporary files there.
        build.define("SQLITE_TEMP_STORE", "3");
    } else {
        build.define("SQLITE_TEMP_STORE", "2");
    }
    build.compile("sotay_sqlite3mc");
}

/// What this project uses of SQLite, and the one cipher of the files it writes.
#[cfg(feature = "cipher")]
const FLAGS: &[(&str, Option<&str>)] = &[
    ("SQLITE_CORE", None),
    ("SQLITE_THREADSAFE", Some("1")),
    ("SQLITE_ENABLE_API_ARMOR", None),
    ("SQLITE_ENABLE_FTS5", None),
    // For the account of pages that the example `measure` prints.
    ("SQLITE_ENABLE_DBSTAT_VTAB", None),
    ("SQLITE_DEFAULT_FOREIGN_KEYS", Some("1")),
    ("SQLITE_USE_URI", Some("0")),
    ("SQLITE_OMIT_DEPRECATED", None),
    ("SQLITE_OMIT_SHARED_CACHE", None),
    ("SQLITE_DQS", Some("0")),
    ("HAVE_USLEEP", Some("1")),
    ("HAVE_ISNAN", None),
    ("HAVE_LOCALTIME_R", None),
    ("_POSIX_THREAD_SAFE_FUNCTIONS", None),
    ("CODEC_TYPE", Some("CODEC_TYPE_SQLCIPHER")),
    ("HAVE_CIPHER_SQLCIPHER", Some("1")),
    ("HAVE_CIPHER_CHACHA20", Some("0")),
    ("HAVE_CIPHER_AES_128_CBC", Some("0")),
    ("HAVE_CIPHER_AES_256_CBC", Some("0")),
    ("HAVE_CIPHER_RC4", Some("0")),
    ("HAVE_CIPHER_ASCON128", Some("0")),
    ("HAVE_CIPHER_AEGIS", Some("0")),
];
