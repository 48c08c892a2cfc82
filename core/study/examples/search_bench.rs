//! Measures the search index: `cargo run --release -p sotay-study --example search_bench [folder of texts]`.
//!
//! Builds an index file of 5,000 sections and prints how long it took, how large it is, how long queries take, and how
//! much memory the process used. Texts are the `.txt` files of the folder (first line: `code | date | type | issuer |
//! title`) or, without a folder, sentences made of a fixed vocabulary; their articles are repeated under other codes
//! until there are enough. Repetition makes every word more common than in a real library of that size: harder, not easier.

use sotay_study::library::{Date, Details, Document, Paragraph, ParagraphKind, Section, SectionKind, import};
use sotay_study::search::{DEFAULT_RESULTS, Index};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

const SECTIONS: usize = 5_000;
const ROUNDS: usize = 20;

const QUERIES: [&str; 32] = [
    "chi bộ",
    "dan chu o co so",
    "hòa giải viên",
    "hoa giai vien",
    "người cao tuổi được giảm giá vé",
    "Điều 5",
    "điều 15 luật thực hiện dân chủ ở cơ sở",
    "59/2023/NĐ-CP",
    "nghị định 30 con dấu",
    "bao nhiêu phần trăm hộ gia đình tán thành hương ước",
    "nghij ddinhj cuar chinhs phur",
    "u3y ban nha6n da6n ca61p xa4",
    "quyền và nghĩa vụ của công dân trong thực hiện dân chủ",
    "quyen va nghia vu cua cong dan",
    "thanh tra nhân d",
    "t",
    "công",
    "của các và",
    "trách nhiệm của Ủy ban nhân dân cấp xã",
    "trach nhiem cua uy ban nhan dan cap xa",
    "vănn bảnn đến",
    "cựu chiến binh",
    "ccb",
    "10% tổng số hộ gia đình",
    "hai phần ba tổng số",
    "giá vàng hôm nay",
    "Nguyễn Văn An",
    "\"bỏ phiếu kín\"",
    "có hiệu lực từ ngày nào",
    "tổ chức cuộc họp của cộng đồng dân cư để nhân dân bàn và quyết định những nội dung công khai",
    "a e o u i",
    "kiểm tra giám sát đầu tư của cộng đồng ở thôn tổ dân phố",
];

fn main() -> Result<(), Box<dyn Error>> {
    let documents = library(std::env::args().nth(1).as_deref())?;
    let sections: usize = documents.iter().map(|d| d.sections.len()).sum();
    let bytes: usize = documents
        .iter()
        .flat_map(|d| &d.sections)
        .map(|s| s.text().len())
        .sum();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("index.db");

    let started = Instant::now();
    let mut index = Index::open(&path)?;
    index.add(&documents)?;
    let built = started.elapsed();
    let count = index.section_count();
    let started = Instant::now();
    index.add(&documents[..1])?;
    let one = started.elapsed();
    drop(index);
    println!(
        "sections      {count} found of {sections}, {} documents, {} KB of text",
        documents.len(),
        bytes / 1024
    );
    println!("build         {built:.2?}; adding one document again {one:.2?}");
    println!("size          {} KB", size(folder.path())? / 1024);

    let started = Instant::now();
    let index = Index::open(&path)?;
    println!("open          {:.2?}", started.elapsed());

    let mut times: Vec<(Duration, &str)> = Vec::new();
    for _ in 0..ROUNDS {
        for query in QUERIES {
            let started = Instant::now();
            let found = index.search(query, DEFAULT_RESULTS)?;
            times.push((started.elapsed(), query));
            std::hint::black_box(found);
        }
    }
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].0;
    println!(
        "search        p50 {:.2?}, p90 {:.2?}, p99 {:.2?}",
        at(0.5),
        at(0.9),
        at(0.99)
    );
    let (slowest, query) = times[times.len() - 1];
    println!("slowest       {slowest:.2?} ({query})");

    let mut asked: Vec<Duration> = Vec::new();
    for query in QUERIES {
        let started = Instant::now();
        std::hint::black_box(index.ask(query)?);
        asked.push(started.elapsed());
    }
    asked.sort();
    println!(
        "ask           p50 {:.2?}, slowest {:.2?}",
        asked[asked.len() / 2],
        asked[asked.len() - 1]
    );
    if let Some(peak) = peak_memory() {
        println!("memory        {peak} at most, the documents themselves included");
    }
    Ok(())
}

