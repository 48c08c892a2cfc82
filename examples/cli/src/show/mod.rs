//! How things look in a terminal.

mod changes;
mod meeting;
mod qr;
mod quizzes;
mod review;
mod study;
mod sync;

use sotay_engine::MeetingHeading;

use crate::voice::Voice;

pub(crate) use changes::changes;
pub(crate) use meeting::{meeting, names_json};
pub(crate) use qr::qr;
pub(crate) use quizzes::{
    broadcast_json, broadcasts, judged, question, quizzes, results, size, standing_name, study, told,
};
pub(crate) use review::review;
pub(crate) use study::{
    contents, document_heading, documents, hit, kept_questions, paragraphs, paragraphs_json, progress,
    progress_json, quote, report_of_import, report_of_import_json, section_heading, superseded_json,
};
pub(crate) use sync::{
    forks, forks_json, proofs_json, report, report_json, space_json, space_label, space_name, spaces,
    spaces_json,
};

/// Rows with their cells under one another; two spaces between columns, none at the end of a line.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter()
            .filter_map(|row| row.get(at))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a meeting is called in lists: `Sinh hoạt thường kỳ 05/2026`.
pub(crate) fn heading(voice: Voice, heading: &MeetingHeading) -> String {
    let kind = heading
        .kind
        .map_or_else(|| voice.say("meeting.kind_unknown", &[]), |kind| voice.word(kind));
    match (heading.month, heading.date) {
        (Some(month), _) => format!("{kind} {:02}/{}", month.number(), month.year()),
        (None, Some(date)) => format!("{kind} {}", date.long()),
        (None, None) => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_one_another_and_lines_end_in_no_space() {
        let rows = [["1", "Lê Văn An", "x"], ["20", "Đỗ", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), "1   Lê Văn An  x\n20  Đỗ");
    }
}
