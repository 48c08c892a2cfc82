//! What templates of minutes can place beside the fields of the text.

use serde::Serialize;
use sotay_handbook::meeting::MeetingView;
use sotay_handbook::minutes::{Heading, Model};
use sotay_handbook::{Names, Policy};

/// The fields of a page of minutes, or of an extract.
#[derive(Serialize)]
pub struct MinutesPage {
    #[serde(flatten)]
    minutes: Model,
    /// Name of the commune, as it stands before the date; empty when the heading does not tell.
    locality: String,
    /// SHA-256 of the whole canonical text in hexadecimal: ties the paper to the seal.
    sha256: String,
    sealed: bool,
}

/// The canonical text that a page is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Whether it is sealed: its seals know, not the meeting's document.
    pub sealed: bool,
}

impl MinutesPage {
    /// The fields of a meeting or of an extract of it; `whole` is the canonical text of the whole meeting.
    pub fn of(
        view: &MeetingView,
        whole: &Original,
        heading: &Heading,
        policy: &Policy,
        names: &dyn Names,
    ) -> Self {
        Self {
            minutes: Model::of(view, heading, policy, names),
            locality: locality(&heading.upper),
            sha256: whole.sha256.clone(),
            sealed: whole.sealed,
        }
    }
}

/// The fields of a resolution ([`sotay_handbook::resolution::ResolutionModel`]) or of a report
/// ([`sotay_handbook::report::ReportModel`]) with what their pages need beside them.
#[derive(Serialize)]
pub struct Headed<T> {
    #[serde(flatten)]
    model: T,
    /// Name of the commune, as it stands before the date; empty when the heading does not tell.
    locality: String,
}

impl<T: Serialize> Headed<T> {
    /// `upper` is the name of the upper body.
    pub fn new(model: T, upper: &str) -> Self {
        Self {
            locality: locality(upper),
            model,
        }
    }
}

/// Words before the name of a commune.
const COMMUNES: [&str; 4] = ["xã", "phường", "thị trấn", "đặc khu"];

/// The name of the commune in the name of the upper body: documents of a branch carry it before their date
/// (Hướng dẫn 36-HD/VPTW, on the place of issue).
///
/// ```
/// assert_eq!(sotay_paper::locality("ĐẢNG BỘ XÃ ĐÔNG PHONG"), "Đông Phong");
/// assert_eq!(sotay_paper::locality("Đảng ủy Sở Nội vụ"), "");
/// ```
pub fn locality(upper: &str) -> String {
    let low = upper.to_lowercase();
    let words: Vec<&str> = low.split_whitespace().collect();
    let after = COMMUNES.iter().find_map(|commune| {
        let commune: Vec<&str> = commune.split(' ').collect();
        let at = words
            .windows(commune.len())
            .position(|window| window == commune)?;
        Some(at + commune.len())
    });
    let original: Vec<&str> = upper.split_whitespace().collect();
    let name = original
        .get(after.unwrap_or(original.len())..)
        .unwrap_or_default();
    let capitals = upper == upper.to_uppercase();
    let name: Vec<String> = name
        .iter()
        .map(|word| {
            if capitals {
                capitalised(word)
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    name.join(" ")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first: String = letters
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commune_is_found_in_the_name_of_the_upper_body() {
        for (upper, commune) in [
            ("ĐẢNG ỦY XÃ TÂN AN", "Tân An"),
            ("Đảng bộ phường Trần Hưng Đạo", "Trần Hưng Đạo"),
            ("Đảng ủy thị trấn Ea T'ling", "Ea T'ling"),
            ("ĐẢNG ỦY PHƯỜNG 5", "5"),
            ("Đảng ủy xã", ""),
            ("", ""),
        ] {
            assert_eq!(locality(upper), commune, "{upper}");
        }
    }
}
