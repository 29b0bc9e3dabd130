//! `/ui/` and `/docs`: pages for people.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::LOCATION;

use super::{OPERATOR, SERVICE};
use crate::api::parameter::ParameterType;
use crate::api::{Content, HeaderType, Operation, Parameter, ResponseType, headers};
use crate::handler;
use crate::http::response;
use crate::page::{self, PageFile};
use crate::problem::{Problem, ProblemType, types};
use crate::request::Request;
use crate::routes::{HandlerResult, Route};

/// The kit's own files: the page of the API's description, and the operator's page.
const KIT_FILES: &[PageFile] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

const INDEX: &str = "index.html";

const FILE: Parameter<String> = Parameter::required(
    "file",
    ParameterType {
        parse: |text| Ok(text.to_owned()),
        schema: || r#"{"type":"string","pattern":"^[a-z-]{1,40}\\.[a-z]{2,4}$"}"#.into(),
    },
    "page.js",
    "The file's name.",
);

const FILE_HEADERS: &[&HeaderType] = &[
    &headers::ETAG,
    &headers::VARY,
    &headers::CONTENT_ENCODING,
    &headers::CONTENT_SECURITY_POLICY,
    &headers::REFERRER_POLICY,
    &headers::CROSS_ORIGIN_OPENER_POLICY,
];

const HTML: Content = Content::other("text/html; charset=utf-8", &[]);

const A_PAGE: &[ResponseType] = &[
    ResponseType::new(StatusCode::OK, "The page.", HTML).headers(FILE_HEADERS),
    ResponseType::empty(StatusCode::NOT_MODIFIED, "The client has this page.").headers(FILE_HEADERS),
];

const A_FILE: &[ResponseType] = &[
    ResponseType::new(StatusCode::OK, "The file.", Content::other("*/*", &[])).headers(FILE_HEADERS),
    ResponseType::empty(StatusCode::NOT_MODIFIED, "The client has this file.").headers(FILE_HEADERS),
];

const TO_THE_PAGE: &[ResponseType] =
    &[ResponseType::empty(StatusCode::PERMANENT_REDIRECT, "The page is at `/ui/`.").headers(&[&headers::LOCATION])];

const PROBLEMS: &[&ProblemType] = &[&types::NOT_FOUND, &types::PRECONDITION_FAILED, &types::INTERNAL];

const fn page_operation(id: &'static str, responses: &'static [ResponseType]) -> Operation {
    Operation::new(id, &SERVICE).conditional().responses(responses).problems(PROBLEMS)
}

const SHOW_UI: Operation = page_operation("showPage", A_PAGE);
const SHOW_OPERATORS_UI: Operation = Operation { tag: &OPERATOR, ..page_operation("showOperatorsPage", A_PAGE) };
const GET_FILE: Operation = page_operation("getPageFile", A_FILE).path(&[&FILE]);
const SHOW_DOCS: Operation = page_operation("showDescription", A_PAGE);
const FIND_UI: Operation = page_operation("findPage", TO_THE_PAGE);

/// `GET /ui`: leads to `/ui/`.
#[must_use]
pub const fn ui_redirect<S: Send + Sync>() -> Route<S> {
    Route::get("/ui", handler!(redirect), "leads to the page").operation(&FIND_UI).public()
}

/// `GET /ui/`: the page of a service with [`Service::PAGE`](crate::Service::PAGE).
#[must_use]
pub const fn ui<S: Send + Sync>() -> Route<S> {
    Route::get("/ui/", handler!(show_ui), "the page for people").operation(&SHOW_UI).public()
}

/// `GET /ui/` on the operator's listener.
pub(super) const fn operators_ui() -> Route<()> {
    Route::get("/ui/", handler!(show_operators_ui), "the operator's page").operation(&SHOW_OPERATORS_UI).public()
}

/// `GET /ui/{file}`: the files of the pages.
#[must_use]
pub const fn ui_file<S: Send + Sync>() -> Route<S> {
    Route::get("/ui/{file}", handler!(show_file), "a file of a page").operation(&GET_FILE).public()
}

/// `GET /docs`: the API's description for people.
#[must_use]
pub const fn docs<S: Send + Sync>() -> Route<S> {
    Route::get("/docs", handler!(show_docs), "the routes for people").operation(&SHOW_DOCS).public()
}

async fn redirect<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    if !request.app.serves_pages {
        return Err(Problem::path_not_found());
    }
    let mut response = response::empty(StatusCode::PERMANENT_REDIRECT);
    // Relative: a proxy may have another path in front.
    response::set_header(&mut response, LOCATION, "ui/");
    Ok(response)
}

async fn show_ui<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    respond(&request, &[request.app.page], INDEX)
}

async fn show_operators_ui(_service: Arc<()>, request: Request) -> HandlerResult {
    respond(&request, &[KIT_FILES], "operator.html")
}

async fn show_file<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    let name = request.path_parameter(&FILE)?;
    respond(&request, &[request.app.page, KIT_FILES], &name)
}

async fn show_docs<S>(_service: Arc<S>, request: Request) -> HandlerResult {
    respond(&request, &[KIT_FILES], "docs.html")
}

/// The file of this name, in the first of these lists that has one.
fn respond(request: &Request, lists: &[&'static [PageFile]], name: &str) -> HandlerResult {
    let mut lists = lists.iter().filter(|_| request.app.serves_pages);
    let file = lists.find_map(|files| page::find(files, name)).ok_or_else(Problem::path_not_found)?;
    page::respond(file, request.headers())
}
