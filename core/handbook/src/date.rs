//! Days, months and wall-clock times as people write them in minutes. They are facts that somebody recorded; nothing
//! here asks a clock.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is no such date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date or time of the form {form}")]
pub struct DateError {
    /// The form that was expected.
    pub form: &'static str,
}

macro_rules! text_form {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

/// A day; text form `2025-05-20`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(NaiveDate);

/// A month; text form `2025-05`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    month: u32,
}

/// A day and a time of day to the minute, where the unit is; text form `2025-05-05T19:30`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime(NaiveDateTime);

text_form!(Date);
text_form!(Month);
text_form!(LocalTime);

const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

impl Date {
    /// The day, if there is one.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        if !YEARS.contains(&year) {
            return None;
        }
        NaiveDate::from_ymd_opt(year, month, day).map(Self)
    }

    /// Its month.
    pub fn month(self) -> Month {
        Month {
            year: self.0.year(),
            month: self.0.month(),
        }
    }

    /// The day after; `None` at the end of the calendar.
    pub fn tomorrow(self) -> Option<Self> {
        let month = self.month();
        Self::new(month.year(), month.number(), self.day() + 1).or_else(|| {
            let next = month.next();
            (next > month).then(|| next.first())
        })
    }

    /// Days from `self` to `later`; negative when it is earlier.
    pub fn days_until(self, later: Date) -> i64 {
        (later.0 - self.0).num_days()
    }

    /// Day of the month.
    pub fn day(self) -> u32 {
        self.0.day()
    }

    /// `20/5`, as people say a deadline within the year.
    pub fn short(self) -> String {
        format!("{}/{}", self.0.day(), self.0.month())
    }

    /// `20/05/2025`, as a document prints it.
    pub fn long(self) -> String {
        self.0.format("%d/%m/%Y").to_string()
    }

    /// `ngày 20 tháng 5 năm 2025`; office rules write a zero before days under 10 and months under 3.
    pub fn in_words(self) -> String {
        let (day, month) = (self.0.day(), self.0.month());
        let month = if month < 3 {
            format!("{month:02}")
        } else {
            month.to_string()
        };
        format!("ngày {day:02} tháng {month} năm {}", self.0.year())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let error = DateError { form: "2025-05-20" };
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| error)?;
        let date = Date::new(day.year(), day.month(), day.day()).ok_or(error)?;
        if date.to_string() == text {
            Ok(date)
        } else {
            Err(error)
        }
    }
}

impl Month {
    /// The year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// 1 to 12.
    pub fn number(self) -> u32 {
        self.month
    }

    /// Its first day.
    pub fn first(self) -> Date {
        Date(NaiveDate::from_ymd_opt(self.year, self.month, 1).expect("a month has a first day"))
    }

    /// Its last day.
    pub fn last(self) -> Date {
        let days = (28..=31).rev();
        let last = days
            .into_iter()
            .find_map(|day| Date::new(self.year(), self.number(), day));
        last.unwrap_or_else(|| self.first())
    }

    /// The month after.
    pub fn next(self) -> Month {
        match self.month {
            12 => Month {
                year: self.year + 1,
                month: 1,
            },
            month => Month {
                year: self.year,
                month: month + 1,
            },
        }
    }

    /// The month before.
    pub fn previous(self) -> Month {
        match self.month {
            1 => Month {
                year: self.year - 1,
                month: 12,
            },
            month => Month {
                year: self.year,
                month: month - 1,
            },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let date: Result<Date, _> = format!("{text}-01").parse();
        date.map(Date::month).map_err(|_| DateError { form: "2025-05" })
    }
}

impl LocalTime {
    /// A time on a day, if there is one.
    pub fn new(date: Date, hour: u32, minute: u32) -> Option<Self> {
        date.0.and_hms_opt(hour, minute, 0).map(Self)
    }

