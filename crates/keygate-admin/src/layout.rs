//! The frame around every page.

use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use maud::{DOCTYPE, Markup, html};

use crate::app::App;
use crate::assets::{ICON, SCRIPT, STYLE};
use crate::form;
use crate::operator::Operator;

/// The sections of the page, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Clients,
    Keys,
    Safety,
    Usage,
    Events,
    Health,
}

impl Section {
    const ALL: &[Self] =
        &[Self::Clients, Self::Keys, Self::Safety, Self::Usage, Self::Events, Self::Health];

    fn name(self) -> &'static str {
        match self {
            Self::Clients => "Clients",
            Self::Keys => "Keys",
            Self::Safety => "Key safety",
            Self::Usage => "Usage",
            Self::Events => "Events",
            Self::Health => "Health",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Clients => "/clients",
            Self::Keys => "/keys",
            Self::Safety => "/safety",
            Self::Usage => "/usage",
            Self::Events => "/events",
            Self::Health => "/health",
        }
    }
}

/// Returns a page with status 200, with `title` as its heading above the body.
pub(crate) fn page(
    app: &App,
    operator: &Operator,
    title: &str,
    section: impl Into<Option<Section>>,
    body: Markup,
) -> Response {
    page_with(StatusCode::OK, app, operator, title, section, body)
}

/// Returns a page with another status.
pub(crate) fn page_with(
    status: StatusCode,
    app: &App,
    operator: &Operator,
    title: &str,
    section: impl Into<Option<Section>>,
    body: Markup,
) -> Response {
    let current: Option<Section> = section.into();
    let header = html! {
        nav aria-label="Sections" {
            ul {
                @for section in Section::ALL {
                    li {
                        a href=(app.url(section.path())) aria-current=[(current == Some(*section)).then_some("page")] {
                            (section.name())
                        }
                    }
                }
            }
        }
        div .account {
            span .who { (operator.name()) @if !operator.may_change() { " " span .badge.muted { "read only" } } }
            @if operator.session().is_some() {
                form method="post" action=(app.url("/sign-out")) {
                    (form::csrf(operator))
                    button .button.quiet type="submit" { "Sign out" }
                }
            }
        }
    };
    document(app, status, title, header, body)
}

/// Returns a page without navigation, for people who are not signed in.
pub(crate) fn signed_out(app: &App, status: StatusCode, title: &str, body: Markup) -> Response {
    document(app, status, title, html! {}, body)
}

#[expect(clippy::needless_pass_by_value, reason = "the markup is used once")]
fn document(app: &App, status: StatusCode, title: &str, header: Markup, body: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · keygate" }
                link rel="stylesheet" href=(app.url(&STYLE.path));
                link rel="icon" href=(app.url(&ICON.path)) type="image/svg+xml";
                script src=(app.url(&SCRIPT.path)) defer {}
            }
            body {
                a .skip href="#main" { "Skip to content" }
                header {
                    div .shell {
                        a .brand href=(app.url("/")) { "keygate" }
                        (header)
                    }
                }
                main #main .shell tabindex="-1" {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    (status, Html(page.into_string())).into_response()
}

/// Redirects with 303 after a form was processed. `path` has the same form as in [`App::url`].
pub(crate) fn see_other(app: &App, path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, app.url(path))]).into_response()
}
