//! What belongs on the first screen: a pure function of who somebody is and how far the meeting is. The table is data
//! (`data/home.tsv`); a client draws the list and contains no rule.

use std::sync::OnceLock;

use serde::Serialize;
use sotay_feed::MemberId;

use crate::coded::coded;
use crate::meeting::{MeetingView, Person, Stage, Step};
use crate::message::{Lang, Message, Nameless};
use crate::roster::{Role, RollLine, Standing};

coded! {
    /// Who looks at the screen.
    pub enum HomeRole ("home_role") {
        /// Bí thư.
        Secretary = 0 "secretary",
        /// Phó bí thư.
        Deputy = 1 "deputy",
        /// Chi ủy viên.
        Committee = 2 "committee",
        /// Đảng viên.
        Member = 3 "member",
        /// Đảng viên dự bị.
        Probationary = 4 "probationary",
    }
}

coded! {
    /// How far the meeting is.
    pub enum HomePhase ("home_phase") {
        /// There is none.
        NoMeeting = 0 "no_meeting",
        /// It is prepared.
        Preparing = 1 "preparing",
        /// Members were invited.
        Convened = 2 "convened",
        /// It was opened.
        Opened = 3 "opened",
        /// Chair and minute-taker present the programme.
        Programme = 4 "programme",
        /// News and documents are presented.
        Content = 5 "content",
        /// Members speak.
        Discussion = 6 "discussion",
        /// The chair concludes.
        Conclusion = 7 "conclusion",
        /// Votes are held.
        Votes = 8 "votes",
        /// The meeting is scored.
        Scoring = 9 "scoring",
        /// The minutes were read to the meeting.
        ReadBack = 10 "read_back",
        /// It was closed.
        Closed = 11 "closed",
        /// Its minutes are sealed.
        Sealed = 12 "sealed",
        /// They were sent up.
        Sent = 13 "sent",
    }
}

coded! {
    /// Something to do.
    pub enum Action ("action") {
        /// Begin the next meeting.
        NewMeeting = 0 "new_meeting",
        /// Fill in place, day, chair and minute-taker.
        SetHeading = 1 "set_heading",
        /// Prepare the agenda.
        PrepareAgenda = 2 "prepare_agenda",
        /// Invite members.
        Convene = 3 "convene",
        /// Propose a topic.
        Propose = 4 "propose",
        /// Check oneself in.
        CheckIn = 5 "check_in",
        /// Open the meeting.
        Open = 6 "open",
        /// Take attendance.
        Attendance = 7 "attendance",
        /// Take last month's tasks and the fees into the minutes.
        TakeIn = 8 "take_in",
        /// Note speeches.
        NoteSpeech = 9 "note_speech",
        /// Hold a vote.
        HoldVote = 10 "hold_vote",
        /// Vote.
        Vote = 11 "vote",
        /// Conclude.
        Conclude = 12 "conclude",
        /// Score the meeting.
        Score = 13 "score",
        /// Note that the minutes were read and approved.
        ReadBack = 14 "read_back",
        /// Close the meeting.
        Close = 15 "close",
        /// Settle what contradicts itself.
        Review = 16 "review",
        /// Make tasks of the conclusions.
        MakeTasks = 17 "make_tasks",
        /// Seal the minutes.
        Seal = 18 "seal",
        /// Write the resolution.
        Resolution = 19 "resolution",
        /// Send the report up.
        Report = 20 "report",
        /// Record fees.
        Fees = 21 "fees",
        /// Report on one's own tasks.
        MyTasks = 22 "my_tasks",
        /// Look after all tasks.
        Tasks = 23 "tasks",
        /// Answer feedback.
        AnswerFeedback = 24 "answer_feedback",
        /// Rate.
        Rate = 25 "rate",
        /// Keep the roster.
        Members = 26 "members",
        /// Read documents.
        Read = 27 "read",
        /// Take a quiz.
        Quiz = 28 "quiz",
        /// Send feedback.
        Feedback = 29 "feedback",
    }
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HomeAction {
    /// Stable code.
    pub code: Action,
    /// Vietnamese label.
    pub vi: String,
    /// English label.
    pub en: String,
}

/// `action ⇥ roles ⇥ phases`, in the order of the screen; `*` is everybody or any time, `clerk` whoever takes the minutes,
/// `a-b` all phases from one to another.
const TABLE: &str = include_str!("../data/home.tsv");
const CLERK: &str = "clerk";

struct Row {
    action: Action,
    roles: Vec<HomeRole>,
    clerk: bool,
    phases: Vec<HomePhase>,
}

fn table() -> &'static [Row] {
    static PARSED: OnceLock<Vec<Row>> = OnceLock::new();
    PARSED.get_or_init(|| TABLE.lines().filter_map(row).collect())
}

fn row(line: &str) -> Option<Row> {
    let mut parts = line.split('\t');
    let action = Action::from_key(parts.next()?)?;
    let (roles, phases) = (parts.next()?, parts.next()?);
    let of = |word: &str| -> Vec<HomeRole> {
        if word == "*" {
            HomeRole::ALL.to_vec()
        } else {
            HomeRole::from_key(word).into_iter().collect()
        }
    };
    Some(Row {
        action,
        roles: roles.split(',').flat_map(of).collect(),
        clerk: roles.split(',').any(|word| word == CLERK),
        phases: phases.split(',').flat_map(span).collect(),
    })
}

