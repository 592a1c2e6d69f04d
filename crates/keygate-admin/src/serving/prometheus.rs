//! The metrics of a serving process, in the Prometheus text format.

use std::collections::BTreeMap;
use std::time::Duration;

/// The metrics of a process. Values that the metrics do not include are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Serving {
    pub(crate) stores: BTreeMap<String, ServedStore>,
    /// Requests by outcome, since the process started.
    pub(crate) outcomes: BTreeMap<String, u64>,
    pub(crate) latency: Option<Latency>,
}

/// A store in the memory of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ServedStore {
    pub(crate) keys: Option<u64>,
    /// The age of the keys; infinite before the first contact.
    pub(crate) age: Option<f64>,
    /// How long the store has failed to follow its file or database; 0 if it is following.
    pub(crate) failing: Option<f64>,
}

/// The latency of all requests since the service started.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Latency {
    /// The name of the metric.
    pub(crate) metric: String,
    pub(crate) mean: Duration,
    /// The 99th percentile: 99 of 100 requests took at most this long.
    pub(crate) within: Option<Duration>,
}

/// The names that common libraries use for request durations.
const DURATIONS: [&str; 5] = [
    "http_server_request_duration_seconds",
    "http_request_duration_seconds",
    "http_requests_duration_seconds",
    "axum_http_requests_duration_seconds",
    "actix_web_prom_http_requests_duration_seconds",
];

impl Serving {
    /// Parses the text, and skips lines that are not valid. Returns `None` if it has no keygate metrics.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut serving = Self::default();
        let mut durations: BTreeMap<&str, Durations> = BTreeMap::new();
        for sample in text.lines().filter_map(Sample::parse) {
            let label = |name| sample.label(name);
            match sample.name {
                "keygate_requests_total" => {
                    let outcomes = &mut serving.outcomes;
                    *outcomes.entry(label("outcome").unwrap_or_default()).or_default() +=
                        sample.count();
                }
                "keygate_keys" | "keygate_store_age_seconds" | "keygate_store_failing_seconds" => {
                    let store =
                        serving.stores.entry(label("store").unwrap_or_default()).or_default();
                    match sample.name {
                        "keygate_keys" => store.keys = Some(sample.count()),
                        "keygate_store_age_seconds" => store.age = Some(sample.value),
                        _ => store.failing = Some(sample.value),
                    }
                }
                name => {
                    let known = DURATIONS.into_iter();
                    let mut known =
                        known.filter_map(|metric| Some((metric, name.strip_prefix(metric)?)));
                    if let Some((metric, part)) = known.next() {
                        durations.entry(metric).or_default().add(part, &sample);
                    }
                }
            }
        }
        let is_known = !serving.stores.is_empty() || !serving.outcomes.is_empty();
        serving.latency =
            durations.iter().find_map(|(metric, durations)| durations.latency(metric));
        is_known.then_some(serving)
    }
}

/// The samples of a histogram or summary, summed over its labels.
#[derive(Default)]
struct Durations {
    sum: f64,
    count: f64,
    /// The cumulative number of requests, by upper bound in seconds.
    buckets: Vec<(f64, f64)>,
    /// The highest 99th percentile of any label set.
    percentile: Option<f64>,
}

impl Durations {
    fn add(&mut self, part: &str, sample: &Sample<'_>) {
        match part {
            "_sum" => self.sum += sample.value,
            "_count" => self.count += sample.value,
            "_bucket" => {
                let Some(limit) = sample.label("le").and_then(|limit| number(&limit)) else {
                    return;
                };
                match self.buckets.iter_mut().find(|(known, _)| known.total_cmp(&limit).is_eq()) {
                    Some((_, count)) => *count += sample.value,
                    None => self.buckets.push((limit, sample.value)),
                }
            }
            "" if sample.label("quantile").as_deref() == Some("0.99")
                && sample.value.is_finite() =>
            {
                self.percentile =
                    Some(self.percentile.map_or(sample.value, |it| it.max(sample.value)));
            }
            _ => {}
        }
    }

    fn latency(&self, metric: &str) -> Option<Latency> {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
        let mean = (self.count > 0.0).then(|| seconds(self.sum / self.count)).flatten()?;
        let mut buckets = self.buckets.clone();
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let bucket = buckets.iter().find(|(_, count)| *count >= 0.99 * self.count);
        // The last bucket has no upper bound.
        let within = bucket.map(|(limit, _)| *limit).or(self.percentile).and_then(seconds);
        Some(Latency { metric: metric.to_owned(), mean, within })
    }
}

