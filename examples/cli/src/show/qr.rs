//! QR codes in block letters, two rows of the code in one line of the terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The code of a text; `None` when the text is too long for one. Letters paint light on the terminal's dark ground, so the light
/// modules are painted.
pub(crate) fn qr(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let drawn = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use qrcode::Color;

    use super::*;

    /// Modules of white around a code (ISO/IEC 18004); scanners need them.
    const QUIET: usize = 4;

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
        let code = QrCode::with_error_correction_level(&text, EcLevel::L).unwrap();
        let rows = seen(&qr(&text).unwrap());
        let wide = code.width() + 2 * QUIET;
        // Behind an odd number of rows half a line is left, below the border.
        assert!(rows.len() - wide < 2 && rows.iter().all(|row| row.len() == wide));
        for y in 0..wide {
            for x in 0..wide {
                let inside = |at| (QUIET..QUIET + code.width()).contains(&at);
                let dark = inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
                assert_eq!(rows[y][x], dark, "{x} {y}");
            }
        }
        assert!(wide <= 80, "{wide} columns do not fit a terminal");
    }

    #[test]
    fn a_text_that_fits_no_code_is_not_drawn() {
        assert!(qr(&"x".repeat(2953)).is_some());
        assert_eq!(qr(&"x".repeat(2954)), None);
    }
}
