//! A throwaway PostgreSQL server for tests and measurements: in a directory of its own, on a Unix socket of its own, as
//! an ordinary user, ended with whoever started it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// Only a defect takes so long.
const DEFECT: Duration = Duration::from_secs(120);
/// The superuser inside; there is no password, and the socket's directory keeps others out.
const USER: &str = "sotay";
/// Reads its input to the end, which comes when whoever started it is gone, however; then stops the server.
const KEEPER: &str = r#""$@" & server=$!
{ read -r end; kill -QUIT $server; } 0<&3 & reader=$!
wait $server
kill $reader"#;

/// A running server.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    dir: PathBuf,
    keeper: Option<Child>,
    settings: Vec<String>,
    databases: u32,
    /// Bytes of [`Server::small_disk`], if it has one.
    disk: Option<u64>,
}

/// The programs of the newest PostgreSQL on this machine.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).filter(|bin| bin.join("initdb").exists());
    found
        .into_iter()
        .rev()
        .map(|(_, bin)| bin)
        .chain(elsewhere)
        .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
}

/// A server for a test; where PostgreSQL is not on the machine it is said that the test was not run, and with `CI=true`
/// that is a failure.
///
/// # Panics
/// When the server is there and does not start.
#[must_use]
pub fn for_test(what: &str) -> Option<Server> {
    if programs().is_none() {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "PostgreSQL is missing, and .ci/run was to install it"
        );
        eprintln!("not run: {what}: PostgreSQL is not on this machine");
        return None;
    }
    Some(Server::start(&[]).expect("PostgreSQL starts"))
}

/// A server for a test, with a small disk of its own beside its directory: a file system in memory in a mount namespace that
/// only it sees. `None`, and it is said that the test was not run, where this user may not mount.
///
/// # Panics
/// As [`for_test`]; and with `CI=true` when this user may not mount.
#[must_use]
pub fn for_test_on_a_small_disk(what: &str, bytes: u64) -> Option<Server> {
    let may = Command::new("unshare").args(["--mount", "true"]).status();
    if programs().is_some() && !(geteuid().is_root() && may.is_ok_and(|status| status.success())) {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "a disk that is really full needs root"
        );
        eprintln!("not run: {what}: this user may not mount");
        return None;
    }
    let mut server = for_test(what)?;
    server.stop().expect("PostgreSQL stops");
    fs::create_dir(server.small_disk()).expect("its directory can be written");
    server.disk = Some(bytes);
    server.resume().expect("PostgreSQL starts");
    Some(server)
}

impl Server {
    /// Makes a cluster and starts it; `settings` are lines of `postgresql.conf`. It listens on its socket, unless they say
    /// otherwise.
    pub fn start(settings: &[&str]) -> io::Result<Self> {
        let bin = programs().ok_or_else(|| io::Error::other("PostgreSQL is not on this machine"))?;
        let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let dir = std::env::temp_dir().join(format!("sotay-pg-{number:016x}"));
        fs::create_dir(&dir)?;
        let mut server = Self {
            bin,
            dir,
            keeper: None,
            settings: settings.iter().map(|&line| line.to_owned()).collect(),
            databases: 0,
            disk: None,
        };
        fs::set_permissions(&server.dir, fs::Permissions::from_mode(0o700))?;
        server.owned(&server.dir)?;
        let mut initdb = server.program("initdb");
        initdb.args([
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "-U",
            USER,
            "-D",
        ]);
        let made = initdb
            .arg(server.data())
            .stdout(Stdio::null())
            .stdin(Stdio::null())
            .status()?;
        if !made.success() {
            return Err(io::Error::other("initdb failed"));
        }
        server.resume()?;
        Ok(server)
    }

