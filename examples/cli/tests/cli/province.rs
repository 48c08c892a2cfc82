//! Founding branches from the level above, as its operator types it.

use crate::support::Hall;

#[test]
fn a_committee_founds_branches_and_their_secretaries_take_them_over_from_packs() {
    let hall = Hall::new();
    let committee = hall.phone("committee");
    committee.ok(&[
        "unit",
        "create",
        "Đảng bộ xã Đông Phong",
        "--upper",
        "Đảng bộ tỉnh",
        "--founder",
        "Vũ Thị Hà",
    ]);
    hall.write(
        "branches.tsv",
        "Chi bộ thôn An Lạc\tLê Văn An\nChi bộ thôn Bình Minh\tTrần Thị Bình\n",
    );
    let made = committee.json(&["province", "create", "branches.tsv", "--out", "packs"]);
    assert_eq!(made["founded"].as_array().unwrap().len(), 2);
    let codes = hall.read("packs/codes.tsv");
    let code = |file: &str| {
        let line = codes.lines().find(|line| line.starts_with(file)).unwrap();
        line.rsplit('\t').next().unwrap().to_owned()
    };
    let secretary = hall.phone("secretary");
    secretary.fails(
        &[
            "join",
            "--pack",
            "packs/0001-1.pack",
            "--code",
            &code("0002-1.pack"),
        ],
        3,
        "damaged_text",
    );
    secretary.ok(&[
        "join",
        "--pack",
        "packs/0001-1.pack",
        "--code",
        &code("0001-1.pack"),
    ]);
    let card = secretary.json(&["unit", "show"]);
    assert_eq!(card["unit"]["name"], "Chi bộ thôn An Lạc");
    assert_eq!(card["unit"]["upper"], "Đảng bộ xã Đông Phong");
    assert_eq!(card["unit"]["rank"], 2);
    secretary.ok(&["members", "add", "Đỗ Văn Cường"]);
    hall.admit(&secretary, "P2", "2", "member");
    let spare = hall.phone("spare");
    spare.ok(&[
        "join",
        "--pack",
        "packs/0001-2.pack",
        "--code",
        &code("0001-2.pack"),
    ]);
    assert_eq!(
        committee.json(&["province", "list"])["branches"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let none = committee.json(&["province", "reports", "Chi bộ thôn An Lạc", "2026"]);
    assert_eq!(none["reports"].as_array().unwrap().len(), 0);
    let levels = secretary.json(&["levels"]);
    assert_eq!(levels["above"][0]["name"], "Đảng bộ xã Đông Phong");
    assert_eq!(levels["above"][0]["known"], false, "nothing was synced");
    assert_eq!(committee.json(&["levels"])["above"].as_array().unwrap().len(), 0);
    hall.write("below.tsv", "Đảng ủy bộ phận\tTrần Văn Dũng\tcommittee\n");
    let made = committee.json(&["province", "create", "below.tsv", "--out", "packs1"]);
    assert_eq!(made["founded"].as_array().unwrap().len(), 1);
    hall.write("strange.tsv", "Chi bộ 9\tTrần Văn Dũng\tvillage\n");
    committee.fails(
        &["province", "create", "strange.tsv", "--out", "packs2"],
        3,
        "branch_table",
    );
    hall.write("bad.tsv", "Chi bộ không có bí thư\n");
    committee.fails(
        &["province", "create", "bad.tsv", "--out", "packs2"],
        3,
        "branch_table",
    );
    committee.fails(&["province", "reports", "Chi bộ lạ", "2026"], 3, "unknown_branch");
}
