//! The real binary, run as a person or a program runs it, in folders of its own.

mod authority;
mod enrol;
mod errors;
mod json;
mod levels;
mod lists;
mod meeting;
mod no_unit;
mod offline;
mod person;
mod phones;
mod pin;
mod print;
mod province;
mod relay;
mod snapshot;
mod support;
mod year;
