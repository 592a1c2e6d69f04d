//! The values of a client or key as text. Forms carry them in hidden fields, so that a conflict can show what differs.

use std::time::SystemTime;

use keygate::manage::{ClientInfo, KeyInfo};
use maud::{Markup, html};

use super::client_form::{self, ClientTexts};
use super::conflict::Conflict;
use super::key_form::{self, KeyTexts};
use super::texts;
use crate::form::Form;
use crate::view::badge::key_word;
use crate::view::field::hidden;
use crate::view::time::utc;

/// The values that another operator can change.
pub(super) struct Facts(Vec<Fact>);

struct Fact {
    field: &'static str,
    label: &'static str,
    text: String,
}

/// The name of a field, and what was typed into it.
pub(super) type Typed = (&'static str, String);

impl Facts {
    pub(super) fn of_client(client: &ClientInfo) -> Self {
        let state = if client.enabled { "enabled" } else { "disabled" };
        let mut texts = ClientTexts::of(&client.profile);
        let of_profile = client_form::FACTS.map(|(field, label, fact)| Fact {
            field,
            label,
            text: std::mem::take(fact(&mut texts)),
        });
        let state = Fact { field: "state", label: "State", text: state.to_owned() };
        Self([state].into_iter().chain(of_profile).collect())
    }

    pub(super) fn of_key(key: &KeyInfo, now: SystemTime) -> Self {
        let mut texts = KeyTexts::of(key);
        let typed = key_form::FACTS.map(|(field, label, fact)| Fact {
            field,
            label,
            text: std::mem::take(fact(&mut texts)),
        });
        let others = [
            ("not-before", "Valid from", key.not_before().map(utc)),
            ("expiry", "Expires", Some(key.expires().map_or_else(|| "never".to_owned(), utc))),
            ("replaced-by", "Replaced by", key.replaced_by.map(|id| id.to_string())),
        ];
        let others = others.map(|(field, label, text)| Fact {
            field,
            label,
            text: text.unwrap_or_default(),
        });
        let state = key_word(key.status(now)).to_owned();
        let state = Fact { field: "state", label: "State", text: state };
        Self([state].into_iter().chain(typed).chain(others).collect())
    }

    /// Renders the hidden fields.
    pub(super) fn hidden(&self) -> Markup {
        html! { @for Fact { field, text, .. } in &self.0 { (hidden(&format!("was-{field}"), text)) } }
    }

    /// Returns the values that differ from those of the form when it was opened, or from the input.
    pub(super) fn conflicts(self, form: &Form, typed: &[Typed]) -> Vec<Conflict> {
        let conflict = |Fact { field, label, text: now }: Fact| {
            let was = form.all(&format!("was-{field}")).next()?.replace("\r\n", "\n");
            let typed = typed.iter().find(|(name, _)| *name == field).map(|(_, text)| text);
            let is_same = |text: &str| texts::is_same(field, text, &now);
            if is_same(&was) && typed.is_none_or(|typed| is_same(typed)) {
                return None;
            }
            Some(Conflict { fact: label, was, now, typed: typed.cloned() })
        };
        self.0.into_iter().filter_map(conflict).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new field of a key must be compared, too, or be listed here.
    #[test]
    fn every_field_of_a_key_that_can_change_is_compared() {
        // The first three never change, a use is no change, and the state tells whether the key was revoked.
        const LEFT_OUT: [&str; 5] = ["key_id", "client", "created", "last_used", "revoked"];
        let key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        let Facts(compared) = Facts::of_key(&key, SystemTime::UNIX_EPOCH);
        let name = |fact: &Fact| match fact.field {
            "expiry" => "expires".to_owned(),
            field => field.replace('-', "_"),
        };
        let mut compared: Vec<_> = compared.iter().map(name).collect();
        compared.extend(LEFT_OUT.map(str::to_owned));
        compared.sort_unstable();
        let json = serde_json::json!(key);
        let mut fields: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        fields.sort_unstable();
        assert_eq!(compared, fields);
    }
}
