//! Refuses documents that carry a mark of state secrecy: they must never enter a phone.

/// The degrees, as the law on the protection of state secrets names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Mật.
    Secret,
    /// Tối mật.
    HighlySecret,
    /// Tuyệt mật.
    TopSecret,
}

/// Lines from the top in which a mark may share its line with other words (a header table read as one line).
const HEAD_LINES: usize = 40;

/// Looks for a mark: a line that is nothing but the mark, a line that names the degree, or, in the head, the mark in
/// capitals beside other words. Talking about secrets (`bí mật nhà nước`, `BẢO MẬT`) is no mark.
pub fn secrecy_mark<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Secrecy> {
    lines.into_iter().enumerate().find_map(|(i, line)| {
        alone(line)
            .or_else(|| labelled(line))
            .or_else(|| if i < HEAD_LINES { beside(line) } else { None })
    })
}

fn degree(words: &str) -> Option<Secrecy> {
    match words {
        "mật" => Some(Secrecy::Secret),
        "tối mật" => Some(Secrecy::HighlySecret),
        "tuyệt mật" => Some(Secrecy::TopSecret),
        _ => None,
    }
}

fn words_of(line: &str) -> Vec<&str> {
    line.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect()
}

fn alone(line: &str) -> Option<Secrecy> {
    let words = words_of(line);
    let starts_large = words.first()?.starts_with(char::is_uppercase);
    if words.len() > 2 || !starts_large {
        // Stamps are sometimes set with spaces between the letters: "M Ậ T".
        let letters: String = words.concat();
        let spaced = words.iter().all(|w| w.chars().count() == 1) && words.len() <= 8;
        return match letters.as_str() {
            "MẬT" if spaced => Some(Secrecy::Secret),
            "TỐIMẬT" if spaced => Some(Secrecy::HighlySecret),
            "TUYỆTMẬT" if spaced => Some(Secrecy::TopSecret),
            _ => None,
        };
    }
    degree(&words.join(" ").to_lowercase())
}

fn labelled(line: &str) -> Option<Secrecy> {
    let lower = line.to_lowercase();
    let (label, value) = lower.split_once(':')?;
    let label = words_of(label).join(" ");
    let known = [
        "độ mật",
        "mức độ mật",
        "dấu chỉ độ mật",
        "dấu độ mật",
        "cấp độ mật",
        "dấu mật",
    ];
    if !known.iter().any(|k| label.ends_with(k)) {
        return None;
    }
    degree(&words_of(value).join(" "))
}

fn beside(line: &str) -> Option<Secrecy> {
    let words = words_of(line);
    words.iter().enumerate().find_map(|(i, word)| {
        if *word != "MẬT" {
            return None;
        }
        match i.checked_sub(1).map(|before| words[before]) {
            Some("TỐI") => Some(Secrecy::HighlySecret),
            Some("TUYỆT") => Some(Secrecy::TopSecret),
            // "BẢO MẬT", "BÍ MẬT", "CƠ MẬT", "ĐỘ MẬT" are words of a title in capitals.
            Some(before) if before.chars().all(char::is_uppercase) && before.chars().count() > 1 => {
                // Beside a code ("Số: 12-NQ/TW MẬT") or the state's motto the mark stands for itself.
                let after_code =
                    line.contains("Số") && !matches!(before, "BẢO" | "BÍ" | "CƠ" | "ĐỘ" | "VIÊN" | "HÒA");
                after_code.then_some(Secrecy::Secret)
            }
            _ if words.get(i + 1) == Some(&"MÃ") => None,
            _ => Some(Secrecy::Secret),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_seen_alone_labelled_spaced_and_beside_a_code() {
        for (line, mark) in [
            ("MẬT", Secrecy::Secret),
            ("(Mật)", Secrecy::Secret),
            ("TỐI MẬT", Secrecy::HighlySecret),
            ("* Tuyệt mật *", Secrecy::TopSecret),
            ("M Ậ T", Secrecy::Secret),
            ("Độ mật: Tối mật", Secrecy::HighlySecret),
            ("Số: 12-NQ/TW MẬT", Secrecy::Secret),
            ("ĐẢNG ỦY XÃ TUYỆT MẬT", Secrecy::TopSecret),
        ] {
            assert_eq!(secrecy_mark(["Dòng đầu", line]), Some(mark), "{line}");
        }
    }

    #[test]
    fn talking_about_secrets_is_no_mark() {
        for line in [
            "Luật Bảo vệ bí mật nhà nước",
            "BẢO VỆ BÍ MẬT NHÀ NƯỚC",
            "Tài liệu đóng dấu mật, tối mật, tuyệt mật phải nộp lại.",
            "Mật khẩu",
            "mật ong",
            "CHẾ ĐỘ BẢO MẬT",
            "Độ mật của tài liệu do người ký quyết định: xem Điều 5",
            "bỏ phiếu kín",
        ] {
            assert_eq!(secrecy_mark([line]), None, "{line}");
        }
    }
}
