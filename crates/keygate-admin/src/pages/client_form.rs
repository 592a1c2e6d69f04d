//! The form for a client, and the page that adds one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use keygate::ClientProfile;
use keygate::client::ProfileError;
use keygate::key::looks_like_key;
use maud::{Markup, html};

use super::facts::Typed;
use super::{must_change, refusal, texts};
use crate::app::App;
use crate::error::PageResult;
use crate::form::{self, Form};
use crate::layout::{Section, page_with, see_other};
use crate::operator::Operator;
use crate::view::client_path;
use crate::view::field::{Errors, Field, kept};

/// The values of a client as text, as the form has them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct ClientTexts {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) scopes: String,
    pub(super) networks: String,
    pub(super) quota: String,
    pub(super) metadata: String,
}

/// The fields that can be changed: their names, labels and accessors.
pub(super) type Fact = (&'static str, &'static str, fn(&mut ClientTexts) -> &mut String);
pub(super) const FACTS: [Fact; 5] = [
    ("title", "Title", |texts| &mut texts.title),
    ("scopes", "Scopes", |texts| &mut texts.scopes),
    ("networks", "Networks", |texts| &mut texts.networks),
    ("quota", "Quota", |texts| &mut texts.quota),
    ("metadata", "Metadata", |texts| &mut texts.metadata),
];

impl ClientTexts {
    pub(super) fn of(profile: &ClientProfile) -> Self {
        Self {
            name: profile.name().to_owned(),
            title: profile.title().unwrap_or_default().to_owned(),
            scopes: texts::lines(profile.scopes()),
            networks: texts::lines(profile.networks()),
            quota: texts::quota(profile.quota()),
            metadata: texts::metadata(profile.metadata()),
        }
    }

    /// Returns the unchecked input, with normalized line ends.
    pub(super) fn typed(form: &Form, name: &str, prefix: &str) -> Self {
        let mut typed = Self { name: name.to_owned(), ..Self::default() };
        for (field, _, fact) in FACTS {
            *fact(&mut typed) = form.text(&format!("{prefix}{field}")).replace("\r\n", "\n");
        }
        typed
    }

    /// Returns the input by the names of the fields.
    pub(super) fn by_field(&self) -> Vec<Typed> {
        let mut texts = self.clone();
        FACTS.map(|(field, _, fact)| (field, std::mem::take(fact(&mut texts)))).into()
    }

    /// Returns the texts without lines that look like keys, except lines that are already stored.
    pub(super) fn kept(&self, stored: &Self) -> Self {
        let (mut kept_texts, mut stored) = (self.clone(), stored.clone());
        kept_texts.name = kept(&self.name, &stored.name);
        for (_, _, fact) in FACTS {
            let text = fact(&mut kept_texts);
            *text = kept(text, fact(&mut stored));
        }
        kept_texts
    }

    /// Returns the profile, or adds the problems to `errors`. Texts that look like keys are refused, unless they are
    /// already stored.
    pub(super) fn parse(&self, stored: &Self, errors: &mut Errors) -> Option<ClientProfile> {
        const WHY: &str =
            "this looks like a key, and everyone can read it here: choose another text";
        let (mut new, mut old) = (self.clone(), stored.clone());
        if self.name != stored.name && looks_like_key(&self.name) {
            errors.add("name", WHY);
        }
        for (field, _, fact) in [FACTS[0], FACTS[4]] {
            let new = fact(&mut new);
            if kept(new, fact(&mut old)).lines().count() < new.lines().count() {
                errors.add(field, WHY);
            }
        }
        let scopes = errors.take("scopes", texts::items(&self.scopes));
        let networks = errors.take("networks", texts::items(&self.networks));
        let quota = errors.take("quota", texts::parse_quota(&self.quota));
        let metadata = errors.take("metadata", texts::parse_metadata(&self.metadata));

        let mut profile =
            ClientProfile::new(&self.name).with_metadata(metadata.unwrap_or_default());
        if !self.title.is_empty() {
            profile = profile.with_title(&self.title);
        }
        if let Err(error) = profile.validate() {
            errors.add(field_of(error), error);
        }
        if !errors.is_empty() {
            return None;
        }
        let profile = profile.with_scopes(scopes?).with_networks(networks?);
        Some(match quota? {
            Some(quota) => profile.with_quota(quota),
            None => profile,
        })
    }

    /// Renders the fields that can be changed.
    pub(super) fn fields(&self, errors: &Errors) -> Markup {
        html! {
            (Field::new("title", "Title").value(&self.title)
                .hint("A readable name, such as “ACME shop”. If empty, the name is shown.").line(errors))
            (Field::new("scopes", "Scopes").value(&self.scopes)
                .hint("What its keys may do, one scope per line, such as orders:read or orders:*.").lines(errors))
            (Field::new("quota", "Quota").value(&self.quota)
                .hint("One rate per line, such as 100/minute, or unlimited. If empty, the service’s default \
                       applies.").lines(errors))
            (Field::new("networks", "Networks").value(&self.networks)
                .hint("Where its keys may be used, one network per line, such as 10.0.0.0/8. If empty, \
                       everywhere.").lines(errors))
            (Field::new("metadata", "Metadata").value(&self.metadata)
                .hint("Your own notes, one name=value per line, such as team=billing.").lines(errors))
        }
    }
}

fn field_of(error: ProfileError) -> &'static str {
    match error {
        ProfileError::Name(_) => "name",
        ProfileError::Title(_) => "title",
        _ => "metadata",
    }
}

pub(super) async fn show(State(app): State<Arc<App>>, operator: Operator) -> PageResult {
    must_change(&operator)?;
    let empty = ClientTexts::default();
    Ok(respond(StatusCode::OK, &app, &operator, &empty, &Errors::default()))
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    operator: Operator,
    form: Form,
) -> PageResult {
    let typed = ClientTexts::typed(&form, form.text("name"), "");
    let kept = typed.kept(&ClientTexts::default());
    let mut errors = Errors::default();
    let Some(profile) = typed.parse(&ClientTexts::default(), &mut errors) else {
        return Ok(respond(StatusCode::UNPROCESSABLE_ENTITY, &app, &operator, &kept, &errors));
    };
    match operator.store(&app)?.add_client(profile).await {
        Ok(client) => {
            Ok(see_other(&app, &format!("{}?done=added", client_path(client.profile.name(), ""))))
        }
        Err(error) => {
            let (status, errors) = refusal(error)?;
            Ok(respond(status, &app, &operator, &kept, &errors))
        }
    }
}

fn respond(
    status: StatusCode,
    app: &App,
    operator: &Operator,
    typed: &ClientTexts,
    errors: &Errors,
) -> Response {
    let body = html! {
        p { "The new client is enabled, but has no keys. It can send requests once you issue a key." }
        (errors.summary())
        form method="post" action=(app.url("/clients/new")) {
            (form::csrf(operator))
            (Field::new("name", "Name").value(&typed.name)
                .hint("Identifies the client in logs, limits and usage. It cannot be changed later.").required_line(errors))
            (typed.fields(errors))
            div.actions {
                button.button.primary type="submit" { "Add the client" }
                a.button.quiet href=(app.url("/clients")) { "Cancel" }
            }
        }
    };
    page_with(status, app, operator, "Add a client", Section::Clients, body)
}
