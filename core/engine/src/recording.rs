//! Recordings of broadcasts: described when they are announced, and taken in from a file that came some other way. They
//! travel by no relay; a file is kept only if every byte of it is the published one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sotay_study::library::{Blob, BlobError};

/// Media types of recordings by the ending of their name.
const MEDIA_TYPES: [(&str, &str); 5] = [
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("ogg", "audio/ogg"),
];

/// Why a recording was not described or not taken in. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// No broadcast here has this recording.
    #[error("no broadcast has this recording")]
    Unknown,
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is another file than the one that was published.
    #[error("this is not the file that was published")]
    Other,
    /// The copy cannot be written.
    #[error("the copy cannot be written: {0}")]
    Unwritable(std::io::Error),
}

/// A file as a broadcast announces it: its name, size and hash. Reads all of it.
pub fn describe_recording(path: &Path) -> Result<Blob, RecordingError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let media = MEDIA_TYPES.iter().find(|(known, _)| ending == *known);
    let media = media.map_or("application/octet-stream", |(_, media)| media);
    File::open(path)
        .and_then(|file| Blob::describe(file, &name, media))
        .map_err(RecordingError::Unreadable)
}

/// Copies the file of a recording from where it came to where the app keeps it, if it is the published one. A copy of before
/// is replaced only by a whole one; where the power fails there is the old one, or the new one.
pub fn take_in_recording(blob: &Blob, from: &Path, to: &Path) -> Result<(), RecordingError> {
    let file = File::open(from).map_err(RecordingError::Unreadable)?;
    let mut beside = to.as_os_str().to_owned();
    beside.push(".part");
    let part = Part(PathBuf::from(beside));
    let mut copy = File::create(&part.0).map_err(RecordingError::Unwritable)?;
    match blob.receive(&file, &mut copy) {
        Ok(()) => {}
        Err(BlobError::Size { .. } | BlobError::Other) => return Err(RecordingError::Other),
        Err(BlobError::Io(error)) => return Err(RecordingError::Unwritable(error)),
    }
    copy.flush()
        .and_then(|()| copy.sync_all())
        .and_then(|()| fs::rename(&part.0, to))
        .map_err(RecordingError::Unwritable)
}

/// Half a copy; goes when the whole one did not come about.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // There is none any more when it became the copy.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn a_recording_is_described_by_its_name_and_taken_in_whole() {
        let (folder, path) = folder_with("thoi-su.MP4", b"hinh anh");
        let blob = describe_recording(&path).unwrap();
        assert_eq!(
            (blob.name.as_str(), blob.size, blob.media_type.as_str()),
            ("thoi-su.MP4", 8, "video/mp4")
        );
        let kept = folder.path().join("kept.mp4");
        take_in_recording(&blob, &path, &kept).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"hinh anh");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "nothing else is left"
        );
    }

    #[test]
    fn another_file_is_refused_and_the_copy_of_before_stays() {
        let (folder, path) = folder_with("a.bin", b"published");
        let blob = describe_recording(&path).unwrap();
        assert_eq!(blob.media_type, "application/octet-stream");
        let kept = folder.path().join("kept");
        take_in_recording(&blob, &path, &kept).unwrap();
        for other in [&b"publishes"[..], b"publishe", b"published!"] {
            fs::write(&path, other).unwrap();
            assert!(matches!(
                take_in_recording(&blob, &path, &kept),
                Err(RecordingError::Other)
            ));
            assert_eq!(fs::read(&kept).unwrap(), b"published");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_is_not_there_and_a_place_that_is_not_are_told_apart() {
        let (folder, path) = folder_with("a.mp3", b"tieng");
        let blob = describe_recording(&path).unwrap();
        let nowhere = folder.path().join("no/such/folder");
        assert!(matches!(
            take_in_recording(&blob, &nowhere, &path),
            Err(RecordingError::Unreadable(_))
        ));
        assert!(matches!(
            take_in_recording(&blob, &path, &nowhere),
            Err(RecordingError::Unwritable(_))
        ));
        assert!(matches!(
            describe_recording(&nowhere),
            Err(RecordingError::Unreadable(_))
        ));
    }
}