fn span(word: &str) -> Vec<HomePhase> {
    let (from, to) = word.split_once('-').unwrap_or((word, word));
    match (HomePhase::from_key(from), HomePhase::from_key(to)) {
        _ if word == "*" => HomePhase::ALL.to_vec(),
        (Some(from), Some(to)) => HomePhase::ALL
            .iter()
            .copied()
            .filter(|phase| (from..=to).contains(phase))
            .collect(),
        _ => Vec::new(),
    }
}

impl HomeRole {
    /// Of a member on a day.
    pub fn of(line: &RollLine) -> Self {
        match (line.role, line.standing) {
            (Role::Secretary, _) => HomeRole::Secretary,
            (Role::Deputy, _) => HomeRole::Deputy,
            (Role::CommitteeMember, _) => HomeRole::Committee,
            (Role::Member, Standing::Full) => HomeRole::Member,
            (Role::Member, Standing::Probationary) => HomeRole::Probationary,
        }
    }
}

impl HomePhase {
    /// Of a meeting.
    pub fn of(view: &MeetingView) -> Self {
        match (view.phase, view.stage) {
            (None, _) => HomePhase::Preparing,
            (Some(Step::Convened), _) => HomePhase::Convened,
            (Some(Step::Opened), None) => HomePhase::Opened,
            (Some(Step::Opened), Some(stage)) => match stage {
                Stage::Programme => HomePhase::Programme,
                Stage::Content => HomePhase::Content,
                Stage::Discussion => HomePhase::Discussion,
                Stage::Conclusion => HomePhase::Conclusion,
                Stage::Votes => HomePhase::Votes,
                Stage::Scoring => HomePhase::Scoring,
            },
            (Some(Step::ReadBack), _) => HomePhase::ReadBack,
            (Some(Step::Closed), _) => HomePhase::Closed,
            (Some(Step::Sealed), _) => HomePhase::Sealed,
            (Some(Step::Sent), _) => HomePhase::Sent,
        }
    }
}

/// Does this member take the minutes of the meeting?
pub fn is_clerk(view: &MeetingView, member: MemberId) -> bool {
    view.clerk.value == Some(Person::Member(member))
}

/// What belongs on the first screen, in order; `clerk` says whether the holder takes the minutes of this meeting.
pub fn home(role: HomeRole, clerk: bool, phase: HomePhase) -> Vec<HomeAction> {
    let shown =
        |row: &&Row| (row.roles.contains(&role) || (clerk && row.clerk)) && row.phases.contains(&phase);
    let label = |action: Action, lang| Message::new(action.message()).text(lang, &Nameless);
    table()
        .iter()
        .filter(shown)
        .map(|row| HomeAction {
            code: row.action,
            vi: label(row.action, Lang::Vi),
            en: label(row.action, Lang::En),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(role: HomeRole, clerk: bool, phase: HomePhase) -> Vec<Action> {
        home(role, clerk, phase)
            .into_iter()
            .map(|action| action.code)
            .collect()
    }

    #[test]
    fn every_line_of_the_table_is_read_and_every_action_is_shown_to_somebody_once() {
        assert_eq!(table().len(), TABLE.lines().count());
        for row in table() {
            assert!(
                !row.phases.is_empty() && (row.clerk || !row.roles.is_empty()),
                "{:?}",
                row.action
            );
        }
        for action in Action::ALL {
            let rows = table().iter().filter(|row| row.action == *action).count();
            assert_eq!(rows, 1, "{action:?}");
        }
        for line in TABLE.lines() {
            let roles = line.split('\t').nth(1).unwrap();
            for word in roles.split(',') {
                assert!(
                    word == "*" || word == CLERK || HomeRole::from_key(word).is_some(),
                    "{word}"
                );
            }
            for word in line.split('\t').nth(2).unwrap().split(',') {
                assert!(!span(word).is_empty(), "{word}");
            }
        }
    }

    #[test]
    fn each_role_sees_what_is_theirs_in_each_phase() {
        use Action as A;
        assert_eq!(
            codes(HomeRole::Member, false, HomePhase::Discussion),
            [A::CheckIn, A::Vote, A::MyTasks, A::Read, A::Quiz, A::Feedback]
        );
        assert_eq!(
            codes(HomeRole::Probationary, false, HomePhase::Votes),
            [A::CheckIn, A::MyTasks, A::Read, A::Quiz, A::Feedback],
            "who does not vote is not asked to"
        );
        let clerk = codes(HomeRole::Member, true, HomePhase::Discussion);
        assert!(clerk.contains(&A::NoteSpeech) && clerk.contains(&A::Attendance));
        assert!(!clerk.contains(&A::Seal));
        let after = codes(HomeRole::Secretary, false, HomePhase::Closed);
        assert_eq!(after[..4], [A::Review, A::MakeTasks, A::Seal, A::Resolution]);
        for role in HomeRole::ALL {
            for phase in HomePhase::ALL {
                assert!(
                    codes(*role, false, *phase).contains(&A::Read),
                    "{role:?} {phase:?}"
                );
            }
        }
    }
}
