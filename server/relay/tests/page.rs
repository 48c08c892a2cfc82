//! The operator's page, as a browser gets it.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{FOUNDER, MEMBER, Phone, Relay, STRANGER, finished, founder, grants, json};
use sotay_feed::{DeviceId, UnitId};
use sotay_membership::rank;
use sotay_store::{Batch, Bucket, Options, Put, SqliteStore, Store};

/// Status, head and body.
fn get(relay: &Relay, method: &str, path: &str, cookie: &str) -> (u16, String, String) {
    ask(relay, method, path, cookie, "")
}

/// The same with a form.
fn ask(relay: &Relay, method: &str, path: &str, cookie: &str, form: &str) -> (u16, String, String) {
    let http: SocketAddr = relay.start["http"].as_str().unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(http).unwrap();
    let (kind, len) = ("application/x-www-form-urlencoded", form.len());
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {http}\r\nCookie: {cookie}\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n\r\n{form}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, head.to_owned(), body.to_owned())
}

fn link(dir: &Path) -> String {
    json(&["web", "--data", dir.to_str().unwrap()])["path"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The cookie that a one-time link gives.
fn sign_in(relay: &Relay, dir: &Path) -> String {
    let (code, head, _) = get(relay, "GET", &link(dir), "");
    assert_eq!(code, 303);
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_is_shown_without_a_one_time_link_and_a_link_works_once() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    let unit = founder.roll().unit.to_string();
    for path in ["/", &format!("/unit/{unit}")] {
        let (code, head, body) = get(&relay, "GET", path, "sotay-visit=guess");
        assert_eq!(code, 401);
        assert!(!body.contains(&unit[..8]), "{body}");
        assert!(
            head.contains("content-security-policy: default-src 'none'; style-src 'self'"),
            "{head}"
        );
    }
    let path = link(dir.path());
    assert_eq!(get(&relay, "GET", &path, "").0, 303);
    assert_eq!(get(&relay, "GET", &path, "").0, 401, "used");
    let cookie = sign_in(&relay, dir.path());
    let (code, _, body) = get(&relay, "GET", "/", &cookie);
    assert_eq!(code, 200);
    assert!(
        body.contains(&unit[..8]) && body.contains("lang=\"vi\""),
        "{body}"
    );
    assert_eq!(get(&relay, "GET", "/nothing", &cookie).0, 404);
    assert_eq!(get(&relay, "GET", "/unit/zz", &cookie).0, 404);
    assert_eq!(get(&relay, "POST", "/out", &cookie).0, 303);
    assert_eq!(get(&relay, "GET", "/", &cookie).0, 401);
    // The health checks are not behind the door.
    assert_eq!(get(&relay, "GET", "/readyz", "").0, 200);
    relay.terminate();
    assert!(relay.wait().await.success());
    let (code, _, error) = finished(&["web", "--data", dir.path().to_str().unwrap()]);
    assert_eq!(code, Some(8), "{error}");
}

#[test]
fn the_token_of_the_configuration_opens_the_page_and_a_wrong_one_makes_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), dir.path().join("relay.toml"));
    std::fs::write(&config, "page-token = \"năm mươi đồng lúa chín\"\n").unwrap();
    let relay = Relay::start(&data, &["--config", config.to_str().unwrap()]);
    let (code, _, body) = get(&relay, "GET", "/", "");
    assert_eq!(code, 401);
    assert!(
        body.contains("type=\"password\"") && body.contains("Mã truy cập"),
        "{body}"
    );
    let right = "token=n%C4%83m+m%C6%B0%C6%A1i+%C4%91%E1%BB%93ng+l%C3%BAa+ch%C3%ADn";
    let (code, head, _) = ask(&relay, "POST", "/in", "", right);
    assert_eq!(code, 303, "{head}");
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap();
    assert_eq!(get(&relay, "GET", "/", cookie.split(';').next().unwrap()).0, 200);
    let (code, head, body) = ask(&relay, "POST", "/in", "", "token=wrong");
    assert_eq!(code, 401);
    assert!(
        !head.contains("set-cookie") && body.contains("Mã truy cập không đúng"),
        "{body}"
    );
    let long = format!("token={}", "x".repeat(5000));
    for form in [right, long.as_str(), "nothing"] {
        let (code, head, _) = ask(&relay, "POST", "/in", "", form);
        assert!(code == 429 || form != right && code == 401, "{code}");
        assert!(!head.contains("set-cookie"), "{head}");
    }
    // Without a token in the configuration the form is not there and nothing opens.
    let plain = Relay::start(&dir.path().join("plain"), &[]);
    assert!(!get(&plain, "GET", "/", "").2.contains("password"));
    assert_eq!(ask(&plain, "POST", "/in", "", "token=").0, 401);
}

