//! A decompression bomb costs no memory. Alone in its process, so that the high-water mark is its own.

use std::io::Read;

use sotay_document::{Run, RunError};
use sotay_feed::cbor::Writer;

const MEBIBYTE: u64 = 1024 * 1024;

/// A well-formed head around `body`.
fn payload(body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .array(9)
        .uint(1)
        .bytes(&[1; 16])
        .uint(1)
        .uint(1)
        .bytes(&[2; 16])
        .uint(1)
        .array(1)
        .bytes(&[3; 32]);
    writer.uint(1).bytes(body);
    writer.into_bytes()
}

/// Highest resident memory of this process so far, in bytes.
#[cfg(target_os = "linux")]
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_inflates_to_64_mib_is_refused_within_two_mebibytes() {
    let zeros = || std::io::repeat(0).take(64 * MEBIBYTE);
    let mut narrow = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    narrow.window_log(17).unwrap();
    std::io::copy(&mut zeros(), &mut narrow).unwrap();
    let narrow = payload(&narrow.finish().unwrap());
    let mut wide = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    wide.window_log(26).unwrap();
    std::io::copy(&mut zeros(), &mut wide).unwrap();
    let wide = payload(&wide.finish().unwrap());
    assert!(narrow.len() < 16 * 1024 && wide.len() < 16 * 1024);

    let before = high_water();
    assert_eq!(Run::decode(&narrow), Err(RunError::TooLarge));
    assert_eq!(
        Run::decode(&wide),
        Err(RunError::Compression),
        "its window alone is beyond the limit"
    );
    let used = high_water() - before;
    assert!(used < 2 * MEBIBYTE, "{used} bytes");
}
