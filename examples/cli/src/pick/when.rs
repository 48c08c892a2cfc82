//! Days, months, times and points as people type them.

use sotay_engine::handbook::{Date, LocalTime, Month};

use super::is_none_word;
use crate::failure::{Code, Failure};

/// A day: `2026-05-20`, or the Vietnamese way `20/5/2026`.
pub(crate) fn date(text: &str) -> Result<Date, Failure> {
    let text = text.trim();
    let vietnamese = || {
        let mut parts = text.split('/').map(|part| part.parse::<u32>().ok());
        let (day, month, year) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() {
            None
        } else {
            Date::new(i32::try_from(year).ok()?, month, day)
        }
    };
    text.parse()
        .ok()
        .or_else(vietnamese)
        .ok_or_else(|| Failure::new(Code::BadDate).with("text", text))
}

/// A day, or the word for none.
pub(crate) fn date_or_none(text: &str) -> Result<Option<Date>, Failure> {
    if is_none_word(text) {
        Ok(None)
    } else {
        date(text).map(Some)
    }
}

/// A month: `2026-05`, or `5/2026`.
pub(crate) fn month(text: &str) -> Result<Month, Failure> {
    let text = text.trim();
    let vietnamese = || {
        let (month, year) = text.split_once('/')?;
        Some(Date::new(year.parse().ok()?, month.parse().ok()?, 1)?.month())
    };
    text.parse()
        .ok()
        .or_else(vietnamese)
        .ok_or_else(|| Failure::new(Code::BadMonth).with("text", text))
}

/// A time: `19:30` or `19h30` on `day`, or with its own day `2026-05-05T19:30`.
pub(crate) fn time(text: &str, day: Option<Date>) -> Result<LocalTime, Failure> {
    let text = text.trim();
    if let Ok(time) = text.replacen(' ', "T", 1).parse() {
        return Ok(time);
    }
    let bad = || Failure::new(Code::BadTime).with("text", text);
    let (hour, minute) = text.split_once([':', 'h']).ok_or_else(bad)?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| bad());
    let (hour, minute) = (number(hour)?, if minute.is_empty() { 0 } else { number(minute)? });
    let day = day.ok_or_else(|| Failure::new(Code::NeedDay))?;
    LocalTime::new(day, hour, minute).ok_or_else(bad)
}

/// A time, or the word for none.
pub(crate) fn time_or_none(text: &str, day: Option<Date>) -> Result<Option<LocalTime>, Failure> {
    if is_none_word(text) {
        Ok(None)
    } else {
        time(text, day).map(Some)
    }
}

/// Points as hundredths: `17`, `17,5` or `17.25`; or the word for none.
pub(crate) fn points(text: &str) -> Result<Option<u32>, Failure> {
    if is_none_word(text) {
        return Ok(None);
    }
    let read = || {
        let (whole, part) = text.trim().split_once([',', '.']).unwrap_or((text.trim(), "0"));
        let hundredths: u32 = match part.len() {
            1 => part.parse::<u32>().ok()? * 10,
            2 => part.parse().ok()?,
            _ => return None,
        };
        whole
            .parse::<u32>()
            .ok()?
            .checked_mul(100)?
            .checked_add(hundredths)
    };
    read()
        .map(Some)
        .ok_or_else(|| Failure::new(Code::BadPoints).with("text", text))
}

/// Đồng: `24000` or `24.000`; or the word for none.
pub(crate) fn dong_or_none(text: &str) -> Result<Option<u32>, Failure> {
    if is_none_word(text) {
        return Ok(None);
    }
    let digits = text.trim().replace('.', "");
    digits
        .parse()
        .map(Some)
        .map_err(|_| Failure::new(Code::BadAmount).with("text", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_both_orders_and_impossible_ones_are_refused() {
        assert_eq!(date("2026-05-20").unwrap(), date("20/5/2026").unwrap());
        assert_eq!(date(" 20/05/2026 ").unwrap().to_string(), "2026-05-20");
        for text in [
            "",
            "20/5",
            "31/02/2026",
            "2026-5-20",
            "20/5/2026/1",
            "mai",
            "5/20/2026",
        ] {
            assert_eq!(date(text).unwrap_err().name(), "bad_date", "{text}");
        }
        assert_eq!(date_or_none("Không").unwrap(), None);
        assert_eq!(date_or_none("none").unwrap(), None);
    }

    #[test]
    fn months_are_read_in_both_orders() {
        assert_eq!(month("2026-05").unwrap(), month("5/2026").unwrap());
        for text in ["2026", "13/2026", "2026-13", ""] {
            assert_eq!(month(text).unwrap_err().name(), "bad_month", "{text}");
        }
    }

    #[test]
    fn times_stand_on_the_day_of_the_meeting_or_on_their_own() {
        let day = Some(date("2026-05-05").unwrap());
        for text in ["19:30", "19h30", "2026-05-05T19:30", "2026-05-05 19:30"] {
            assert_eq!(time(text, day).unwrap().to_string(), "2026-05-05T19:30", "{text}");
        }
        assert_eq!(time("19h", day).unwrap().to_string(), "2026-05-05T19:00");
        assert_eq!(time("19:30", None).unwrap_err().name(), "need_day");
        for text in ["24:00", "19", "19:61", "tối", ""] {
            assert_eq!(time(text, day).unwrap_err().name(), "bad_time", "{text}");
        }
    }

    #[test]
    fn amounts_are_whole_dong_with_or_without_points() {
        assert_eq!(dong_or_none("24.000").unwrap(), Some(24_000));
        assert_eq!(dong_or_none("24000").unwrap(), Some(24_000));
        assert_eq!(dong_or_none("không").unwrap(), None);
        for text in ["24k", "-1", "", "9999999999"] {
            assert_eq!(dong_or_none(text).unwrap_err().name(), "bad_amount", "{text}");
        }
    }

    #[test]
    fn points_are_hundredths_with_either_decimal_mark() {
        assert_eq!(points("17").unwrap(), Some(1700));
        assert_eq!(points("17,5").unwrap(), Some(1750));
        assert_eq!(points("17.25").unwrap(), Some(1725));
        assert_eq!(points("none").unwrap(), None);
        for text in ["17,555", "-1", "mười", "", "42949673", "1,"] {
            assert_eq!(points(text).unwrap_err().name(), "bad_points", "{text}");
        }
    }
}
