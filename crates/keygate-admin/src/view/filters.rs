//! The filter form above a list.

use maud::{Markup, Render, html};

use crate::app::App;
use crate::view::field::{Errors, error};
use crate::view::time::parse_day;

/// A form of filters, in the order in which they were added.
pub(crate) struct FilterForm<'a> {
    /// The URL of the list without filters.
    action: String,
    errors: &'a Errors,
    fields: Vec<Markup>,
    is_filtered: bool,
}

impl<'a> FilterForm<'a> {
    pub(crate) fn new(app: &App, path: &str, errors: &'a Errors) -> Self {
        Self { action: app.url(path), errors, fields: Vec::new(), is_filtered: false }
    }

    /// Adds a text field.
    pub(crate) fn text(self, name: &str, label: &str, value: &str, placeholder: &str) -> Self {
        self.line("text", name, label, value, placeholder)
    }

    /// Adds a search field, for the beginning of a name.
    pub(crate) fn search(self, label: &str, value: &str) -> Self {
        self.line("search", "search", label, value, "")
    }

    /// Adds a date field.
    pub(crate) fn day(mut self, name: &str, label: &str, value: &str) -> Self {
        self.is_filtered |= !value.is_empty();
        // Browsers ignore other values, and log a warning.
        let day = if parse_day(value).is_some() { value } else { "" };
        self.line("date", name, label, day, "")
    }

    fn line(self, kind: &str, name: &str, label: &str, value: &str, placeholder: &str) -> Self {
        let placeholder = Some(placeholder).filter(|text| !text.is_empty());
        self.field(
            name,
            label,
            value,
            &html! {
                input id=(name) name=(name) type=(kind) value=(value) placeholder=[placeholder]
                    autocomplete="off" spellcheck="false";
            },
        )
    }

    /// Adds a choice of these values, each with its text.
    pub(crate) fn choice<'c, W: Render>(
        self,
        name: &str,
        label: &str,
        value: &str,
        choices: impl IntoIterator<Item = (&'c str, W)>,
    ) -> Self {
        self.field(
            name,
            label,
            value,
            &html! {
                select id=(name) name=(name) {
                    @for (choice, words) in choices {
                        option value=(choice) selected[choice == value] { (words) }
                    }
                }
            },
        )
    }

    fn field(mut self, name: &str, label: &str, value: &str, control: &Markup) -> Self {
        self.is_filtered |= !value.is_empty();
        self.fields.push(html! {
            div.field {
                label for=(name) { (label) }
                (control)
                (error(name, self.errors))
            }
        });
        self
    }

    /// Keeps the order of the list, unless it is the default.
    pub(crate) fn sorted(mut self, sort: &str, usual: &str) -> Self {
        if sort != usual {
            self.fields.push(html! { input type="hidden" name="sort" value=(sort); });
        }
        self
    }

    /// Renders the form. With JavaScript, typing into it updates the list (`id="list"`).
    pub(crate) fn show(&self) -> Markup {
        html! {
            form.filters method="get" data-filter="list" action=(self.action) role="search" {
                @for field in &self.fields { (field) }
                button.button type="submit" { "Filter" }
                @if self.is_filtered { a href=(self.action) { "Show all" } }
            }
        }
    }
}
