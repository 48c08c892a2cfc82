//! `meeting print`: an office document of the minutes, or of one item.

use serde_json::json;
use sotay_engine::handbook::EntryId;
use sotay_engine::paper::Sort;

use crate::args::Print;
use crate::commands::paper;
use crate::failure::Failure;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;

pub(super) fn run(session: &Session, wanted: Option<String>, args: Print) -> Result<Reply, Failure> {
    let sort = if args.item.is_some() {
        Sort::Extract
    } else {
        Sort::Minutes
    };
    let Print { item, paper } = args;
    let wanted_paper = paper.clone();
    let (doc, page) = session.open()?.run(move |device, _| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let view = device.meeting_view(doc)?;
        let agenda: Vec<EntryId> = view.agenda.iter().map(|item| item.id).collect();
        let item = item
            .as_deref()
            .map(|item| pick::entry(&agenda, item))
            .transpose()?;
        let template = paper::template(device, sort, &wanted_paper)?;
        let page = device
            .minutes_page(doc, item, template.as_ref())
            .map_err(|error| paper::failure(sort, error))?;
        Ok((doc, page))
    })?;
    let value = json!({ "meeting": doc.to_string() });
    paper::write(session.voice, paper, &page, value)
}
