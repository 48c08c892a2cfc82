//! Two-session tests: phones and relays in memory, every flight under control.

mod access;
mod bundle;
mod covers;
mod covers_random;
mod erase;
mod exchange;
mod fan_out;
mod fault;
mod forks;
mod group;
mod heal;
mod hostile;
mod random;
mod refuse;
mod slots;
mod support;
mod village;
mod witness;
