//! The line for phones as a QR code: in block letters for a terminal, as a path for the page.

use std::fmt::Write;

use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around a code (ISO/IEC 18004); scanners need them.
const QUIET: usize = 4;

/// A code with its border.
pub(crate) struct Qr(QrCode);

impl Qr {
    /// `None` when the text is too long for one, which no line for phones is.
    pub fn of(text: &str) -> Option<Self> {
        QrCode::with_error_correction_level(text, EcLevel::L)
            .ok()
            .map(Self)
    }

    /// Modules along an edge.
    pub fn width(&self) -> usize {
        self.0.width() + 2 * QUIET
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.0.width());
        let module = inside(x).zip(inside(y));
        module.is_some_and(|at| self.0[at] == Color::Dark)
    }

    /// Two rows in one line. Letters paint light on a terminal's dark ground, so the light modules are painted.
    pub fn letters(&self) -> String {
        let mut drawing = self.0.render::<Dense1x2>();
        drawing.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark);
        drawing.build() + "\n"
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
                x += 1 + run;
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
            QrCode::with_error_correction_level(LINE, EcLevel::L).unwrap(),
        );
        let lines: Vec<Vec<char>> = qr.letters().lines().map(|line| line.chars().collect()).collect();
        let mut painted = std::collections::BTreeSet::new();
        for run in qr.path().split_terminator('z') {
            let numbers: Vec<isize> = run
                .split(['M', ' ', 'h', 'v'])
                .filter_map(|n| n.parse().ok())
                .collect();
            let [x, y, wide, 1, back] = numbers[..] else {
                panic!("{run}")
            };
            assert_eq!(wide, -back);
            painted.extend((x..x + wide).map(|x| (x as usize, y as usize)));
        }
        for y in 0..qr.width() {
            for x in 0..qr.width() {
                let inside = |at: usize| (QUIET..QUIET + code.width()).contains(&at);
                let dark = inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
                let letter = lines[y / 2][x];
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
