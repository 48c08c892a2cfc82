//! The holder's own review list: documents withdrawn or replaced while they were being studied. What one reads is private,
//! so these items are on no list but the reader's.

use sotay_handbook::review::{DONE, ReviewItem, ReviewList, StudiedWithdrawn, studied_withdrawn};
use sotay_handbook::{CommandError, What};
use sotay_store::Store;
use sotay_study::library::{Hash, LinkKind};

use super::Device;
use super::library::{LibraryError, superseded_in};
use crate::error::DeviceError;

impl<S: Store> Device<S> {
    /// Documents that the holder has begun and not finished, and that another document took out of force.
    pub fn study_review(&self) -> Result<ReviewList, DeviceError> {
        let found = self.studied_withdrawn()?;
        Ok(ReviewList::of(
            found.iter().map(|(_, item)| item.clone()).collect(),
        ))
    }

    fn studied_withdrawn(&self) -> Result<Vec<(Hash, ReviewItem)>, DeviceError> {
        let shelf = self.shelf()?;
        let mut found = Vec::new();
        for (manifest, _) in &shelf {
            let id = manifest.id();
            let read = self.library.shown(&id, manifest.paragraphs);
            if read.finished || (read.furthest == 0 && read.seconds == 0) {
                continue;
            }
            let others = superseded_in(&shelf, &id);
            if let Some(other) = others.iter().find(|other| other.by != LinkKind::Amends) {
                let item = studied_withdrawn(&StudiedWithdrawn {
                    document: id.to_string(),
                    code: manifest.code.clone(),
                    by: other.code.clone(),
                    date: format!(
                        "{:02}/{:02}/{}",
                        other.date.day, other.date.month, other.date.year
                    ),
                    replaces: other.by == LinkKind::Replaces,
                });
                found.push((id, item));
            }
        }
        Ok(found)
    }

    /// Settles an item of [`Device::study_review`]: the holder is done with the document.
    pub fn settle_study(&mut self, item: &str, pick: &str) -> Result<(), LibraryError> {
        let unknown = |what| LibraryError::from(DeviceError::from(CommandError::Unknown(what)));
        let found = self.studied_withdrawn()?;
        let found = found.into_iter().find(|(_, known)| known.id == item);
        let (id, _) = found.ok_or_else(|| unknown(What::ReviewItem))?;
        if pick != DONE {
            return Err(unknown(What::Choice));
        }
        self.finish_reading(id).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use sotay_handbook::Lang;
    use sotay_handbook::review::ReviewKind;
    use sotay_study::library::{Date, Details, Document, Link, import};

    use super::super::tests::branch;
    use super::*;

    fn law(code: &str, day: u8, links: Vec<Link>) -> Document {
        let details = Details {
            kind: "Luật".to_owned(),
            code: code.to_owned(),
            issuer: "Quốc hội".to_owned(),
            date: Date::new(2025, 5, day).unwrap(),
            title: "Luật mẫu".to_owned(),
            alias: None,
            links,
            blobs: Vec::new(),
        };
        let text = "Điều 1. Phạm vi\nĐoạn một.\nĐoạn hai.\n";
        import(text.as_bytes(), "luat.txt", details).unwrap().document
    }

    #[test]
    fn a_document_withdrawn_while_it_is_studied_is_on_the_readers_own_list_until_it_is_done_with() {
        let mut device = branch(1);
        let id = device
            .publish_documents(&[law("10/2025/QH15", 1, vec![])])
            .unwrap()[0];
        let gone = |kind| Link {
            kind,
            code: "10/2025/QH15".to_owned(),
            issuer: None,
            date: None,
        };
        let amends = law("11/2025/QH15", 2, vec![gone(LinkKind::Amends)]);
        let withdraws = law("12/2025/QH15", 3, vec![gone(LinkKind::Withdraws)]);
        device.publish_documents(&[amends]).unwrap();
        device.read_on(id, 1, 30).unwrap();
        assert!(
            device.study_review().unwrap().open().is_empty(),
            "amended stays in force"
        );
        device.publish_documents(&[withdraws]).unwrap();

        let list = device.study_review().unwrap();
        let item = &list.open()[0];
        assert_eq!((item.kind, list.blocks()), (ReviewKind::StudiedWithdrawn, false));
        assert_eq!(
            item.text(Lang::Vi, device.names()),
            "Văn bản đang học “10/2025/QH15” đã bị bãi bỏ bởi “12/2025/QH15” ngày 03/05/2025"
        );
        assert!(device.settle_study(&item.id, "other").is_err());
        assert!(device.settle_study("studied/00", DONE).is_err());
        device.settle_study(&item.id, &item.options[0].pick).unwrap();
        assert!(device.study_review().unwrap().open().is_empty());
    }

    #[test]
    fn a_document_that_nobody_began_is_on_no_list() {
        let mut device = branch(1);
        let link = Link {
            kind: LinkKind::Replaces,
            code: "10/2025/QH15".to_owned(),
            issuer: None,
            date: None,
        };
        let both = [law("10/2025/QH15", 1, vec![]), law("12/2025/QH15", 3, vec![link])];
        device.publish_documents(&both).unwrap();
        assert!(device.study_review().unwrap().open().is_empty());
    }
}
