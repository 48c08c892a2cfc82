//! What documents are read by: little enough that an [`crate::Image`] answers it without Automerge.

use std::borrow::Cow;

use automerge::{ObjId, ObjType, ReadDoc, ScalarValue, Value};

/// What stands at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held<'a> {
    /// A byte string.
    Bytes(Cow<'a, [u8]>),
    /// An object; its id is that of the operation.
    Object,
    /// A value of a type that nobody here writes.
    Other,
}

impl<'a> From<Value<'a>> for Held<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Object(_) => Held::Object,
            Value::Scalar(Cow::Borrowed(ScalarValue::Bytes(bytes))) => Held::Bytes(Cow::Borrowed(bytes)),
            Value::Scalar(Cow::Owned(ScalarValue::Bytes(bytes))) => Held::Bytes(Cow::Owned(bytes)),
            Value::Scalar(_) => Held::Other,
        }
    }
}

/// A document as its readers see it: maps of byte strings and objects, and texts. What is of another type than a method
/// asks for is as if it were not there.
pub trait Reads {
    /// All concurrent values of a key, each with the operation that wrote it; the last one is the one to show.
    fn held(&self, map: &ObjId, key: &str) -> Vec<(Held<'_>, ObjId)>;

    /// The object at a key, if the value to show is one.
    fn object(&self, map: &ObjId, key: &str) -> Option<ObjId>;

    /// Keys of a map, sorted.
    fn keys_of(&self, map: &ObjId) -> Vec<String>;

    /// What a text object reads.
    fn text_of(&self, text: &ObjId) -> Option<String>;
}

impl<R: ReadDoc> Reads for R {
    fn held(&self, map: &ObjId, key: &str) -> Vec<(Held<'_>, ObjId)> {
        let all = self.get_all(map, key).unwrap_or_default();
        all.into_iter().map(|(value, op)| (value.into(), op)).collect()
    }

    fn object(&self, map: &ObjId, key: &str) -> Option<ObjId> {
        match self.get(map, key) {
            Ok(Some((Value::Object(_), id))) => Some(id),
            _ => None,
        }
    }

    fn keys_of(&self, map: &ObjId) -> Vec<String> {
        match self.object_type(map) {
            Ok(ObjType::Map) => self.keys(map).collect(),
            _ => Vec::new(),
        }
    }

    fn text_of(&self, text: &ObjId) -> Option<String> {
        match self.object_type(text) {
            Ok(ObjType::Text) => self.text(text).ok(),
            _ => None,
        }
    }
}
