//! What is around every page: navigation, who is here, and what was done last.

use axum::extract::FromRequestParts;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use maud::{DOCTYPE, Markup, html};

use crate::monitor::actions::Done;
use crate::monitor::assets;
use crate::monitor::refusal::Refusal;
use crate::monitor::state::Monitor;
use crate::monitor::visitor::{self, Visitor};

/// Carries what was done to the page that is shown next.
const SAID: &str = "chatbot_monitor_said";
/// Nothing of ours says more.
const MOST_SAID: usize = 400;

/// The places of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Tasks,
    Dead,
    Workers,
    Schedules,
    History,
}

impl Place {
    const ALL: [Self; 6] = [Self::Overview, Self::Tasks, Self::Dead, Self::Workers, Self::Schedules, Self::History];

    const fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("/", "Overview"),
            Self::Tasks => ("/tasks", "Tasks"),
            Self::Dead => ("/tasks?state=discarded", "Dead letters"),
            Self::Workers => ("/workers", "Workers"),
            Self::Schedules => ("/schedules", "Schedules"),
            Self::History => ("/history", "History"),
        }
    }
}

/// A page in the making.
#[derive(Debug)]
pub(super) struct Frame {
    visitor: Visitor,
    tier: &'static str,
    release: String,
    said: Option<String>,
}

impl FromRequestParts<Monitor> for Frame {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, monitor: &Monitor) -> Result<Self, Refusal> {
        let visitor = Visitor::from_request_parts(parts, monitor).await?;
        let environment = &monitor.app.config.environment;
        let said = visitor::cookie(&parts.headers, SAID).and_then(|said| URL_SAFE_NO_PAD.decode(said).ok());
        let said = said.and_then(|said| String::from_utf8(said).ok()).filter(|said| said.len() <= MOST_SAID);
        Ok(Self { visitor, tier: environment.tier.as_str(), release: environment.release_id.clone(), said })
    }
}

impl Frame {
    /// The whole page. What was done last is told once.
    pub(super) fn page(&self, title: &str, place: Option<Place>, content: &Markup) -> Response {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                (head(title))
                body.(self.visitor.person.may.as_str()) {
                    a.skip href="#content" { "Skip to content" }
                    (self.header(place))
                    main #content tabindex="-1" {
                        @if let Some(said) = &self.said { p.said role="status" { (said) } }
                        (content)
                    }
                    (self.footer())
                }
            }
        };
        let gone = format!("{SAID}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
        let headers = self.said.is_some().then_some((SET_COOKIE, gone));
        (AppendHeaders(headers), page).into_response()
    }

    fn header(&self, place: Option<Place>) -> Markup {
        html! {
            header.top {
                a.brand href="/" { img src=(asset("icon.svg")) alt="" width="28" height="28"; span { "Task monitor" } }
                nav aria-label="Pages" {
                    ul {
                        @for other in Place::ALL {
                            @let (link, name) = other.link();
                            li { a href=(link) aria-current=[(place == Some(other)).then_some("page")] { (name) } }
                        }
                    }
                }
                div.who {
                    span.badge.(self.tier) { (self.tier) }
                    span.name { (self.visitor.person.name) }
                    button.quiet.leave type="submit" form="act" formaction="/logout" { "Log out" }
                }
            }
        }
    }

    /// The one form of all buttons: what they do is their own `formaction`, that it is the visitor who asks is said here.
    fn footer(&self) -> Markup {
        html! {
            footer {
                span #live .live role="status" { "Not live: reload to see what is new" }
                span { "release " code { (self.release) } }
                a href="/api/openapi.json" { "API" }
            }
            form #act method="post" { input type="hidden" name="csrf" value=(self.visitor.csrf()); }
            div #announce .unseen role="status" aria-live="polite" {}
        }
    }
}

/// Goes to a page, which tells what was done.
pub(super) fn say(done: &Done, then: &str) -> Response {
    let said = URL_SAFE_NO_PAD.encode(&done.message);
    let cookie = format!("{SAID}={said}; Path=/; Max-Age=30; HttpOnly; SameSite=Strict");
    (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(then)).into_response()
}

/// The head of every page.
pub(super) fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Task monitor" }
            link rel="icon" href=(asset("icon.svg")) type="image/svg+xml";
            link rel="stylesheet" href=(asset("monitor.css"));
            script src=(asset("monitor.js")) defer {}
        }
    }
}

/// Where an asset is.
pub(super) fn asset(name: &str) -> String {
    format!("/assets/{}/{name}", assets::version())
}
