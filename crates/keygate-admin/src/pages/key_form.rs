//! The form fields of a key: label, scopes and networks.

use keygate::client::Network;
use keygate::key::looks_like_key;
use keygate::manage::KeyInfo;
use keygate::{ClientProfile, Scope};
use maud::{Markup, html};

use super::facts::Typed;
use super::texts;
use crate::form::Form;
use crate::view::field::{Errors, Field, error, kept};

/// The maximum number of checkboxes. Clients with more scopes get a text field instead.
const TICKED_SCOPES: usize = 24;

/// The values of a key as text, as the form has them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct KeyTexts {
    pub(super) label: String,
    pub(super) scopes: String,
    pub(super) networks: String,
}

/// The fields: their names, labels and accessors.
pub(super) type Fact = (&'static str, &'static str, fn(&mut KeyTexts) -> &mut String);
pub(super) const FACTS: [Fact; 3] = [
    ("label", "Label", |texts| &mut texts.label),
    ("scopes", "Scopes", |texts| &mut texts.scopes),
    ("networks", "Networks", |texts| &mut texts.networks),
];

/// The values of a key that the form can set.
pub(super) struct KeyDraft {
    pub(super) label: Option<String>,
    pub(super) scopes: Vec<Scope>,
    pub(super) networks: Vec<Network>,
}

impl KeyTexts {
    pub(super) fn of(key: &KeyInfo) -> Self {
        Self {
            label: key.label.clone().unwrap_or_default(),
            scopes: texts::lines(&key.scopes),
            networks: texts::lines(&key.networks),
        }
    }

    /// Returns the unchecked input.
    pub(super) fn typed(form: &Form, prefix: &str) -> Self {
        let text = |name: &str| form.text(&format!("{prefix}{name}")).replace("\r\n", "\n");
        let ticked = format!("{prefix}scope");
        let typed = text("scopes");
        let scopes = form.all(&ticked).chain([&*typed]).filter(|scope| !scope.is_empty());
        let scopes = scopes.collect::<Vec<_>>().join("\n");
        Self { label: text("label"), scopes, networks: text("networks") }
    }

    /// Returns the input by the names of the fields.
    pub(super) fn by_field(&self) -> Vec<Typed> {
        let mut texts = self.clone();
        FACTS.map(|(field, _, fact)| (field, std::mem::take(fact(&mut texts)))).into()
    }

    /// Returns the texts without lines that look like keys, except lines that are already stored.
    pub(super) fn kept(&self, stored: &Self) -> Self {
        Self {
            label: kept(&self.label, &stored.label),
            scopes: kept(&self.scopes, &stored.scopes),
            networks: kept(&self.networks, &stored.networks),
        }
    }

    /// Returns the values, or adds the problems to `errors`.
    pub(super) fn parse(&self, stored: &Self, errors: &mut Errors) -> Option<KeyDraft> {
        if self.label != stored.label && looks_like_key(&self.label) {
            errors.add(
                "label",
                "this looks like a key, and everyone can read it here: choose another text",
            );
        }
        let scopes = errors.take("scopes", texts::items(&self.scopes));
        let networks = errors.take("networks", texts::items(&self.networks));
        let label = Some(self.label.clone()).filter(|label| !label.is_empty());
        errors.is_empty().then_some(())?;
        Some(KeyDraft { label, scopes: scopes?, networks: networks? })
    }

    /// Renders the fields for a key of this client.
    pub(super) fn fields(&self, client: &ClientProfile, errors: &Errors) -> Markup {
        let is_ticked = client.scopes().len() <= TICKED_SCOPES;
        let of_client = |scope: &&str| client.scopes().iter().any(|known| known.as_str() == *scope);
        let (ticked, typed): (Vec<_>, Vec<_>) =
            self.scopes.lines().partition(|scope| is_ticked && of_client(scope));
        let typed = typed.join("\n");
        html! {
            (Field::new("label", "Label").value(&self.label)
                .hint("What the key is for, such as “production” or “Ann’s laptop”.").line(errors))
            @if client.scopes().is_empty() {
                div.field {
                    p { strong { "Scopes" } ": none, because the client has none." }
                    (error("scopes", errors))
                }
            } @else {
                @if is_ticked {
                    fieldset.choices {
                        legend { "Scopes" }
                        @for scope in client.scopes() {
                            label.choice {
                                input type="checkbox" name="scope" value=(scope.as_str()) checked[ticked.contains(&scope.as_str())];
                                " " span.scope { (scope.as_str()) }
                            }
                        }
                        p.hint { "If none is ticked, the key has all scopes of the client, including those added \
                                  later." }
                    }
                }
                (Field::new("scopes", if is_ticked { "Narrower scopes" } else { "Scopes" }).value(&typed)
                    .hint("One per line, within the client’s scopes: orders:read, for example, if the client has \
                           orders:*.").lines(errors))
            }
            (Field::new("networks", "Networks").value(&self.networks)
                .hint("Where the key may be used, one network per line, such as 10.0.0.0/8. They must be within the \
                       client’s networks. If empty, the client’s networks apply.")
                .lines(errors))
        }
    }
}

/// Renders the scopes of a key, and whether they are the client's.
pub(super) fn scopes(client: &ClientProfile, own: &[Scope]) -> Markup {
    html! {
        @if own.is_empty() && client.scopes().is_empty() { span.muted { "none" } }
        @else {
            @for scope in if own.is_empty() { client.scopes() } else { own } { span.scope { (scope.as_str()) } " " }
            @if own.is_empty() { span.muted { "(all of the client’s)" } }
        }
    }
}

/// Renders the networks from which a key may be used, and whether they are the client's.
pub(super) fn networks(client: &ClientProfile, own: &[Network]) -> Markup {
    html! {
        @if own.is_empty() && client.networks().is_empty() { span.muted { "everywhere" } }
        @else {
            @for network in if own.is_empty() { client.networks() } else { own } { code { (network.to_string()) } " " }
            @if own.is_empty() { span.muted { "(same as the client)" } }
        }
    }
}