    /// Starts it on what it has, after [`Server::stop`] or [`Server::kill`].
    pub fn resume(&mut self) -> io::Result<()> {
        let lines = [
            "listen_addresses = ''".to_owned(),
            format!("unix_socket_directories = '{}'", self.dir.display()),
            "shared_buffers = 64MB".to_owned(),
            "max_connections = 60".to_owned(),
        ];
        let conf: String = lines
            .iter()
            .chain(&self.settings)
            .map(|line| line.clone() + "\n")
            .collect();
        let path = self.put("throwaway.conf", conf.as_bytes())?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))?;
        let mut sh = match self.disk {
            None => self.program("/bin/sh"),
            Some(bytes) => self.shell_with_disk(bytes),
        };
        sh.args(["-c", &format!("exec 3<&0 </dev/null; {KEEPER}"), "keeper"])
            .arg(self.bin.join("postgres"))
            .arg("-D")
            .arg(self.data())
            .arg("-c")
            .arg(format!("config_file={}", path.display()))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.keeper = Some(sh.spawn()?);
        let start = Instant::now();
        loop {
            let mut ready = self.program("pg_isready");
            ready.args(["-q", "-h"]).arg(&self.dir);
            if ready.status()?.success() {
                return Ok(());
            }
            let ended = self
                .keeper
                .as_mut()
                .is_none_or(|keeper| !matches!(keeper.try_wait(), Ok(None)));
            if ended || start.elapsed() > DEFECT {
                let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("PostgreSQL does not start: {log}")));
            }
            // Until it answers.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A shell as the server's user which sees a disk of so many bytes.
    fn shell_with_disk(&self, bytes: u64) -> Command {
        let (user, group) = ordinary().unwrap_or_default();
        let mut command = Command::new("unshare");
        let become_it = format!("exec setpriv --reuid={user} --regid={group} --clear-groups /bin/sh");
        command
            .args(["--mount", "--propagation", "private", "/bin/sh", "-c"])
            .arg(format!(
                "mount -t tmpfs -o \"$0\" none \"$1\" && shift && {become_it} \"$@\""
            ))
            .arg(format!("size={bytes},uid={user},gid={group},mode=700"))
            .arg(self.small_disk())
            .current_dir("/")
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin");
        command
    }

    /// Where the server sees its small disk. Nobody else sees it there.
    #[must_use]
    pub fn small_disk(&self) -> PathBuf {
        self.dir.join("small")
    }

    /// Somebody else's file of so many bytes takes room on the small disk; 0 takes it away again.
    pub fn fill_small_disk(&self, bytes: u64) -> io::Result<()> {
        let mut shell = Command::new("nsenter");
        shell.arg(format!("--target={}", self.pid()?.as_raw_nonzero()));
        shell.args([
            "--mount",
            "/bin/sh",
            "-c",
            "head -c \"$0\" /dev/zero > \"$1/ballast\"",
        ]);
        let written = shell.arg(bytes.to_string()).arg(self.small_disk()).status()?;
        if written.success() {
            Ok(())
        } else {
            Err(io::Error::other("the small disk cannot be written"))
        }
    }

    /// Starts it anew with further lines of `postgresql.conf`.
    pub fn configure(&mut self, settings: &[&str]) -> io::Result<()> {
        self.stop()?;
        self.settings.extend(settings.iter().map(|&line| line.to_owned()));
        self.resume()
    }

    /// Puts a file where the server may read it and nobody else, and says where that is.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.dir.join(name);
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        self.owned(&path)?;
        Ok(path)
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The directory of the cluster, its socket and its log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The address of a database of that name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let place = self.dir.display();
        format!("postgres:///{database}?host={place}&user={USER}")
    }

    /// Makes an empty database and gives its address.
    pub fn database(&mut self) -> io::Result<String> {
        self.databases += 1;
        let name = format!("sotay{}", self.databases);
        self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(&name))
    }

    /// Runs statements in a database and gives what they print, one row a line.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<String> {
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", USER, "-h"])
            .arg(&self.dir)
            .args(["-d", database, "-f", "-"]);
        let mut child = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(statements.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ))
        }
    }

    /// A program of this PostgreSQL, as the user it runs as.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        if let Some((user, group)) = ordinary() {
            command.uid(user).gid(group);
        }
        command
            .current_dir("/")
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin");
        let port = self
            .settings
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix("port = "));
        command.envs(port.map(|port| ("PGPORT", port)));
        command
    }

    fn owned(&self, path: &Path) -> io::Result<()> {
        match ordinary() {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    fn pid(&self) -> io::Result<Pid> {
        let text = fs::read_to_string(self.data().join("postmaster.pid"))?;
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        pid.and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("no process"))
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// Ends it as its operator would: connections are cut, everything is written.
    pub fn stop(&mut self) -> io::Result<()> {
        self.signal(Signal::INT)?;
        self.gone()
    }

    /// `kill -9`: what was committed must be there when it is started again.
    pub fn kill(&mut self) -> io::Result<()> {
        self.signal(Signal::KILL)?;
        self.gone()
    }

    /// It answers nobody from now on, and does not say so.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// It goes on.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    fn gone(&mut self) -> io::Result<()> {
        if let Some(mut keeper) = self.keeper.take() {
            // Closed only afterwards: `wait` would close it first, and so cut a shutdown short.
            let input = keeper.stdin.take();
            keeper.wait()?;
            drop(input);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that is frozen takes no other signal.
        let _ = self.thaw();
        let _ = self.signal(Signal::QUIT);
        let _ = self.gone();
        // What stays is in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// User and group to run as: PostgreSQL refuses to run as root.
fn ordinary() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody"))
}
