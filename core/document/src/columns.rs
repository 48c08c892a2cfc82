//! The columns of a change, read one value at a time, and whether they are written as Automerge writes them.
//!
//! Automerge keeps operations, not bytes, and writes a column in one way only: runs as long as they can be, values that do
//! not repeat as one literal run, an optional column of nothing but nulls left out. Other ways to write the same values are
//! read here too, and noticed.

use crate::leb::{Cursor, Malformed};

/// A run-length column. Every reader gives `None` when the column is malformed or ends too early, and `Some(None)` for a
/// null; a column that is left out holds nothing but nulls.
pub(crate) struct Runs<'a> {
    cursor: Cursor<'a>,
    left_out: bool,
    run: Run<'a>,
    /// What stood last before what is read next.
    before: Before<'a>,
    /// All that was read is written as Automerge writes it.
    plain: bool,
    nulls: bool,
    values: bool,
}

#[derive(Clone, Copy)]
enum Run<'a> {
    /// The same value, to be read from here, so many times more.
    Repeated(u64, Cursor<'a>),
    Literal(u64),
    Nulls(u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before<'a> {
    Nothing,
    Nulls,
    /// A value by its bytes; each has one form.
    Repeated(&'a [u8]),
    Literal(&'a [u8]),
}

impl<'a> Before<'a> {
    fn is(&self, value: &[u8]) -> bool {
        matches!(self, Self::Repeated(before) | Self::Literal(before) if *before == value)
    }
}

impl<'a> Runs<'a> {
    pub(crate) fn of(column: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(column),
            left_out: column.is_empty(),
            run: Run::Nulls(0),
            before: Before::Nothing,
            plain: true,
            nulls: false,
            values: false,
        }
    }

    pub(crate) fn is_left_out(&self) -> bool {
        self.left_out
    }

    /// After the last value: whether Automerge writes an optional column of these values with these bytes.
    pub(crate) fn is_plain(&self) -> bool {
        self.left_out || (self.is_read() && self.plain && self.values)
    }

    /// The same for a column that is never left out and holds no nulls.
    pub(crate) fn is_plain_and_full(&self) -> bool {
        self.is_read() && self.plain && self.values && !self.nulls
    }

    fn is_read(&self) -> bool {
        let run = matches!(self.run, Run::Repeated(0, _) | Run::Literal(0) | Run::Nulls(0));
        run && self.cursor.is_empty()
    }

    fn next<T>(&mut self, read: impl Fn(&mut Cursor<'a>) -> Result<T, Malformed>) -> Option<Option<T>> {
        if self.left_out {
            return Some(None);
        }
        loop {
            match self.run {
                Run::Repeated(0, _) | Run::Literal(0) | Run::Nulls(0) => {}
                Run::Repeated(more, mut value) => {
                    self.run = Run::Repeated(more - 1, value);
                    return read(&mut value).ok().map(Some);
                }
                Run::Literal(more) => {
                    self.run = Run::Literal(more - 1);
                    let from = self.cursor;
                    let value = read(&mut self.cursor).ok()?;
                    let bytes = from.up_to(&self.cursor);
                    self.plain &= !self.before.is(bytes);
                    self.before = Before::Literal(bytes);
                    return Some(Some(value));
                }
                Run::Nulls(more) => {
                    self.run = Run::Nulls(more - 1);
                    return Some(None);
                }
            }
            self.run = self.begin(&read)?;
        }
    }

    fn begin<T>(&mut self, read: impl Fn(&mut Cursor<'a>) -> Result<T, Malformed>) -> Option<Run<'a>> {
        let head = self.cursor.i64().ok()?;
        Some(match head {
            0 => {
                let count = self.cursor.u64().ok()?;
                self.plain &= count > 0 && self.before != Before::Nulls;
                (self.before, self.nulls) = (Before::Nulls, true);
                Run::Nulls(count)
            }
            count @ 1.. => {
                let value = self.cursor;
                read(&mut self.cursor).ok()?;
                let bytes = value.up_to(&self.cursor);
                self.plain &= count > 1 && !self.before.is(bytes);
                (self.before, self.values) = (Before::Repeated(bytes), true);
                Run::Repeated(count.unsigned_abs(), value)
            }
            count => {
                self.plain &= !matches!(self.before, Before::Literal(_));
                self.values = true;
                Run::Literal(count.unsigned_abs())
            }
        })
    }

    pub(crate) fn number(&mut self) -> Option<Option<u64>> {
        self.next(Cursor::u64)
    }

    pub(crate) fn signed(&mut self) -> Option<Option<i64>> {
        self.next(Cursor::i64)
    }

    pub(crate) fn text(&mut self) -> Option<Option<&'a str>> {
        self.next(|cursor| {
            let len = cursor.len()?;
            std::str::from_utf8(cursor.take(len)?).map_err(|_| Malformed)
        })
    }
}

/// A column of truth values: lengths of runs, the first one false.
pub(crate) struct Truths<'a> {
    cursor: Cursor<'a>,
    value: bool,
    more: u64,
    begun: bool,
    plain: bool,
}

impl<'a> Truths<'a> {
    pub(crate) fn of(column: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(column),
            value: true,
            more: 0,
            begun: false,
            plain: true,
        }
    }

    /// After the last value: whether Automerge writes these values with these bytes.
    pub(crate) fn is_plain(&self) -> bool {
        self.begun && self.plain && self.more == 0 && self.cursor.is_empty()
    }

    pub(crate) fn next(&mut self) -> Option<bool> {
        while self.more == 0 {
            self.more = self.cursor.u64().ok()?;
            self.value = !self.value;
            // Only the first run, of false, may be empty.
            self.plain &= self.more > 0 || !self.begun;
            self.begun = true;
        }
        self.more -= 1;
        Some(self.value)
    }
}
