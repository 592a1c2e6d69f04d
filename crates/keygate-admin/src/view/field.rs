//! Form fields: the label, the hint, the input, and its error.

use std::fmt::Display;

use keygate::key::looks_like_key;
use maud::{Markup, html};

use crate::error::sentence;
use crate::view::with_code;

/// The errors of a form, by field.
#[derive(Default)]
pub(crate) struct Errors {
    messages: Vec<(&'static str, String)>,
    /// The title of the summary, unless nothing was changed yet.
    title: Option<&'static str>,
}

impl Errors {
    pub(crate) fn one(field: &'static str, message: impl Display) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Whether the store failed to make the change.
    pub(crate) fn failure(message: impl Display) -> Self {
        Self { title: Some("The change failed."), ..Self::one("", message) }
    }

    /// Whether the store made the change is not known.
    pub(crate) fn unknown(message: impl Display) -> Self {
        let title = "The change failed, or could not be confirmed.";
        Self { title: Some(title), ..Self::one("", message) }
    }

    /// Adds a message. With the field `""`, the message is about the whole form.
    pub(crate) fn add(&mut self, field: &'static str, message: impl Display) {
        self.messages.push((field, sentence(&message.to_string())));
    }

    /// Returns the value, or adds the error to the field.
    pub(crate) fn take<T>(
        &mut self,
        field: &'static str,
        value: Result<T, impl Display>,
    ) -> Option<T> {
        value.map_err(|error| self.add(field, error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn at(&self, field: &str) -> impl Iterator<Item = &str> {
        self.messages
            .iter()
            .filter(move |(known, _)| *known == field)
            .map(|(_, message)| &**message)
    }

    /// Returns the summary above the form, with a link to each field.
    pub(crate) fn summary(&self) -> Markup {
        self.titled(self.title.unwrap_or("Nothing was changed yet."))
    }

    /// Returns the summary above the filters of a list.
    pub(crate) fn summary_of_filters(&self) -> Markup {
        self.titled("These filters cannot be applied.")
    }

    fn titled(&self, title: &str) -> Markup {
        html! {
            @if !self.is_empty() {
                div.errors role="alert" {
                    p { strong { (title) } }
                    ul {
                        @for (field, message) in &self.messages {
                            @if field.is_empty() { li { (with_code(message)) } }
                            @else { li { a href={ "#" (field) } { (with_code(message)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// A field of a form.
pub(crate) struct Field<'a> {
    name: &'a str,
    label: &'a str,
    hint: &'a str,
    value: &'a str,
}

impl<'a> Field<'a> {
    pub(crate) fn new(name: &'a str, label: &'a str) -> Self {
        Self { name, label, hint: "", value: "" }
    }

    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    pub(crate) fn value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    /// Renders an input for one line of text.
    pub(crate) fn line(&self, errors: &Errors) -> Markup {
        self.typed("text", false, errors)
    }

    /// Renders a required input for one line of text.
    pub(crate) fn required_line(&self, errors: &Errors) -> Markup {
        self.typed("text", true, errors)
    }

    /// Renders an input for a date.
    pub(crate) fn day(&self, errors: &Errors) -> Markup {
        self.typed("date", false, errors)
    }

    fn typed(&self, kind: &str, required: bool, errors: &Errors) -> Markup {
        let Self { name, value, .. } = self;
        self.around(errors, &html! {
            input id=(name) name=(name) type=(kind) value=(value) required[required]
                autocomplete="off" spellcheck="false" autocapitalize="off"
                aria-describedby=[self.described_by(errors)] aria-invalid=[self.invalid(errors)];
        })
    }

    /// Renders an input for several lines of text.
    pub(crate) fn lines(&self, errors: &Errors) -> Markup {
        let Self { name, value, .. } = self;
        let rows = (value.lines().count() + 1).clamp(2, 12);
        self.around(errors, &html! {
            // HTML drops a newline at the start of a text area.
            textarea id=(name) name=(name) rows=(rows) autocomplete="off" spellcheck="false" autocapitalize="off"
                aria-describedby=[self.described_by(errors)] aria-invalid=[self.invalid(errors)] {
                "\n" (value)
            }
        })
    }

    fn around(&self, errors: &Errors, control: &Markup) -> Markup {
        let Self { name, label, hint, .. } = self;
        html! {
            div.field {
                label for=(name) { (label) }
                (control)
                (error(name, errors))
                @if !hint.is_empty() { p.hint id={ (name) "-hint" } { (hint) } }
            }
        }
    }

    fn described_by(&self, errors: &Errors) -> Option<String> {
        let Self { name, hint, .. } = self;
        let error = errors.at(name).next().map(|_| format!("{name}-error"));
        let hint = Some(format!("{name}-hint")).filter(|_| !hint.is_empty());
        let ids: Vec<_> = error.into_iter().chain(hint).collect();
        Some(ids.join(" ")).filter(|ids| !ids.is_empty())
    }

    fn invalid(&self, errors: &Errors) -> Option<&'static str> {
        errors.at(self.name).next().map(|_| "true")
    }
}

/// Renders the error of a field.
pub(crate) fn error(name: &str, errors: &Errors) -> Markup {
    html! {
        @if errors.at(name).next().is_some() {
            p.error id={ (name) "-error" } { @for message in errors.at(name) { (with_code(message)) " " } }
        }
    }
}

/// An option of a radio group, with its explanation.
pub(crate) struct Choice<'a> {
    pub(crate) value: &'a str,
    pub(crate) label: Markup,
}

/// Renders a radio group.
pub(crate) fn choices(
    name: &str,
    legend: &str,
    chosen: &str,
    choices: &[Choice<'_>],
    errors: &Errors,
) -> Markup {
    let described = errors.at(name).next().map(|_| format!("{name}-error"));
    html! {
        fieldset.choices.list id=(name) aria-describedby=[described] {
            legend { (legend) }
            @for Choice { value, label } in choices {
                label.choice { input type="radio" name=(name) value=(value) checked[*value == chosen]; " " span { (label) } }
            }
            (error(name, errors))
        }
    }
}

/// Renders a hidden field.
pub(crate) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// Removes lines that look like a key from the input, so that no page shows a key typed into the wrong field. Lines
/// that are also in the stored text are kept.
pub(crate) fn kept(typed: &str, stored: &str) -> String {
    let is_kept = |line: &&str| !looks_like_key(line) || stored.lines().any(|known| known == *line);
    typed.lines().filter(is_kept).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_shown_at_the_field_and_above_the_form() {
        let errors = Errors::one("quota", "the unit is <wrong>");
        let field = Field::new("quota", "Quota").hint("Like 9/day.").value("9/week\"");
        let html = field.line(&errors).into_string();
        assert!(html.contains(r#"value="9/week&quot;""#), "{html}");
        assert!(html.contains(r#"aria-describedby="quota-error quota-hint""#), "{html}");
        assert!(html.contains(r#"aria-invalid="true""#), "{html}");
        assert!(html.contains("The unit is &lt;wrong&gt;"), "{html}");
        assert!(errors.summary().into_string().contains(r##"<a href="#quota">"##));
        assert!(!Field::new("title", "Title").line(&errors).into_string().contains("aria-"));
    }

    #[test]
    fn typed_key_is_removed_unless_it_is_stored() {
        let key = keygate::ApiKey::generate("kg").unwrap();
        let (one, other) = (format!("a={}", key.expose()), "b=production");
        let typed = format!("{one}\r\n{other}");
        assert_eq!(kept(&typed, ""), other);
        assert_eq!(kept(&typed, &one), format!("{one}\n{other}"));
    }
}
