//! What the crates above need of Automerge; none of them depends on it directly.

pub use automerge::hydrate;
pub use automerge::iter::{Keys, MapRange, Values};
pub use automerge::transaction::{Transactable, Transaction};
pub use automerge::{
    Automerge, AutomergeError, ChangeHash, ObjId, ObjType, Prop, ROOT, ReadDoc, ScalarValue, Value,
};
