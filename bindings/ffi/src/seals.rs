//! Seals of minutes: two people, each on their own phone; addenda; what came later; the file that anybody can check.

use sotay_engine::feed::{DocId, UnitId};
use sotay_engine::seal::{self, External, SealKind, VerifiedSeal};
use sotay_engine::{Fault, OfficialShown, ProfileDevice, SealShown};

use crate::call::ask;
use crate::commands::MeetingCommand;
use crate::error::{HandbookError, OrFault, guarded, parse, parse_opt};
use crate::kinds::Language;
use crate::meeting::{Meeting, ReviewView, review_view, translated};
use crate::record_kinds::{OutsideSignatureKind, SealStatus};
use crate::translate::sha256;

/// One of the two who sign.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OfficialView {
    /// The member.
    pub member: String,
    /// The name as it is sealed.
    pub name: String,
    /// The phone that signed; none while the signature is missing.
    pub signed_by: Option<String>,
}

/// An official signature made outside of this software: kept and named, not judged.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OutsideSignatureView {
    /// `pades`, `cades` or `other`.
    pub kind: String,
    /// Name of its file.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A seal.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SealView {
    /// Its id.
    pub id: String,
    /// Whether it seals an addendum; otherwise an edition of the minutes.
    pub addendum: bool,
    /// How it stands.
    pub status: SealStatus,
    /// SHA-256 of the text, in hexadecimal.
    pub sha256: String,
    /// Day of the meeting.
    pub date: String,
    /// Where.
    pub place: String,
    /// Who chaired.
    pub chair: OfficialView,
    /// Who took the minutes.
    pub clerk: OfficialView,
    /// Members present.
    pub present: u32,
    /// Members who could vote.
    pub eligible: u32,
    /// The seal that it adds to or takes the place of.
    pub previous: Option<String>,
    /// When it was proposed, by that phone's clock; milliseconds since 1970 UTC.
    pub claimed_ms: i64,
    /// Official signatures kept beside it.
    pub outside: Vec<OutsideSignatureView>,
}

/// Something recorded after the minutes were sealed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LateItemView {
    /// Stable id: `speech/<id>`, `attendance/<member>`, `info/place` …
    pub id: String,
    /// In words.
    pub text: String,
    /// Whether the part did not exist when the minutes were sealed.
    pub new: bool,
}

/// The seals of a meeting, and what came after them.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SealsView {
    /// Every seal that at least one of the two signed: editions before their addenda, oldest first.
    pub seals: Vec<SealView>,
    /// The edition that stands.
    pub standing: Option<String>,
    /// Whether several editions stand: the chair withdraws all but one.
    pub competing: bool,
    /// What was recorded after the seal and is in no addendum yet.
    pub late: Vec<LateItemView>,
}

/// A seal of a file, which holds.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CheckedSeal {
    /// The seal.
    pub seal: SealView,
    /// The document.
    pub document: String,
    /// The text that was sealed.
    pub text: String,
}

/// A file of which every seal holds.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CheckedSealFile {
    /// The unit, in hexadecimal. Who that is the reader has to know.
    pub unit: String,
    /// Whether the reader named the unit.
    pub pinned: bool,
    /// The seals, in the order of the file.
    pub seals: Vec<CheckedSeal>,
}

fn official(shown: OfficialShown) -> OfficialView {
    OfficialView {
        member: shown.member.to_string(),
        name: shown.name,
        signed_by: shown.signed_by,
    }
}

fn seal_view(shown: SealShown) -> SealView {
    SealView {
        id: shown.id,
        addendum: shown.addendum,
        status: shown.status,
        sha256: shown.sha256,
        date: shown.date,
        place: shown.place,
        chair: official(shown.chair),
        clerk: official(shown.clerk),
        present: shown.present,
        eligible: shown.eligible,
        previous: shown.previous,
        claimed_ms: shown.claimed_ms,
        outside: shown
            .outside
            .into_iter()
            .map(|one| OutsideSignatureView {
                kind: one.kind.to_owned(),
                name: one.name,
                bytes: one.bytes as u64,
            })
            .collect(),
    }
}

fn outside(external: &External) -> OutsideSignatureView {
    let kind = match external.kind {
        OutsideSignatureKind::Pades => "pades",
        OutsideSignatureKind::Cades => "cades",
        OutsideSignatureKind::Other => "other",
    };
    OutsideSignatureView {
        kind: kind.to_owned(),
        name: external.name.clone(),
        bytes: external.bytes.len() as u64,
    }
}

fn checked(seal: VerifiedSeal) -> CheckedSeal {
    let body = seal.body;
    let signed = |one: &seal::Official, mark: &seal::Signature| OfficialView {
        member: one.member.to_string(),
        name: one.name.clone(),
        signed_by: Some(mark.device.to_string()),
    };
    CheckedSeal {
        seal: SealView {
            id: seal.id.to_string(),
            addendum: body.kind == SealKind::Addendum,
            status: match (seal.withdrawn, seal.replaced) {
                (true, _) => SealStatus::Withdrawn,
                (false, true) => SealStatus::Replaced,
                (false, false) => SealStatus::Standing,
            },
            sha256: data_encoding::HEXLOWER.encode(&body.text_sha256),
            chair: signed(&body.chair, &seal.chair),
            clerk: signed(&body.clerk, &seal.clerk),
            present: body.present,
            eligible: body.eligible,
            previous: body.previous.map(|id| id.to_string()),
            claimed_ms: body.claimed_ms,
            outside: seal.external.iter().map(outside).collect(),
            date: body.date,
            place: body.place,
        },
        document: body.document.to_string(),
        text: seal.text,
    }
}

