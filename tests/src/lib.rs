//! Tests across crates: the simulator, scenarios through real engines, real processes, and guards over the repository.