/// Documents with [`SECTIONS`] sections that can be found, or a few more.
fn library(folder: Option<&str>) -> Result<Vec<Document>, Box<dyn Error>> {
    let originals = match folder {
        Some(folder) => texts(Path::new(folder))?,
        None => vec![made_up()],
    };
    let mut documents = Vec::new();
    let mut sections = 0;
    for round in 0u16.. {
        for original in &originals {
            let mut copy = original.clone();
            copy.code = format!("{}-{}", 100 + round, copy.code);
            copy.date.year = 2000 + round % 25;
            // Some words of its own for every copy.
            if let Some(paragraph) = copy.sections.iter_mut().find_map(|s| s.paragraphs.first_mut()) {
                paragraph.text.push_str(&format!(" Bản số {round}."));
            }
            sections += copy.sections.iter().filter(|s| !s.paragraphs.is_empty()).count();
            documents.push(copy);
            if sections >= SECTIONS {
                return Ok(documents);
            }
        }
    }
    Ok(documents)
}

fn texts(folder: &Path) -> Result<Vec<Document>, Box<dyn Error>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|e| Some(e.ok()?.path()))
        .collect();
    paths.sort();
    let mut documents = Vec::new();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "txt")) {
        let text = std::fs::read_to_string(path)?;
        let (head, body) = text.split_once('\n').ok_or("no head line")?;
        let fields: Vec<&str> = head.split('|').map(str::trim).collect();
        let [code, date, kind, issuer, title] = fields[..] else {
            return Err("a head line of five fields".into());
        };
        let details = Details {
            kind: kind.into(),
            code: code.into(),
            issuer: issuer.into(),
            date: Date::parse(date).ok_or("no date")?,
            title: title.into(),
            alias: None,
            links: vec![],
            blobs: vec![],
        };
        documents.push(import(body.as_bytes(), "text.txt", details)?.document);
    }
    Ok(documents)
}

/// A document of 100 articles of about 160 words, from a fixed list of words and a fixed sequence.
fn made_up() -> Document {
    let words: Vec<&str> = "chi bộ đảng viên họp thường kỳ mỗi tháng một lần nghị quyết công khai thông tin nhân dân bàn \
        quyết định kiểm tra giám sát hòa giải viên cơ sở thôn tổ dân phố hộ gia đình ủy ban cấp xã trách nhiệm quyền nghĩa \
        vụ văn bản con dấu người cao tuổi cựu chiến binh thanh niên đối thoại kế hoạch hướng dẫn quy định hiệu lực thi hành"
        .split_whitespace()
        .collect();
    let mut state = 12_345u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize
    };
    let sections = (1..=100).map(|number| {
        let mut text: Vec<&str> = Vec::new();
        for _ in 0..40 {
            let at = next() % (words.len() - 4);
            text.extend(&words[at..at + 4]);
        }
        Section {
            kind: SectionKind::Article,
            level: 4,
            number: format!("{number}"),
            heading: words[next() % 60..][..6].join(" "),
            paragraphs: vec![Paragraph {
                kind: ParagraphKind::Plain,
                label: String::new(),
                text: text.join(" "),
            }],
        }
    });
    Document {
        kind: "QĐ".into(),
        code: "QĐ/TU".into(),
        issuer: "Tỉnh ủy".into(),
        date: Date {
            year: 2020,
            month: 1,
            day: 1,
        },
        title: "Quy định về công tác cơ sở".into(),
        alias: None,
        sections: sections.collect(),
        links: vec![],
        blobs: vec![],
    }
}

fn size(folder: &Path) -> std::io::Result<u64> {
    std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.metadata()?.len()))
        .sum()
}

/// The greatest resident memory of the process so far, where the system tells.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}
