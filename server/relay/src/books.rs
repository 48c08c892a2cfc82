//! What of a relay is the operator's: permissions, contacts, quotas, and what is dropped when.

use sotay_store::{Store, StoreError};

use crate::contacts::Contacts;
use crate::limits::Limits;
use crate::permissions::{Permissions, Served};
use crate::prune::{Pruner, Retention};
use crate::quota::Shared;

/// What the operator decides and wants to know.
pub(crate) struct Books {
    pub permissions: Permissions,
    pub contacts: Contacts,
    pub quotas: Shared,
    pub pruner: Pruner,
}

impl Books {
    /// Reads what the database keeps of them; `served` is what the configuration names.
    pub fn load(store: &impl Store, served: Option<Served>, limits: &Limits) -> Result<Self, StoreError> {
        Ok(Self {
            permissions: Permissions::load(store, served)?,
            contacts: Contacts::load(store)?,
            quotas: Shared::new(limits.clone()),
            pruner: Pruner::new(Retention::default()),
        })
    }
}
