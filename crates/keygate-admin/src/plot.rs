//! SVG plots, without scripts or inline styles.
//!
//! Bars stretch to the available width, while text is HTML beside them. So plots are as legible at 360 pixels as at
//! 1,400. The colours are in the stylesheet.

use maud::{Markup, html};

use crate::view::time::grouped;

/// A series, drawn as one colour of the bars.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// The CSS class of the colour: `ok`, `warn` or `bad`.
    pub(crate) class: &'static str,
}

/// A bar: the values of one time, in the order of the series.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) values: Vec<u64>,
}

impl Bar {
    fn sum(&self) -> u64 {
        self.values.iter().fold(0, |sum, value| sum.saturating_add(*value))
    }
}

/// The drawing units: a bar with its gap is ten wide, and the plot is a hundred high.
const STEP: usize = 10;
const BAR: usize = 8;
const HEIGHT: f64 = 100.0;

/// Draws stacked bars over time. `id` must be unique within the page.
pub(crate) fn bars(id: &str, title: &str, series: &[Series], bars: &[Bar]) -> Markup {
    let top = round_up(bars.iter().map(Bar::sum).max().unwrap_or_default());
    let width = STEP * bars.len().max(1);
    let (title_id, text_id) = (format!("{id}-title"), format!("{id}-text"));
    html! {
        figure.plot {
            figcaption {
                @for series in series {
                    span.series { span class=(format!("swatch {}", series.class)) {} " " (series.name) }
                }
            }
            div.plot-area {
                div.plot-scale aria-hidden="true" {
                    @for value in [top, top / 2, 0] { span { (grouped(value)) } }
                }
                svg viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" role="img"
                    aria-labelledby=(format!("{title_id} {text_id}")) {
                    title id=(title_id) { (title) }
                    desc id=(text_id) { (description(series, bars)) }
                    @for y in [0, 50, 100] {
                        path.gridline d=(format!("M0 {y}H{width}")) {}
                    }
                    @for (number, bar) in bars.iter().enumerate() {
                        g {
                            title { (tooltip(series, bar)) }
                            (stack(STEP * number + 1, series, bar, top))
                        }
                    }
                }
            }
            div.plot-times aria-hidden="true" {
                @for bar in marks(bars) { span { (bar.label) } }
            }
        }
    }
}

/// Draws the segments of one bar, from the bottom up.
fn stack(x: usize, series: &[Series], bar: &Bar, top: u64) -> Markup {
    let mut sum = 0_u64;
    let parts = series.iter().zip(&bar.values).filter(|(_, value)| **value > 0);
    let parts = parts.map(|(series, value)| {
        let below = share(sum, top);
        sum = sum.saturating_add(*value);
        (series.class, HEIGHT - share(sum, top), share(sum, top) - below)
    });
    html! {
        @for (class, y, height) in parts {
            rect class=(class) x=(x) y=(format!("{y:.2}")) width=(BAR) height=(format!("{height:.2}")) {}
        }
    }
}

/// Draws a sparkline, such as a client's requests per hour. `label` describes the values in words.
pub(crate) fn sparkline(values: &[u64], label: &str) -> Markup {
    let top = values.iter().copied().max().unwrap_or_default().max(1);
    let y = |value: u64| 19.0 - share(value, top) * 18.0 / HEIGHT;
    let points = values.iter().enumerate();
    let points = points.map(|(x, value)| format!("{x},{:.1}", y(*value))).collect::<Vec<_>>();
    let width = values.len().saturating_sub(1).max(1);
    html! {
        svg.sparkline viewBox=(format!("0 0 {width} 20")) preserveAspectRatio="none" role="img" {
            title { (label) }
            polyline points=(points.join(" ")) {}
        }
    }
}

