//! Phones by label or id.

use sotay_engine::{DeviceLine, ProfileDevice};

use super::folded;
use crate::failure::{Code, Failure};

/// Letters an id must be given with to name a phone.
const ID_LETTERS_MIN: usize = 4;

/// One phone: by its whole label, which must be the only one, or by the beginning of its id.
pub(crate) fn phone(device: &ProfileDevice, text: &str) -> Result<DeviceLine, Failure> {
    let text = text.trim();
    let all = device.devices()?;
    let wanted = folded(text);
    let mut found: Vec<&DeviceLine> = all.iter().filter(|line| folded(&line.label) == wanted).collect();
    if found.is_empty() && text.len() >= ID_LETTERS_MIN {
        let id = text.to_ascii_lowercase();
        found = all
            .iter()
            .filter(|line| line.device.to_string().starts_with(&id))
            .collect();
    }
    match found.as_slice() {
        [] => Err(Failure::new(Code::UnknownPhone).with("text", text)),
        [one] => Ok((*one).clone()),
        several => {
            let list: Vec<String> = several
                .iter()
                .map(|line| format!("{} ({})", line.label, line.device))
                .collect();
            Err(Failure::new(Code::AmbiguousPhone)
                .with("text", text)
                .with("list", list.join(", ")))
        }
    }
}
