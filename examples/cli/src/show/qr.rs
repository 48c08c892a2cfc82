//! QR codes from block letters, two rows of the code in one line of the terminal.

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around a code; scanners need them.
const QUIET: i32 = 2;

/// The code of a text, dark on light whatever the terminal's colours are; `None` when the text is too long for one.
pub(crate) fn qr(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let dark = |x: i32, y: i32| code.get_module(x, y);
    let mut lines = Vec::new();
    for y in (-QUIET..code.size() + QUIET).step_by(2) {
        let row = (-QUIET..code.size() + QUIET).map(|x| match (dark(x, y), dark(x, y + 1)) {
            // Letters paint light on the terminal's dark ground: a light module is a painted one.
            (false, false) => '\u{2588}',
            (false, true) => '\u{2580}',
            (true, false) => '\u{2584}',
            (true, true) => ' ',
        });
        lines.push(row.collect::<String>());
    }
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Modules as a camera sees them: `true` is dark.
    fn seen(drawn: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawn.lines() {
            let (mut upper, mut lower) = (Vec::new(), Vec::new());
            for c in line.chars() {
                upper.push(matches!(c, ' ' | '\u{2584}'));
                lower.push(matches!(c, ' ' | '\u{2580}'));
            }
            rows.extend([upper, lower]);
        }
        rows
    }

    #[test]
    fn every_module_of_the_code_is_drawn_inside_a_white_border() {
        let text = "sotay-join-1:".repeat(19);
        let code = QrCode::encode_text(&text, QrCodeEcc::Low).unwrap();
        let rows = seen(&qr(&text).unwrap());
        for y in 0..code.size() {
            for x in 0..code.size() {
                let at = ((y + QUIET) as usize, (x + QUIET) as usize);
                assert_eq!(rows[at.0][at.1], code.get_module(x, y), "{x} {y}");
            }
        }
        assert!(rows[0].iter().all(|dark| !dark) && rows.iter().all(|row| !row[0]));
        let wide = rows[0].len();
        assert!(wide <= 80, "{wide} columns do not fit a terminal");
    }

    #[test]
    fn a_text_that_fits_no_code_is_not_drawn() {
        assert!(qr(&"x".repeat(2953)).is_some());
        assert_eq!(qr(&"x".repeat(2954)), None);
    }
}
