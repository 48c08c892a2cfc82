//! What can wait until nobody waits for this phone: the proof of what came, and images of what is open (decision 0190).

use sotay_feed::DocId;
use sotay_store::Store;

use super::Device;
use super::books::{Book, BookKey};
use crate::error::DeviceError;
use crate::event::Event;

impl<S: Store> Device<S> {
    /// A document to write to: what came is proved.
    pub(super) fn proved(&mut self, key: BookKey) -> Result<&mut Book, DeviceError> {
        self.book(key)?;
        self.prove(key.doc)?;
        self.book(key)
    }

    /// Proves what came for an open document, durably.
    fn prove(&mut self, doc: DocId) -> Result<(), DeviceError> {
        let Some(book) = self.books.get_mut(&doc) else {
            return Ok(());
        };
        let (puts, refused) = book.prove();
        if puts.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.write(puts) {
            self.books.remove(&doc);
            return Err(error.into());
        }
        for error in &refused {
            tracing::warn!(?doc, %error, "change taken out again");
            self.events.push_back(Event::ChangeRefused { doc, device: None });
        }
        if !refused.is_empty() {
            // Anything in this document may be otherwise now.
            self.events.push_back(Event::Missed);
        }
        Ok(())
    }

    /// What can wait until nobody waits for it: proves what came, and keeps images of what is open. What is left undone is
    /// done before the next edit, or at the next start.
    pub fn rest(&mut self) {
        let unproven = self.books.values().filter(|book| book.document.is_unproven());
        let unproven: Vec<DocId> = unproven.map(|book| book.key.doc).collect();
        for doc in unproven {
            if let Err(error) = self.prove(doc) {
                tracing::warn!(%error, "what came is not proved");
            }
        }
        self.keep_images();
    }

    /// Whether there is something to do at rest.
    pub(crate) fn has_rest(&self) -> bool {
        let waits = |book: &Book| book.document.is_unproven() || !book.imaged;
        self.books.values().any(waits)
    }
}
