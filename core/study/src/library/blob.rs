//! Files beside a document or a broadcast: described when they are published, checked when they arrive, whatever way they
//! came.

use std::io::{self, Read, Write};

use super::{Blob, Hash};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a file is not the one that was published. Nothing of it may be kept.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It has another size. One that is longer is not read to its end.
    #[error("the file does not have the published size of {wanted} bytes")]
    Size {
        /// Bytes published.
        wanted: u64,
    },
    /// It has other bytes.
    #[error("the file is another one than was published")]
    Other,
    /// It cannot be read, or its copy not be written.
    #[error("the file cannot be copied")]
    Io(#[from] io::Error),
}

impl Blob {
    /// Describes a file for publishing.
    pub fn describe(mut file: impl Read, name: &str, media_type: &str) -> io::Result<Self> {
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        each_chunk(&mut file, |chunk| {
            hasher.update(chunk);
            size += chunk.len() as u64;
            Ok(())
        })?;
        Ok(Self {
            hash: Hash(*hasher.finalize().as_bytes()),
            size,
            media_type: media_type.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Copies a file that claims to be this one. On any error the copy must be thrown away.
    pub fn receive(&self, file: impl Read, mut copy: impl Write) -> Result<(), BlobError> {
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        // One byte more shows a file that is too long.
        let mut file = file.take(self.size.saturating_add(1));
        each_chunk(&mut file, |chunk| {
            hasher.update(chunk);
            size += chunk.len() as u64;
            copy.write_all(chunk)
        })?;
        if size != self.size {
            return Err(BlobError::Size { wanted: self.size });
        }
        if hasher.finalize().as_bytes() != &self.hash.0 {
            return Err(BlobError::Other);
        }
        Ok(copy.flush()?)
    }
}

fn each_chunk(file: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => each(&chunk[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_file_is_known_again_by_size_and_hash() {
        for len in [
            0,
            1,
            CHUNK_BYTES - 1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            3 * CHUNK_BYTES,
        ] {
            let bytes = file(len);
            let blob = Blob::describe(&bytes[..], "a.mp3", "audio/mpeg").unwrap();
            assert_eq!(
                (blob.size, blob.hash.0),
                (len as u64, *blake3::hash(&bytes).as_bytes())
            );
            let mut copy = Vec::new();
            blob.receive(&bytes[..], &mut copy).unwrap();
            assert_eq!(copy, bytes);
        }
    }

    #[test]
    fn another_file_a_shorter_and_a_longer_one_are_refused() {
        let bytes = file(1000);
        let blob = Blob::describe(&bytes[..], "a", "b").unwrap();
        let mut other = bytes.clone();
        other[500] ^= 1;
        assert!(matches!(
            blob.receive(&other[..], io::sink()),
            Err(BlobError::Other)
        ));
        let size = |bytes: &[u8]| {
            matches!(
                blob.receive(bytes, io::sink()),
                Err(BlobError::Size { wanted: 1000 })
            )
        };
        assert!(size(&bytes[..999]));
        assert!(size(&[&bytes[..], &[0]].concat()));
        assert!(size(&[]));
    }

    #[test]
    fn a_copy_that_cannot_be_written_is_said() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let bytes = file(10);
        let blob = Blob::describe(&bytes[..], "a", "b").unwrap();
        assert!(matches!(blob.receive(&bytes[..], Full), Err(BlobError::Io(_))));
    }
}
