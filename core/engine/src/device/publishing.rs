//! Publishing from files, for who has the feature `publishing`: an officer's desktop. A phone says that it cannot.

use std::io;
#[cfg(feature = "publishing")]
use std::io::Read;
use std::path::Path;

use sotay_store::Store;
use sotay_study::library::{Details, Hash, ImportError, Report};
use sotay_study::quiz::Question;

use super::Device;
use super::library::LibraryError;

/// Why a file was not published. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum PublishFileError {
    /// This build has no importers.
    #[error("this build does not read files to publish")]
    LeftOut,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable(io::ErrorKind),
    /// It is refused, or not understood.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// It cannot be published.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

/// A file that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// Id of the document.
    pub id: Hash,
    /// What was understood of it.
    pub report: Report,
}

#[cfg(feature = "publishing")]
impl<S: Store> Device<S> {
    /// Reads a file and publishes it to everybody in the unit. Officers only.
    pub fn publish_file(&mut self, file: &Path, details: Details) -> Result<PublishedFile, PublishFileError> {
        use sotay_study::library::{MAX_FILE_BYTES, import};
        let mut bytes = Vec::new();
        // One byte over the limit is read as well, so that the import says that the file is too large.
        let read = std::fs::File::open(file)
            .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
        read.map_err(|error| PublishFileError::Unreadable(error.kind()))?;
        let imported = import(&bytes, &file.to_string_lossy(), details)?;
        let ids = self.publish_documents(std::slice::from_ref(&imported.document))?;
        Ok(PublishedFile {
            id: ids.first().copied().unwrap_or_else(|| imported.document.id()),
            report: imported.report,
        })
    }

    /// Questions drafted from a document, for a person to read against their passages; at most `limit`.
    pub fn draft_quiz(
        &self,
        document: Hash,
        seed: u64,
        limit: usize,
    ) -> Result<Vec<Question>, PublishFileError> {
        let drafts = sotay_study::quiz::drafts(&self.document(document)?, seed, limit);
        Ok(drafts.into_iter().map(|draft| draft.accept(|_| ())).collect())
    }
}

#[cfg(not(feature = "publishing"))]
impl<S: Store> Device<S> {
    /// Left out of this build.
    pub fn publish_file(&mut self, _: &Path, _: Details) -> Result<PublishedFile, PublishFileError> {
        Err(PublishFileError::LeftOut)
    }

    /// Left out of this build.
    pub fn draft_quiz(&self, _: Hash, _: u64, _: usize) -> Result<Vec<Question>, PublishFileError> {
        Err(PublishFileError::LeftOut)
    }
}