/// Checks a seal file with nothing but the file: founding record, records of the signers, every signature, every text.
/// `unit` is the unit the reader expects, if they know its id. Fails with the reason when anything in it does not hold.
#[uniffi::export]
pub fn check_seal_file(bytes: Vec<u8>, unit: Option<String>) -> Result<CheckedSealFile, HandbookError> {
    guarded(|| {
        let unit: Option<UnitId> = parse_opt(unit.as_ref(), "unit")?;
        let verdict = seal::verify(&bytes, unit).or_fault()?;
        Ok(CheckedSealFile {
            unit: verdict.unit.to_string(),
            pinned: verdict.pinned,
            seals: verdict.seals.into_iter().map(checked).collect(),
        })
    })
}

/// Proposes to seal the minutes, if they are the ones that the app has shown.
pub(crate) fn propose(
    device: &mut ProfileDevice,
    doc: DocId,
    shown: &str,
    now: i64,
) -> Result<String, HandbookError> {
    let stale = || Fault::malformed("minutes");
    let shown = sha256(shown).ok_or_else(stale)?;
    if sha256(&device.minutes(doc).or_fault()?.sha256) != Some(shown) {
        return Err(stale().into());
    }
    Ok(device.propose_seal(doc, now).or_fault()?.to_string())
}

#[uniffi::export]
impl Meeting {
    /// The seals of the minutes, and what was recorded after them, in words of a language.
    pub fn seals(&self, language: Language) -> Result<SealsView, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| {
            let view = device.seals(doc).or_fault()?;
            let names = device.names();
            Ok(SealsView {
                late: view
                    .late
                    .iter()
                    .map(|late| LateItemView {
                        id: late.id.clone(),
                        text: late.message().text(language, names),
                        new: late.new,
                    })
                    .collect(),
                seals: view.seals.into_iter().map(seal_view).collect(),
                standing: view.standing,
                competing: view.competing,
            })
        })
    }

    /// The review list on the eve of a seal: that of the meeting, and a warning for every phone that took part and has not
    /// handed in what it wrote, as far as this phone has heard.
    pub fn seal_check(&self, language: Language) -> Result<ReviewView, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| {
            let list = device.seal_check(doc).or_fault()?;
            Ok(review_view(doc, &list, language, device.names()))
        })
    }

    /// Proposes to seal the minutes as the app has shown them (by their SHA-256), with one's own signature; the other of
    /// chair and minute-taker countersigns. Over sealed minutes this is the next edition. Gives the seal's id.
    pub fn propose_seal(&self, minutes: String) -> Result<String, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            propose(device, doc, &minutes, now)
        })
    }

    /// Signs what the other of the two has proposed, after this phone has made sure that it holds the same records and
    /// reads the same text.
    pub fn countersign(&self, seal: String) -> Result<(), HandbookError> {
        let (doc, seal) = (self.doc, parse(&seal, "seal")?);
        ask(&self.engine, move |device, now| {
            device.countersign(doc, seal, now).or_fault()
        })
    }

    /// Takes a seal back. The chair whom it names, or the secretary.
    pub fn withdraw_seal(&self, seal: String) -> Result<(), HandbookError> {
        let (doc, seal) = (self.doc, parse(&seal, "seal")?);
        ask(&self.engine, move |device, now| {
            device.withdraw_seal(doc, seal, now).or_fault()
        })
    }

    /// Proposes to sign what was recorded after the seal as an addendum to it; the sealed text stays as it is. Gives the
    /// addendum's id, which the other countersigns.
    pub fn propose_addendum(&self) -> Result<String, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            Ok(device.propose_addendum(doc, now).or_fault()?.to_string())
        })
    }

    /// Carries out commands after the minutes were sealed; what is written waits beside the sealed text until it is signed
    /// as an addendum or in the next edition. Officers only.
    pub fn amend(&self, commands: Vec<MeetingCommand>) -> Result<Vec<Option<String>>, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            let (commands, added) = translated(device, &commands)?;
            device.amend_all(doc, &commands, now).or_fault()?;
            Ok(added)
        })
    }

    /// The sealed text, as it was signed.
    pub fn sealed_text(&self, seal: String) -> Result<String, HandbookError> {
        let (doc, seal) = (self.doc, parse(&seal, "seal")?);
        ask(&self.engine, move |device, _| {
            device.sealed_text(doc, seal).or_fault()
        })
    }

    /// Everything somebody without a profile needs to check the seals: for [`check_seal_file`] and `sotay verify`. It holds
    /// no key.
    pub fn seal_file(&self) -> Result<Vec<u8>, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| device.seal_file(doc).or_fault())
    }

    /// Keeps an official signature that was made elsewhere beside a seal. Officers only.
    pub fn attach_outside_signature(
        &self,
        seal: String,
        kind: OutsideSignatureKind,
        name: String,
        bytes: Vec<u8>,
    ) -> Result<(), HandbookError> {
        let (doc, seal) = (self.doc, parse(&seal, "seal")?);
        ask(&self.engine, move |device, now| {
            let external = External { kind, name, bytes };
            device
                .attach_outside_signature(doc, seal, &external, now)
                .or_fault()
        })
    }
}
