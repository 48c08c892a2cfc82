//! Profiles in a temporary folder, and ways to run the binary on them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with several phones in it.
pub struct Hall {
    dir: tempfile::TempDir,
}

/// One profile.
pub struct Phone {
    pub folder: PathBuf,
    dir: PathBuf,
}

impl Hall {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn phone(&self, name: &str) -> Phone {
        Phone {
            folder: self.dir.path().join(name),
            dir: self.dir.path().to_owned(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        name.to_owned()
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// A branch of five: An secretary, Bình deputy, Cường on the committee, Dung probationary, Em; all from 2026 on.
    pub fn branch(&self) -> Phone {
        let phone = self.phone("P1");
        phone.ok(&[
            "unit",
            "create",
            "Chi bộ thôn An Lạc",
            "--upper",
            "Đảng bộ xã Đông Phong",
            "--founder",
            "Lê Văn An",
            "--since",
            "2026-01-01",
        ]);
        let table = "họ tên\tchức vụ\tloại\nTrần Thị Bình\tphó bí thư\t\nĐỗ Văn Cường\tchi ủy viên\tchính thức\n\
                     Phạm Thị Dung\t\tdự bị\nLê Văn Em\t\t\n";
        self.write("members.tsv", table);
        phone.ok(&["members", "import", "members.tsv", "--from", "01/01/2026"]);
        phone
    }

    /// The same with the meeting of May opened and everybody but Em there.
    pub fn meeting(&self) -> Phone {
        let phone = self.branch();
        phone.ok(&["meeting", "new", "--month", "2026-05", "--date", "2026-05-05"]);
        phone.ok(&[
            "meeting",
            "set",
            "--place",
            "Nhà văn hóa",
            "--start",
            "19:30",
            "--chair",
            "1",
            "--clerk",
            "Cường",
        ]);
        phone.ok(&["meeting", "open"]);
        phone.ok(&["meeting", "attend", "1-4"]);
        phone.ok(&[
            "meeting",
            "attend",
            "Lê Văn Em",
            "--state",
            "excused",
            "--reason",
            "ốm",
        ]);
        phone
    }

    /// Admits a phone by files.
    pub fn admit(&self, officer: &Phone, label: &str, member: &str, rank: &str) -> Phone {
        let phone = self.phone(label);
        let (request, invitation) = (format!("{label}.request"), format!("{label}.invitation"));
        phone.ok(&["join", "--label", label, "--out", &request]);
        officer.ok(&[
            "invite",
            &request,
            "--member",
            member,
            "--rank",
            rank,
            "--out",
            &invitation,
        ]);
        phone.ok(&["join", "--invitation", &invitation]);
        phone
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Done {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Phone {
    /// The binary on this profile, in the folder of all phones.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = binary(&self.dir);
        command.arg("--profile").arg(&self.folder).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Done {
        done(self.command(args).output().unwrap())
    }

    /// Runs it with this text on standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Done {
        let mut command = self.command(args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses its arguments may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        done(child.wait_with_output().unwrap())
    }

    /// Standard output of a command that succeeds.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.exit, 0, "{args:?}: {done:?}");
        done.out
    }

    /// The object of a command that succeeds.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(&[&["--json"], args].concat());
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out.lines().count(), 1, "{out}");
        value
    }

    /// A command that fails so, as a person and as a program see it; gives the error object back.
    #[track_caller]
    pub fn fails(&self, args: &[&str], exit: i32, code: &str) -> Value {
        let person = self.run(args);
        assert_eq!(
            (person.exit, person.out.as_str()),
            (exit, ""),
            "{args:?}: {person:?}"
        );
        let program = self.run(&[&["--json"], args].concat());
        assert_eq!(
            (program.exit, program.err.as_str()),
            (exit, ""),
            "{args:?}: {program:?}"
        );
        let value: Value = serde_json::from_str(&program.out).unwrap();
        let error = &value["error"];
        assert_eq!(error["code"], code, "{args:?}: {value}");
        let (message, next) = (
            error["message"].as_str().unwrap(),
            error["next"].as_str().unwrap(),
        );
        for text in [message, next] {
            assert!(
                !text.is_empty() && !text.contains('{') && !text.contains("next."),
                "{text}"
            );
        }
        if exit != 2 {
            assert!(
                person.err.contains(message) && person.err.contains(next),
                "{args:?}: {person:?}"
            );
        }
        error.clone()
    }
}

/// The binary, without what the machine's environment may say about it.
pub fn binary(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotay"));
    command
        .current_dir(dir)
        .env_remove("SOTAY_PROFILE")
        .env_remove("SOTAY_LANG")
        .stdin(Stdio::null());
    command
}

pub fn done(output: Output) -> Done {
    Done {
        exit: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Names of an object's fields.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
