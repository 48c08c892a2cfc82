//! Reading what people hand over, with limits, and writing files whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::failure::{Code, Failure};

/// Bytes of a text typed or piped in: a speech, a conclusion.
pub(crate) const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a table of members.
pub(crate) const TABLE_BYTES_MAX: usize = 1024 * 1024;

/// What stands for standard input.
pub(crate) const STDIN: &str = "-";

/// Reads text from a file, or from standard input for `-`.
pub(crate) fn read(name: &str, limit: usize) -> Result<String, Failure> {
    text(read_bytes(name, limit)?, name, limit)
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read_bytes(name: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    if name == STDIN {
        return bytes_of(io::stdin().lock(), name, limit);
    }
    let file = File::open(name).map_err(|error| unreadable(name, &error))?;
    bytes_of(file, name, limit)
}

/// Takes a text as it was typed, or from standard input when it is `-`.
pub(crate) fn typed(text: &str) -> Result<String, Failure> {
    if text != STDIN {
        return Ok(text.to_owned());
    }
    let text = read(STDIN, TEXT_BYTES_MAX)?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Takes a text that begins with `prefix` as it is; anything else names a file, or is `-`.
pub(crate) fn text_or_file(argument: &str, prefix: &str, limit: usize) -> Result<String, Failure> {
    text_or_file_of(argument, &[prefix], limit)
}

/// The same with several beginnings.
pub(crate) fn text_or_file_of(argument: &str, prefixes: &[&str], limit: usize) -> Result<String, Failure> {
    let text = argument.trim_start();
    if prefixes.iter().any(|prefix| text.starts_with(prefix)) {
        Ok(argument.to_owned())
    } else {
        read(argument, limit)
    }
}

fn bytes_of(source: impl Read, name: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(name, &error))?;
    within(bytes.len(), name, limit)?;
    Ok(bytes)
}

fn within(len: usize, name: &str, limit: usize) -> Result<(), Failure> {
    if len > limit {
        return Err(Failure::new(Code::FileTooLarge)
            .with("file", name)
            .with("limit", limit));
    }
    Ok(())
}

/// The text that these bytes of a file are.
pub(crate) fn text(bytes: Vec<u8>, name: &str, limit: usize) -> Result<String, Failure> {
    within(bytes.len(), name, limit)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::new(Code::NotUtf8).with("file", name))?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(Code::FileUnreadable)
        .with("file", name)
        .with("reason", error)
}

/// Writes a file whole or not at all: beside it first, flushed to disk, then put in its place.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    write_with(path, |file| {
        file.write_all(content.as_ref())
            .map_err(|error| cannot_write(path, &error))
    })
}

/// The same; `fill` writes the content, and when it fails there is no file.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let failed = |error| cannot_write(path, &error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    fill(&mut file)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder).map_err(failed)
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::CannotWrite)
        .with("file", path.display())
        // The kind only: the message names the file that was to take this one's place.
        .with("reason", error.kind())
}

/// The new name is durable once its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_at_the_limit_is_read_and_one_byte_more_is_refused() {
        assert!(bytes_of(&b"12345"[..], "f", 5).is_ok());
        assert_eq!(
            bytes_of(&b"123456"[..], "f", 5).unwrap_err().name(),
            "file_too_large"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_and_a_byte_order_mark_is_dropped() {
        assert_eq!(
            text(b"\xff\xfeL\0".to_vec(), "f", 9).unwrap_err().name(),
            "not_utf8"
        );
        assert_eq!(text("\u{feff}họ tên".into(), "f", 99).unwrap(), "họ tên");
    }

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("minutes.txt");
        write(&path, "một").unwrap();
        write(&path, "hai").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hai");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(
            write(&folder.path().join("no/such"), "ba").unwrap_err().name(),
            "cannot_write"
        );
    }
}
