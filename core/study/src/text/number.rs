//! Numbers written in words: `hai mươi` is 20, `chín mươi phần trăm` is 90%.
//!
//! Only reading is needed here, so that "90%" and "chín mươi phần trăm" find each other.

/// A run of number words at the start of a list of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRun {
    /// How many words the run takes.
    pub words: usize,
    /// The canonical spelling, as [`super::Token::value`] has it.
    pub value: String,
}

/// What one number word does.
enum Part {
    Digit(u64),
    Ten,
    Tens,
    Hundred,
    Scale(u64),
    Filler,
}

fn part(word: &str) -> Option<Part> {
    Some(match word {
        "không" => Part::Digit(0),
        "một" | "mốt" => Part::Digit(1),
        "hai" => Part::Digit(2),
        "ba" => Part::Digit(3),
        "bốn" | "tư" => Part::Digit(4),
        "năm" | "lăm" => Part::Digit(5),
        "sáu" => Part::Digit(6),
        "bảy" | "bẩy" => Part::Digit(7),
        "tám" => Part::Digit(8),
        "chín" => Part::Digit(9),
        "mười" => Part::Ten,
        "mươi" => Part::Tens,
        "trăm" => Part::Hundred,
        "nghìn" | "ngàn" => Part::Scale(1_000),
        "triệu" => Part::Scale(1_000_000),
        "tỷ" | "tỉ" => Part::Scale(1_000_000_000),
        "linh" | "lẻ" => Part::Filler,
        _ => return None,
    })
}

/// Reads the number that starts at the first of `words` (lower-case NFC), if there is one.
///
/// A single word counts only where it is hardly ever anything else: `năm` is a year, `tư` is private, `không` is no.
pub fn number_run(words: &[&str]) -> Option<NumberRun> {
    let mut total = 0u64;
    let mut group = 0u64;
    let mut digit: Option<u64> = None;
    let mut used = 0;
    for word in words.iter().take(MAX_WORDS) {
        let Some(part) = part(word) else { break };
        match part {
            Part::Digit(d) => {
                // Two digits side by side are two numbers ("ba bốn người"), except after mươi, linh, trăm.
                if digit.is_some() {
                    break;
                }
                digit = Some(d);
            }
            Part::Ten if digit.is_none() => group += 10,
            Part::Tens if digit.is_some_and(|d| d > 1) => group += digit.take().unwrap_or(0) * 10,
            Part::Hundred if digit.is_some() => group += digit.take().unwrap_or(0) * 100,
            Part::Scale(scale) if group > 0 || digit.is_some() => {
                total += (group + digit.take().unwrap_or(0)).checked_mul(scale)?;
                group = 0;
            }
            Part::Filler if group > 0 || total > 0 => {}
            _ => break,
        }
        used += 1;
    }
    if used == 0 || (used == 1 && matches!(words[0], "không" | "tư" | "năm" | "lăm" | "mốt")) {
        return None;
    }
    let value = total + group + digit.unwrap_or(0);
    if words[used..].starts_with(&["phần", "trăm"]) {
        return Some(NumberRun {
            words: used + 2,
            value: format!("{value}%"),
        });
    }
    Some(NumberRun {
        words: used,
        value: value.to_string(),
    })
}

/// The months that have words of their own, or whose number is too common a word to be read alone: only after `tháng`.
pub fn month_word(word: &str) -> Option<&'static str> {
    match word {
        "giêng" => Some("1"),
        "tư" => Some("4"),
        "năm" => Some("5"),
        "chạp" => Some("12"),
        _ => None,
    }
}

/// Longest run of number words looked at: "chín trăm chín mươi chín triệu …" needs no more.
const MAX_WORDS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(usize, String)> {
        let words: Vec<&str> = text.split(' ').collect();
        number_run(&words).map(|r| (r.words, r.value))
    }

    #[test]
    fn numbers_in_words_are_read() {
        for (text, words, value) in [
            ("chín mươi phần trăm trở lên", 4, "90%"),
            ("hai mươi câu", 2, "20"),
            ("bảy điểm", 1, "7"),
            ("mười lăm ngày", 2, "15"),
            ("hai mươi mốt", 3, "21"),
            ("một trăm linh năm", 4, "105"),
            ("một nghìn hai trăm đồng", 4, "1200"),
            ("ba triệu rưỡi", 2, "3000000"),
        ] {
            assert_eq!(read(text), Some((words, value.to_owned())), "{text}");
        }
    }

    #[test]
    fn words_that_are_seldom_numbers_are_not_read_alone() {
        for text in [
            "năm 2024",
            "không quá",
            "tư tưởng",
            "nghìn",
            "phần trăm",
            "chi bộ",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_any_row_of_number_words_does_not_panic(
            picks in proptest::collection::vec(0usize..10, 0..30)
        ) {
            let all = ["không", "một", "chín", "mười", "mươi", "trăm", "nghìn", "triệu", "tỷ", "linh"];
            let words: Vec<&str> = picks.iter().map(|i| all[*i]).collect();
            if let Some(run) = number_run(&words) {
                proptest::prop_assert!(run.words <= words.len());
            }
        }
    }
}
