//! The line for phones as a QR code: in block letters for a terminal, as a path for the page.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around a code; scanners need them.
const QUIET: i32 = 2;

/// A code with its border.
pub(crate) struct Qr(QrCode);

impl Qr {
    /// `None` when the text is too long for one, which no line for phones is.
    pub fn of(text: &str) -> Option<Self> {
        QrCode::encode_text(text, QrCodeEcc::Low).ok().map(Self)
    }

    /// Modules along an edge.
    pub fn width(&self) -> i32 {
        self.0.size() + 2 * QUIET
    }

    fn is_dark(&self, x: i32, y: i32) -> bool {
        self.0.get_module(x - QUIET, y - QUIET)
    }

    /// Two rows in one line. Letters paint light on a terminal's dark ground, so the light modules are painted.
    pub fn letters(&self) -> String {
        let mut text = String::new();
        for y in (0..self.width()).step_by(2) {
            text.extend(
                (0..self.width()).map(|x| match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                    (false, false) => '\u{2588}',
                    (false, true) => '\u{2580}',
                    (true, false) => '\u{2584}',
                    (true, true) => ' ',
                }),
            );
            text.push('\n');
        }
        text
    }

    /// The dark modules, for SVG: a rectangle for each run of a row.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for y in 0..self.width() {
            let mut x = 0;
            while x < self.width() {
                let run = (x..self.width()).take_while(|at| self.is_dark(*at, y)).count();
                if run > 0 {
                    // Writing into memory cannot fail.
                    let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
                }
                x += 1 + run as i32;
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "relay.example.vn:7843#4bmgfg6463ps5bop3whkfek45jnfxztfpoj7abjtsr7tp5bz67nq";

    #[test]
    fn every_module_is_drawn_on_terminal_and_page_inside_a_white_border() {
        let (qr, code) = (
            Qr::of(LINE).unwrap(),
            QrCode::encode_text(LINE, QrCodeEcc::Low).unwrap(),
        );
        let lines: Vec<Vec<char>> = qr.letters().lines().map(|line| line.chars().collect()).collect();
        let mut painted = std::collections::BTreeSet::new();
        for run in qr.path().split_terminator('z') {
            let numbers: Vec<i32> = run
                .split(['M', ' ', 'h', 'v'])
                .filter_map(|n| n.parse().ok())
                .collect();
            let [x, y, wide, 1, back] = numbers[..] else {
                panic!("{run}")
            };
            assert_eq!(wide, -back);
            painted.extend((x..x + wide).map(|x| (x, y)));
        }
        for y in 0..qr.width() {
            for x in 0..qr.width() {
                let dark = code.get_module(x - QUIET, y - QUIET);
                let letter = lines[y as usize / 2][x as usize];
                let shown = if y % 2 == 0 {
                    [' ', '\u{2584}']
                } else {
                    [' ', '\u{2580}']
                };
                assert_eq!(shown.contains(&letter), dark, "{x} {y}");
                assert_eq!(painted.contains(&(x, y)), dark, "{x} {y}");
                let border = [x, y].iter().any(|at| *at < QUIET || *at >= qr.width() - QUIET);
                assert!(!border || !dark);
            }
        }
        assert!(qr.width() <= 80, "fits a terminal");
    }
}
