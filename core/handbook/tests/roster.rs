//! The roster: history by days, transfers, entries made twice, and the counts of AL-42.

use sotay_document::{Actor, Document, EditError, Run, encode_runs};
use sotay_handbook::fixture::{self, acting, device, devices, member};
use sotay_handbook::roster::{
    self, Activity, Command, Role, RollLine, RosterField, RosterView, Standing, review,
};
use sotay_handbook::{
    Acting, CommandError, Contest, Date, DocKind, EntryId, HandbookEvent, Lang, Policy, events,
};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

struct Book {
    document: Document,
    number: u8,
    made: Vec<Vec<u8>>,
}

impl Book {
    fn new(number: u8) -> Self {
        let id = fixture::roster();
        let genesis = DocKind::Roster.genesis(id, 1).unwrap();
        let document = Document::new(id, &genesis, Actor::new(device(number), [number; 8])).unwrap();
        Self {
            document,
            number,
            made: Vec::new(),
        }
    }

    /// With AL-42 in it.
    fn al42(number: u8) -> Self {
        let mut book = Self::new(number);
        for command in fixture::roster_commands() {
            book.on(command).unwrap();
        }
        book
    }

    fn as_acting(&mut self, acting: Acting, command: Command) -> Result<Vec<HandbookEvent>, CommandError> {
        let devices = devices();
        match self
            .document
            .edit(acting.at_ms, |tx| roster::apply(tx, &acting, &devices, &command))
        {
            Ok(((), Some(change))) => {
                self.made.extend(change.rows().map(<[u8]>::to_vec));
                Ok(events(DocKind::Roster, &change.touched))
            }
            Ok(((), None)) => Ok(Vec::new()),
            Err(EditError::Refused(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    }

    fn on(&mut self, command: Command) -> Result<Vec<HandbookEvent>, CommandError> {
        self.as_acting(acting(self.number, 0), command)
    }

    fn learn(&mut self, from: &Book) {
        let payloads = encode_runs(fixture::roster(), 1, 1, &from.made, 48 * 1024).unwrap();
        let runs = payloads
            .iter()
            .map(|payload| (device(from.number), Run::decode(payload).unwrap()))
            .collect();
        assert!(self.document.apply(runs).refused.is_empty());
    }

    fn view(&self) -> RosterView {
        RosterView::read(self.document.read(), &devices())
    }
}

#[test]
fn al_42_has_forty_who_must_attend_and_thirty_eight_voters() {
    let book = Book::al42(3);
    let roll = book.view().at(day(fixture::MEETING_DAY));
    assert_eq!(roll, fixture::roll());
    let counts = roll.counts(&Policy::shipped());
    assert_eq!((counts.total, counts.full, counts.probationary), (42, 40, 2));
    assert_eq!((counts.must_attend, counts.voters), (40, 38));
    assert!(book.view().at(day("2019-12-31")).is_empty());
    let names: std::collections::BTreeSet<&str> = fixture::NAMES.into_iter().collect();
    assert_eq!(names.len(), 42);
}

#[test]
fn changes_hold_from_their_day_on_and_leave_the_days_before_as_they_were() {
    let mut book = Book::al42(3);
    let from = day("2025-06-01");
    let touched = book
        .on(Command::SetStanding {
            member: member(41),
            standing: Standing::Full,
            from,
        })
        .unwrap();
    assert_eq!(touched, [HandbookEvent::Roster(member(41))]);
    book.on(Command::SetRole {
        member: member(4),
        role: Role::Member,
        from,
    })
    .unwrap();
    book.on(Command::SetActivity {
        member: member(21),
        activity: Activity::Transferred,
        from,
    })
    .unwrap();
    book.on(Command::SetGroup {
        member: member(5),
        group: Some(" Tổ  1 ".into()),
        from,
    })
    .unwrap();
    book.on(Command::SetNumber {
        member: member(42),
        number: 0,
    })
    .unwrap();
    let view = book.view();
    let (before, after) = (view.at(day("2025-05-31")), view.at(from));
    assert_eq!(before.get(member(41)).unwrap().standing, Standing::Probationary);
    assert_eq!(after.get(member(41)).unwrap().standing, Standing::Full);
    assert_eq!(after.get(member(4)).unwrap().role, Role::Member);
    assert!(before.get(member(21)).is_some() && after.get(member(21)).is_none());
    assert_eq!(
        view.everybody_at(from).get(member(21)).unwrap().activity,
        Activity::Transferred
    );
    assert_eq!(after.get(member(5)).unwrap().group.as_deref(), Some("Tổ 1"));
    assert_eq!(after.lines()[0].member, member(42));
    let field = RosterField::Activity;
    book.on(Command::Withdraw {
        member: member(21),
        field,
        from,
    })
    .unwrap();
    assert!(book.view().at(from).get(member(21)).is_some());
}

#[test]
fn one_entry_made_differently_on_two_phones_blocks_until_an_officer_chooses() {
    let mut p3 = Book::al42(3);
    let mut p2 = Book::new(2);
    p2.learn(&p3);
    let from = day("2025-05-01");
    p3.made.clear();
    p3.on(Command::SetActivity {
        member: member(21),
        activity: Activity::Transferred,
        from,
    })
    .unwrap();
    p2.on(Command::SetActivity {
        member: member(21),
        activity: Activity::Away,
        from,
    })
    .unwrap();
    p2.learn(&p3);
    p3.learn(&p2);
    assert_eq!(p2.view(), p3.view());
    let list = review(&p3.view());
    let [item] = list.open() else { panic!("one item") };
    let names = fixture::Al42Names::default();
    assert_eq!(
        item.text(Lang::Vi, &names),
        "Bùi Văn Khánh, tình trạng sinh hoạt từ 01/05/2025: đang có 2 giá trị: tạm thời sinh hoạt nơi khác, đã chuyển \
         sinh hoạt"
    );
    let option = item
        .options
        .iter()
        .find(|option| option.label.key == "activity.transferred")
        .unwrap();
    p2.made.clear();
    let id = EntryId::from_bytes([1; 16]);
    p2.on(Command::Settle {
        item: item.id.clone(),
        pick: option.pick.clone(),
        id,
    })
    .unwrap();
    p3.learn(&p2);
    let list = review(&p3.view());
    assert!(list.open().is_empty());
    assert!(matches!(list.settled()[0].contest, Contest::Settled(_)));
    assert!(p3.view().at(from).get(member(21)).is_none());
}

#[test]
fn only_officers_change_the_roster_and_nobody_is_added_twice_or_changed_unknown() {
    let mut book = Book::al42(3);
    let from = day("2025-05-01");
    let line = RollLine {
        number: 43,
        member: member(43),
        ..fixture::lines().remove(20)
    };
    let add = Command::Add { line, from };
    assert!(matches!(
        book.as_acting(acting(4, 0), add.clone()),
        Err(CommandError::OfficersOnly)
    ));
    book.on(add.clone()).unwrap();
    assert!(matches!(book.on(add), Err(CommandError::Exists(_))));
    let unknown = Command::SetRole {
        member: member(44),
        role: Role::Deputy,
        from,
    };
    assert!(matches!(book.on(unknown), Err(CommandError::Unknown(_))));
    let nothing = Command::Withdraw {
        member: member(43),
        field: RosterField::Role,
        from: day("2025-05-02"),
    };
    assert!(matches!(book.on(nothing), Err(CommandError::Unknown(_))));
}
