//! Plain text in whatever encoding it comes.

use super::legacy;
use super::{Encoding, Extracted, ImportError, Warning};

/// Whether the bytes begin with a UTF-16 byte order mark.
pub(super) fn has_utf16_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, ImportError> {
    let (text, encoding) = decode(bytes)?;
    let mut extracted = Extracted::default();
    let (text, converted) = unmangle(text);
    if let Some(from) =
        converted.or(Some(encoding).filter(|e| !matches!(e, Encoding::Utf8 | Encoding::Utf16)))
    {
        extracted.warnings.push(Warning::Converted { from, pieces: 1 });
    }
    extracted.lines = text.lines().map(str::to_owned).collect();
    Ok(extracted)
}

/// Decodes bytes by mark, by validity as UTF-8, or by which old table makes them Vietnamese.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, Encoding), ImportError> {
    if has_utf16_mark(bytes) {
        let (text, _, _) = encoding_rs::Encoding::for_bom(bytes)
            .map_or(encoding_rs::UTF_16LE, |(e, _)| e)
            .decode(bytes);
        return Ok((text.into_owned(), Encoding::Utf16));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((text.to_owned(), Encoding::Utf8)),
        Err(_) => legacy::decode_bytes(bytes).ok_or(ImportError::UnknownEncoding),
    }
}

/// Text of an old encoding that was once saved as if it were Latin-1.
pub(super) fn unmangle(text: String) -> (String, Option<Encoding>) {
    match legacy::detect(&text) {
        Some(encoding) => (legacy::convert(&text, encoding, false), Some(encoding)),
        None => (text, None),
    }
}