    /// What the wall clock showed `offset_minutes` east of UTC, `ms` milliseconds after 1970; `None` outside the years
    /// 1900 to 9999.
    pub fn from_ms(ms: i64, offset_minutes: i32) -> Option<Self> {
        let utc = DateTime::from_timestamp_millis(ms)?.naive_utc();
        let local = utc.checked_add_signed(TimeDelta::minutes(i64::from(offset_minutes)))?;
        let date = Date::new(local.year(), local.month(), local.day())?;
        Self::new(date, local.hour(), local.minute())
    }

    /// Its day.
    pub fn date(self) -> Date {
        Date(self.0.date())
    }

    /// `19 giờ 30`.
    pub fn clock(self) -> String {
        format!("{:02} giờ {:02}", self.0.hour(), self.0.minute())
    }

    /// `19:30`.
    pub fn hours(self) -> String {
        format!("{:02}:{:02}", self.0.hour(), self.0.minute())
    }

    /// Minutes from `self` to `later`; negative when it is earlier.
    pub fn minutes_until(self, later: LocalTime) -> i64 {
        (later.0 - self.0).num_minutes()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%dT%H:%M"))
    }
}

impl FromStr for LocalTime {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let error = DateError {
            form: "2025-05-05T19:30",
        };
        let (date, time) = text.split_once('T').ok_or(error)?;
        let (hour, minute) = time.split_once(':').ok_or(error)?;
        let parse = |part: &str| part.parse::<u32>().map_err(|_| error);
        let time = Self::new(date.parse().map_err(|_| error)?, parse(hour)?, parse(minute)?).ok_or(error)?;
        if time.to_string() == text {
            Ok(time)
        } else {
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_back_and_print_the_vietnamese_way() {
        let date: Date = "2025-05-20".parse().unwrap();
        assert_eq!(
            (date.to_string(), date.short(), date.long()),
            ("2025-05-20".into(), "20/5".into(), "20/05/2025".into())
        );
        assert_eq!(date.in_words(), "ngày 20 tháng 5 năm 2025");
        assert_eq!(
            Date::new(2025, 2, 3).unwrap().in_words(),
            "ngày 03 tháng 02 năm 2025"
        );
    }

    #[test]
    fn the_day_after_the_last_of_a_month_is_the_first_of_the_next() {
        let after = |day: &str| day.parse::<Date>().unwrap().tomorrow().map(|day| day.to_string());
        let known = [
            ("2026-05-30", "2026-05-31"),
            ("2026-05-31", "2026-06-01"),
            ("2024-02-28", "2024-02-29"),
            ("2026-02-28", "2026-03-01"),
            ("2026-12-31", "2027-01-01"),
        ];
        for (day, next) in known {
            assert_eq!(after(day).as_deref(), Some(next));
        }
    }

    #[test]
    fn days_that_do_not_exist_and_other_spellings_are_refused() {
        for text in [
            "2025-02-29",
            "2025-5-20",
            "20/05/2025",
            "2025-05-20 ",
            "",
            "0001-01-01",
            "+2025-05-20",
            "10000-01-01",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        for text in ["2025-13", "2025-00", "2025-5", "2025"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        for text in [
            "2025-05-05",
            "2025-05-05T24:00",
            "2025-05-05T7:30",
            "2025-05-05T07:60",
            "2025-05-05T07:30:00",
        ] {
            assert!(text.parse::<LocalTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_shown_as_the_clock_on_the_wall() {
        let time = LocalTime::from_ms(1_746_448_200_000, 420).unwrap();
        assert_eq!(time.to_string(), "2025-05-05T19:30");
        assert_eq!((time.clock(), time.hours()), ("19 giờ 30".into(), "19:30".into()));
        assert_eq!(time.minutes_until("2025-05-05T21:05".parse().unwrap()), 95);
        assert_eq!(LocalTime::from_ms(i64::MAX, 420), None);
        assert_eq!(LocalTime::from_ms(i64::MIN, 420), None);
    }

    #[test]
    fn the_month_before_january_is_december() {
        let january: Month = "2025-01".parse().unwrap();
        assert_eq!(january.previous().to_string(), "2024-12");
        assert_eq!(january.previous().next(), january);
        assert_eq!(january.next().to_string(), "2025-02");
        assert_eq!(january.first().to_string(), "2025-01-01");
    }
}
