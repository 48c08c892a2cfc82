//! The operator's page: rendered here, nothing fetched from elsewhere, no script. It shows how branches are doing and
//! never what they write.

pub(crate) mod door;
mod view;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::admin::{Ask, Reply};
use crate::http::Pages;
use crate::link::Job;
use crate::shard::now_ms;
use crate::socket;
use door::{Door, Shut, VISIT_MS};
use words::Lang;

const STYLE: &str = include_str!("../../templates/style.css");
/// Nothing but our own style sheet and forms; nobody may frame the page.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                              frame-ancestors 'none'; base-uri 'none'";
const VISIT: &str = "sotay-visit";
const LANG: &str = "sotay-lang";
/// Bytes of a form; a longer one is not read.
const FORM_BYTES_MAX: usize = 4096;
/// Seconds a browser remembers the language.
const LANG_SECONDS: i64 = 365 * 24 * 3600;

/// What the page needs.
#[derive(Clone)]
pub(crate) struct Web {
    pub pages: Pages,
    pub door: Arc<Door>,
    pub jobs: mpsc::Sender<Job>,
}

/// The page's routes.
pub(crate) fn router(web: Web) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/unit/{unit}", get(unit))
        .route("/in", post(show))
        .route("/in/{link}", get(enter))
        .route("/out", post(leave))
        .route("/lang/{lang}", get(language))
        .route("/style.css", get(style))
        .fallback(get(gone))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn(protect))
        .with_state(web)
}

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &str); 5] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A cookie's value.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn lang(headers: &HeaderMap) -> Lang {
    cookie(headers, LANG).and_then(Lang::of).unwrap_or_default()
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        // Templates are checked when they are compiled, and writing into memory cannot fail.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Web {
    fn is_in(&self, headers: &HeaderMap) -> bool {
        cookie(headers, VISIT).is_some_and(|visit| self.door.is_in(visit, now_ms()))
    }

    async fn ask(&self, ask: Ask) -> Result<Value, String> {
        match socket::put(&self.jobs, ask).await {
            Reply::Ok(value) => Ok(value),
            Reply::Error(words) => Err(words),
        }
    }
}

/// Asks to sign in; `why` says what was wrong with the last attempt.
fn sign_in(web: &Web, headers: &HeaderMap, why: Option<Why>) -> Response {
    let code = match why {
        Some(Why::Wait) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    };
    page(
        code,
        &view::SignIn::new(lang(headers), web.door.takes_token(), why),
    )
}

/// What was wrong with an attempt to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    LinkOver,
    WrongToken,
    Wait,
}

async fn overview(State(web): State<Web>, headers: HeaderMap) -> Response {
    if !web.is_in(&headers) {
        return sign_in(&web, &headers, None);
    }
    let units = web.ask(Ask::Units).await.ok();
    page(
        StatusCode::OK,
        &view::Overview::new(lang(&headers), &web, units.as_ref(), now_ms()),
    )
}

async fn unit(State(web): State<Web>, headers: HeaderMap, Path(unit): Path<String>) -> Response {
    if !web.is_in(&headers) {
        return sign_in(&web, &headers, None);
    }
    let devices = web.ask(Ask::Devices { unit: unit.clone() }).await;
    let spaces = web.ask(Ask::Spaces { unit: Some(unit) }).await;
    match (devices, spaces) {
        (Ok(devices), Ok(spaces)) => page(
            StatusCode::OK,
            &view::Unit::new(lang(&headers), &devices, &spaces, now_ms()),
        ),
        _ if web.pages.health.trouble().is_some() => page(
            StatusCode::SERVICE_UNAVAILABLE,
            &view::Gone::for_now(lang(&headers)),
        ),
        _ => not_found(&headers),
    }
}

fn not_found(headers: &HeaderMap) -> Response {
    page(StatusCode::NOT_FOUND, &view::Gone::new(lang(headers)))
}

async fn gone(headers: HeaderMap) -> Response {
    not_found(&headers)
}

async fn enter(State(web): State<Web>, headers: HeaderMap, Path(link): Path<String>) -> Response {
    match web.door.enter(&link, now_ms()) {
        None => sign_in(&web, &headers, Some(Why::LinkOver)),
        Some(visit) => welcome(&visit),
    }
}

fn welcome(visit: &str) -> Response {
    let seconds = VISIT_MS / 1000;
    let cookie = format!("{VISIT}={visit}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

#[derive(Deserialize)]
struct Shown {
    token: String,
}

async fn show(
    State(web): State<Web>,
    headers: HeaderMap,
    form: Result<Form<Shown>, FormRejection>,
) -> Response {
    // Not a form, or one too long.
    let Ok(Form(Shown { token })) = form else {
        return sign_in(&web, &headers, Some(Why::WrongToken));
    };
    match web.door.show(&token, now_ms()) {
        Ok(visit) => welcome(&visit),
        Err(Shut::Wrong) => sign_in(&web, &headers, Some(Why::WrongToken)),
        Err(Shut::Wait) => sign_in(&web, &headers, Some(Why::Wait)),
    }
}

async fn leave(State(web): State<Web>, headers: HeaderMap) -> Response {
    if let Some(visit) = cookie(&headers, VISIT) {
        web.door.leave(visit, now_ms());
    }
    let cookie = format!("{VISIT}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// Back to the page that is named in the query, which must be one of ours.
async fn language(Path(code): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(lang) = Lang::of(&code) else {
        return not_found(&headers);
    };
    let back = uri
        .query()
        .filter(|path| path.starts_with("/unit/"))
        .unwrap_or("/");
    let cookie = format!(
        "{LANG}={}; Path=/; SameSite=Strict; Max-Age={LANG_SECONDS}",
        lang.code()
    );
    ([(header::SET_COOKIE, cookie)], Redirect::to(back)).into_response()
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}
