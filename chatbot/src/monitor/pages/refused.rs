//! What is not answered as asked, as a page.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::frame::Frame;
use super::login;
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;

/// What programs ask for: they are answered in their own way.
const FOR_PROGRAMS: [&str; 4] = ["/api/", "/assets/", "/health", "/metrics"];

/// Makes pages of problem documents; who is not logged in is sent to the form.
pub(in crate::monitor) async fn as_page(State(monitor): State<Monitor>, request: Request, next: Next) -> Response {
    if FOR_PROGRAMS.iter().any(|path| request.uri().path().starts_with(path)) {
        return next.run(request).await;
    }
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let (mut parts, body) = request.into_parts();
    let response = next.run(Request::from_parts(parts.clone(), body)).await;
    let Some(refusal) = response.extensions().get::<Refusal>().cloned() else { return response };
    if refusal == Refusal::NotLoggedIn {
        return login::redirect(&uri, &headers);
    }
    let (status, _, title) = refusal.kind();
    let content = html! { h1 { (title) } p { (refusal.detail()) "." } p { a.button href="/" { "To the overview" } } };
    match Frame::from_request_parts(&mut parts, &monitor).await {
        Ok(frame) => (status, frame.page(title, None, &content)).into_response(),
        // Without the database nobody knows who asks.
        Err(_) => (status, plain(title, &refusal)).into_response(),
    }
}

fn plain(title: &str, refusal: &Refusal) -> maud::Markup {
    html! {
        (maud::DOCTYPE)
        html lang="en" {
            (super::frame::head(title))
            body.login { main { div.card { h1 { (title) } p { (refusal.detail()) "." } p { a.button href="/" { "Try again" } } } } }
        }
    }
}