/// A line such as `name{label="value"} 1.5`. A timestamp after the value is ignored.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let end = line.find(|char: char| char == '{' || char.is_ascii_whitespace())?;
        let (name, rest) = line.split_at(end);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => rest.split_at(end_of_labels(rest)?),
            None => ("", rest),
        };
        let value = number(rest.trim_start_matches('}').split_ascii_whitespace().next()?)?;
        (!name.starts_with('#')).then_some(Self { name, labels, value })
    }

    /// Returns the unescaped value of a label.
    fn label(&self, name: &str) -> Option<String> {
        let mut rest = self.labels;
        loop {
            let (found, value) = rest.trim_start_matches([',', ' ']).split_once("=\"")?;
            let mut text = String::new();
            let mut chars = value.char_indices();
            let end = loop {
                match chars.next()? {
                    (end, '"') => break end,
                    (_, '\\') => text.push(match chars.next()? {
                        (_, 'n') => '\n',
                        (_, char) => char,
                    }),
                    (_, char) => text.push(char),
                }
            };
            if found.trim() == name {
                return Some(text);
            }
            rest = &value[end + 1..];
        }
    }

    /// Returns the value as a counter.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count is a non-negative whole number"
    )]
    fn count(&self) -> u64 {
        self.value as u64
    }
}

/// Finds the brace that closes the labels. Label values may contain braces, too.
fn end_of_labels(text: &str) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, char) in text.char_indices() {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '}' if !is_quoted => return Some(index),
            _ => {}
        }
    }
    None
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        text => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keygate_metrics_are_found_among_others() {
        let text = r#"
# HELP keygate_keys Keys in the store, without revoked ones
# TYPE keygate_keys gauge
keygate_keys{store="replica"} 1200
keygate_store_age_seconds{store="replica"} 0.25
keygate_store_failing_seconds{store="replica"} 0
keygate_store_age_seconds{store="yaml"} +Inf 1800000000000
keygate_requests_total{outcome="admitted",client="App \"1\" {}, \\"} 40
keygate_requests_total{client="App 2",outcome="admitted"} 2
keygate_requests_total{outcome="expired",client="a"} 3.0
go_goroutines 8
nonsense{
keygate_requests_total{outcome="unknown"} x
"#;
        let serving = Serving::parse(text).unwrap();
        let replica = ServedStore { keys: Some(1_200), age: Some(0.25), failing: Some(0.0) };
        assert_eq!(serving.stores["replica"], replica);
        assert_eq!(serving.stores["yaml"].age, Some(f64::INFINITY));
        let outcomes = [("admitted".to_owned(), 42), ("expired".to_owned(), 3)];
        assert_eq!(serving.outcomes, outcomes.into());
        assert_eq!(serving.latency, None);
        assert_eq!(Serving::parse("go_goroutines 8\n"), None);
        assert_eq!(Serving::parse("<html>"), None);
    }

    #[test]
    fn latency_is_read_from_a_histogram_or_summary() {
        let known = "keygate_keys{store=\"yaml\"} 1\n";
        let histogram = r#"
http_request_duration_seconds_bucket{path="/a",le="0.005"} 90
http_request_duration_seconds_bucket{path="/a",le="0.05"} 99
http_request_duration_seconds_bucket{path="/a",le="+Inf"} 99
http_request_duration_seconds_bucket{path="/b",le="0.005"} 0
http_request_duration_seconds_bucket{path="/b",le="0.05"} 0
http_request_duration_seconds_bucket{path="/b",le="+Inf"} 1
http_request_duration_seconds_sum{path="/a"} 0.5
http_request_duration_seconds_sum{path="/b"} 0.5
http_request_duration_seconds_count{path="/a"} 99
http_request_duration_seconds_count{path="/b"} 1
"#;
        let latency = |text: &str| Serving::parse(&format!("{known}{text}")).unwrap().latency;
        let millis = Duration::from_millis;
        let metric = "http_request_duration_seconds".to_owned();
        let expected = Latency { metric, mean: millis(10), within: Some(millis(50)) };
        assert_eq!(latency(histogram), Some(expected));
        let slow = histogram.replace("le=\"0.05\"} 99", "le=\"0.05\"} 90");
        assert_eq!(latency(&slow).unwrap().within, None, "the last bucket has no upper bound");
        let summary = "axum_http_requests_duration_seconds{quantile=\"0.99\"} 0.02\n\
                       axum_http_requests_duration_seconds{quantile=\"0.5\"} 0.5\n\
                       axum_http_requests_duration_seconds_sum 4\naxum_http_requests_duration_seconds_count 8\n";
        let summary = latency(summary).unwrap();
        assert_eq!((summary.mean, summary.within), (millis(500), Some(millis(20))));
        assert_eq!(latency("http_request_duration_seconds_count 0\n"), None);
    }
}