/// Rounds up to 2, 4, 10, 20, 40, 100 and so on, so that half of the result is a whole number.
fn round_up(value: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for factor in [2, 4, 10] {
            let top = unit.saturating_mul(factor);
            if value <= top {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// Returns the height of a value, out of a hundred.
#[expect(clippy::cast_precision_loss, reason = "a plot needs less precision")]
fn share(value: u64, top: u64) -> f64 {
    HEIGHT * value as f64 / top as f64
}

/// Returns the bars whose times are written below the plot: the first, the middle and the last one.
fn marks(bars: &[Bar]) -> Vec<&Bar> {
    match bars.len() {
        0 => Vec::new(),
        1 | 2 => bars.iter().collect(),
        length => vec![&bars[0], &bars[length / 2], &bars[length - 1]],
    }
}

fn tooltip(series: &[Series], bar: &Bar) -> String {
    let values = series.iter().zip(&bar.values);
    let values = values.map(|(series, value)| format!("{} {}", grouped(*value), series.name));
    format!("{}: {}", bar.label, values.collect::<Vec<_>>().join(", "))
}

/// Describes the plot in words.
fn description(series: &[Series], bars: &[Bar]) -> String {
    let sum = |number: usize| {
        let values = bars.iter().filter_map(|bar| bar.values.get(number));
        values.fold(0_u64, |sum, value| sum.saturating_add(*value))
    };
    let sums = series.iter().enumerate();
    let sums = sums.map(|(number, series)| format!("{} {}", grouped(sum(number)), series.name));
    let sums = sums.collect::<Vec<_>>().join(", ");
    let highest = bars.iter().max_by_key(|bar| bar.sum()).filter(|bar| bar.sum() > 0);
    let highest = highest.map_or(String::new(), |bar| {
        format!(" The peak was at {}, with {}.", bar.label, grouped(bar.sum()))
    });
    format!("{sums} in total.{highest} The table lists every value.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIES: [Series; 2] =
        [Series { name: "served", class: "ok" }, Series { name: "refused", class: "bad" }];

    fn bar(label: &str, values: [u64; 2]) -> Bar {
        Bar { label: label.to_owned(), values: values.to_vec() }
    }

    #[test]
    fn parts_of_a_bar_are_stacked_to_scale() {
        let plot = bars("p", "Requests", &SERIES, &[bar("10:00", [30, 10]), bar("11:00", [0, 20])]);
        let plot = plot.into_string();
        // The scale ends at 40.
        assert!(
            plot.contains(r#"<rect class="ok" x="1" y="25.00" width="8" height="75.00">"#),
            "{plot}"
        );
        assert!(
            plot.contains(r#"<rect class="bad" x="1" y="0.00" width="8" height="25.00">"#),
            "{plot}"
        );
        assert!(
            plot.contains(r#"<rect class="bad" x="11" y="50.00" width="8" height="50.00">"#),
            "{plot}"
        );
        assert_eq!(plot.matches("<rect").count(), 3, "{plot}");
        assert!(
            plot.contains("30 served, 30 refused in total. The peak was at 10:00, with 40."),
            "{plot}"
        );
        assert!(!plot.contains("style="), "{plot}");
    }

    #[test]
    fn empty_plot_is_drawn_and_labels_are_escaped() {
        let plot = bars("p", "<b>", &SERIES, &[]).into_string();
        assert!(
            plot.contains("&lt;b&gt;") && plot.contains("0 served, 0 refused in total. The table"),
            "{plot}"
        );
        let line = sparkline(&[], "<i>").into_string();
        assert!(line.contains("&lt;i&gt;") && line.contains(r#"points="""#), "{line}");
        let line = sparkline(&[0, 5, 10], "x").into_string();
        assert!(line.contains(r#"points="0,19.0 1,10.0 2,1.0""#), "{line}");
        assert!(sparkline(&[0, 0], "x").into_string().contains(r#"points="0,19.0 1,19.0""#));
    }

    #[test]
    fn scale_ends_above_the_highest_value() {
        for (value, top) in [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (41, 100), (1_001, 2_000)] {
            assert_eq!(round_up(value), top, "{value}");
        }
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }
}