/// A branch has many devices that are none: letters without a name are signed with them (decision 0082).
#[tokio::test]
async fn phones_stand_in_the_list_of_a_unit_and_devices_for_letters_do_not() {
    const SLOTS: [(u8, u8); 3] = [(21, rank::GUEST), (22, rank::GUEST), (23, rank::GUEST)];
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &[&grants()[..], &SLOTS[..]].concat());
    founder.sync(&relay).await;
    let unit = founder.roll().unit;
    let cookie = sign_in(&relay, dir.path());
    let (_, _, body) = get(&relay, "GET", &format!("/unit/{unit}"), &cookie);
    let args = [
        "devices",
        "--data",
        dir.path().to_str().unwrap(),
        &unit.to_string(),
    ];
    let (_, listed, _) = finished(&args);
    for text in [&body, &listed] {
        // Who has not come yet is shown as well.
        for device in [FOUNDER, MEMBER] {
            let device = Phone::new(device, unit).keys.id().to_string();
            assert!(text.contains(&device), "{text}");
        }
        for (slot, _) in &SLOTS {
            assert!(
                !text.contains(&Phone::new(*slot, unit).keys.id().to_string()),
                "{text}"
            );
        }
    }
    assert!(body.contains("<p>3 máy khác chưa bao giờ liên lạc"), "{body}");
    assert!(body.contains("<small>bí thư</small>"), "{body}");
    assert!(
        listed.ends_with(
            "3 more of rank 5 never came: one-time devices for letters without a name, or guests\n"
        )
    );
    assert_eq!(json(&args)["devices"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn the_page_shows_the_line_for_phones_and_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &["--public", "relay.example.vn"]);
    let cookie = sign_in(&relay, dir.path());
    let (_, _, body) = get(&relay, "GET", "/", &cookie);
    let line = format!("<code class=\"id\">{}</code>", relay.address());
    assert!(body.contains(&line), "{body}");
    assert!(
        body.contains("<svg class=\"code\"") && body.contains("<path d=\"M4 4h7v1h-7z"),
        "{body}"
    );
}

/// The operator looks at it just then: what cannot be read must not look as if it were not there.
#[tokio::test]
async fn while_the_database_server_is_away_the_page_says_so_and_does_not_say_that_there_is_nothing() {
    let Some(mut server) = sotay_postgres::server::for_test("the page without a database") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("relay.toml");
    std::fs::write(&config, format!("store = \"{}\"\n", server.database().unwrap())).unwrap();
    let relay = Relay::start(dir.path(), &["--config", config.to_str().unwrap()]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    let cookie = sign_in(&relay, dir.path());
    let unit = format!("/unit/{}", founder.roll().unit);
    assert_eq!(get(&relay, "GET", &unit, &cookie).0, 200);
    server.stop().unwrap();
    while relay.page("/readyz").0 == 200 {
        tokio::task::yield_now().await;
    }
    let (_, _, body) = get(&relay, "GET", "/", &cookie);
    assert!(
        body.contains("Chưa phục vụ được: máy chủ cơ sở dữ liệu không trả lời"),
        "{body}"
    );
    assert!(!body.contains("Chưa có đơn vị nào"), "{body}");
    let (code, _, body) = get(&relay, "GET", &unit, &cookie);
    assert!(
        code == 200 || (code == 503 && body.contains("Hiện chưa đọc được")),
        "{code} {body}"
    );
}

#[tokio::test]
async fn the_page_speaks_two_languages_and_fetches_nothing_from_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    let mut stranger = Phone::new(STRANGER, founder.roll().unit);
    stranger.sync(&relay).await;
    let cookie = sign_in(&relay, dir.path());
    let unit = format!("/unit/{}", founder.roll().unit);
    for (lang, words) in [
        (
            "vi",
            [
                "Chi bộ và đơn vị",
                "Điện thoại chưa được kết nạp",
                "Tính từ lúc trạm khởi động, chưa đầy một giờ trước.",
            ],
        ),
        (
            "en",
            [
                "Branches and units",
                "A phone nobody admitted",
                "Counted since the relay started, less than an hour ago.",
            ],
        ),
    ] {
        let (code, head, _) = get(&relay, "GET", &format!("/lang/{lang}?{unit}"), &cookie);
        assert_eq!(code, 303);
        assert!(head.contains(&format!("location: {unit}")), "{head}");
        let both = format!("{cookie}; sotay-lang={lang}");
        let (_, _, body) = get(&relay, "GET", "/", &both);
        for words in words {
            assert!(body.contains(words), "{words} in {body}");
        }
        for page in [body, get(&relay, "GET", &unit, &both).2] {
            assert!(page.contains(&format!("<html lang=\"{lang}\">")), "{page}");
            assert!(
                !page.contains("://") && !page.contains("<script") && !page.contains("style="),
                "{page}"
            );
            // No members' ids: the page tells devices apart, not people.
            assert!(!page.contains(&common::member(MEMBER).to_string()), "{page}");
        }
    }
    let (_, head, _) = get(&relay, "GET", "/lang/en?//elsewhere.example", &cookie);
    assert!(
        head.contains("location: /\r") || head.ends_with("location: /"),
        "{head}"
    );
    let (code, head, _) = get(&relay, "GET", "/style.css", "");
    assert_eq!(code, 200);
    assert!(head.contains("text/css"), "{head}");
}

