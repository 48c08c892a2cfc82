//! Tests across crates: the simulator, scenarios through real engines, real processes, and guards over the repository.

pub mod branch;
pub mod covers;
pub mod disk;
pub mod hall;
pub mod levels;
pub mod pump;
pub mod shard;
pub mod sim;
pub mod tools;
pub mod whole;
pub mod year;
