//! Every entrance (a way to verify a request) gives the outcome in the table and the same refusal.

use std::collections::{BTreeMap, BTreeSet};

use keygate::Source;

use crate::common::sources;
use crate::entrances::cases;
use crate::entrances::open::{self, Outcome};

#[test]
fn table_has_every_kind_of_source() {
    let kind = |source: &Source| format!("{source:?}").split('(').next().unwrap().to_owned();
    let every: BTreeSet<_> = sources::all().iter().map(|case| kind(&case.source)).collect();
    let tried = cases::all().into_iter().filter_map(|case| case.sources).flatten();
    assert_eq!(tried.map(|source| kind(&source)).collect::<BTreeSet<_>>(), every);
}

#[tokio::test]
async fn every_entrance_gives_the_expected_outcome() {
    for case in cases::all() {
        for opened in open::all(&case).await {
            assert_eq!(opened.outcome, case.outcome, "{}: {}", case.name, opened.entrance);
        }
    }
}

#[tokio::test]
async fn every_entrance_gives_the_same_refusal() {
    for case in cases::all() {
        let mut responses = open::all(&case).await.into_iter().filter_map(|opened| {
            let refused = !matches!(opened.outcome, Outcome::Admitted { .. });
            refused.then(|| (opened.entrance, opened.response.expect("a refusal has a response")))
        });
        let Some((first, expected)) = responses.next() else { continue };
        for (entrance, response) in responses {
            assert_eq!(response, expected, "{}: {entrance} and {first}", case.name);
        }
    }
}

#[tokio::test]
async fn layer_and_extractors_give_the_same_response_to_a_client() {
    for case in cases::all() {
        let mut responses: BTreeMap<_, _> = open::all(&case)
            .await
            .into_iter()
            .filter(|opened| matches!(opened.outcome, Outcome::Admitted { .. }))
            .filter_map(|opened| Some((opened.entrance, opened.response?)))
            .collect();
        let Some(expected) = responses.remove("layer") else { continue };
        assert_eq!(expected.status, 200);
        for entrance in ["layer, later", "by hand", "by hand, at once", "by hand, later"] {
            assert_eq!(responses[entrance], expected, "{}: {entrance}", case.name);
        }
        for entrance in ["extractor", "extractor, later", "`?` behind a layer"] {
            let response = &responses[entrance];
            assert_eq!(response.status, 200, "{}: {entrance}", case.name);
            assert_eq!(response.body, expected.body, "{}: {entrance}", case.name);
            for name in ["vary", "cache-control"] {
                assert_eq!(response.lines(name), expected.lines(name), "{}: {entrance}", case.name);
            }
        }
    }
}