/// A district as it may be: writes screenshots of the page into the folder that `SOTAY_SCREENSHOTS` names.
#[tokio::test]
#[ignore = "needs chromium; its pictures are for human eyes"]
async fn screenshots_for_human_eyes() {
    let out = std::env::var("SOTAY_SCREENSHOTS").expect("the folder for the pictures");
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let mut first = String::new();
    for number in 1..=14u8 {
        let (mut founder, _) = founder(
            100 + number,
            &[(2, rank::MEMBER), (3, rank::MEMBER), (4, rank::MEMBER)],
        );
        let unit = founder.roll().unit;
        founder.write_changes(20 * usize::from(number), 300);
        founder.sync(&relay).await;
        for device in 2..=4u8 {
            Phone::new(device, unit).sync(&relay).await;
        }
        if number % 3 == 0 {
            founder.write_changes(1, 300);
            founder.sync(&relay).await;
        }
        Phone::new(STRANGER, unit).sync(&relay).await;
        first = unit.to_string();
    }
    relay.terminate();
    assert!(relay.wait().await.success());
    // Three units were not here for long.
    let mut store = SqliteStore::open(&dir.path().join("relay.sqlite"), &Options::default()).unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    let mut units = Vec::new();
    let mut puts = Vec::new();
    for (key, value) in store.list(Bucket::Relay, b"contact/").unwrap() {
        let unit = UnitId::from_slice(&value[..32]).unwrap();
        if !units.contains(&unit) {
            units.push(unit);
        }
        let days = units.iter().position(|known| *known == unit).unwrap() as i64 * 4;
        let seen = now - days * 86_400_000;
        assert!(DeviceId::from_slice(&key[8..]).is_some());
        let value = [&value[..32], &seen.to_be_bytes(), &value[40..]].concat();
        puts.push(Put {
            bucket: Bucket::Relay,
            key,
            value: Some(value),
        });
    }
    store
        .commit(Batch {
            envelopes: vec![],
            puts,
            ..Batch::default()
        })
        .unwrap();
    drop(store);
    let config = dir.path().join("relay.toml");
    std::fs::write(&config, "page-token = \"nobody-else-has-this-token\"\n").unwrap();
    let relay = Relay::start(dir.path(), &["--config", config.to_str().unwrap()]);
    for device in [STRANGER, 2, 3] {
        Phone::new(device, first.parse().unwrap()).sync(&relay).await;
    }
    let base = format!("http://{}", relay.start["http"].as_str().unwrap());
    let shoot = |lang: &str, size: &str, name: &str, path: &str| {
        let profile = dir.path().join(format!("profile-{name}-{lang}-{size}"));
        let run = |args: &[&str], url: String| {
            let status = Command::new("chromium")
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
                .arg(format!("--user-data-dir={}", profile.display()))
                .arg(format!("--window-size={size}"))
                .args(args)
                .arg(url)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        };
        let file = format!("--screenshot={out}/{name}-{lang}-{}.png", size.replace(',', "x"));
        run(&["--dump-dom"], format!("{base}/lang/{lang}"));
        if name != "sign-in" {
            run(&["--dump-dom"], format!("{base}{}", link(dir.path())));
        }
        run(&[&file], format!("{base}{path}"));
    };
    for lang in ["vi", "en"] {
        for size in ["390,844", "1280,800"] {
            let long = size.split(',').next().unwrap().to_owned() + ",2400";
            shoot(lang, &long, "long", "/");
            shoot(lang, size, "sign-in", "/");
            shoot(lang, size, "overview", "/");
            shoot(lang, size, "unit", &format!("/unit/{first}"));
        }
    }
}
