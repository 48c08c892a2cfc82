//! Writes the pages of a sample meeting into a folder, to be looked at: `cargo run -p sotay-paper --example pages -- DIR`.
//! `render.sh` beside this file makes pictures of them with LibreOffice, Chromium and pdftoppm.

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::PathBuf;

use sotay_paper::Sort;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("which folder?")?.into();
    std::fs::create_dir_all(&folder)?;
    let said = "Đề nghị chi bộ xem lại việc thu gom rác ở xóm Đông, tháng qua có ba tuần xe không vào.";
    for (name, page) in [
        ("minutes", common::page(said, Sort::Minutes)),
        ("extract", common::page(said, Sort::Extract)),
        (
            "resolution",
            common::headed(Sort::Resolution, common::resolution()),
        ),
        ("report", common::headed(Sort::Report, common::report(2))),
    ] {
        std::fs::write(folder.join(name).with_extension("html"), page.html())?;
        std::fs::write(folder.join(name).with_extension("docx"), page.docx()?)?;
        std::fs::write(folder.join(name).with_extension("txt"), page.text())?;
    }
    Ok(())
}
