//! Every entrance gives the outcome in the table, and all refusals look the same.

use std::collections::BTreeMap;

use crate::entrances::cases;
use crate::entrances::open::{self, Outcome};

#[tokio::test]
async fn every_entrance_gives_the_outcome_that_is_expected() {
    for case in cases::all() {
        for opened in open::all(&case).await {
            assert_eq!(opened.outcome, case.outcome, "{}: {}", case.name, opened.entrance);
        }
    }
}

#[tokio::test]
async fn every_entrance_gives_the_same_refusal() {
    for case in cases::all() {
        let mut answers = open::all(&case).await.into_iter().filter_map(|opened| {
            let refused = !matches!(opened.outcome, Outcome::Admitted { .. });
            refused.then(|| (opened.entrance, opened.answer.expect("a refusal has an answer")))
        });
        let Some((first, expected)) = answers.next() else { continue };
        for (entrance, answer) in answers {
            assert_eq!(answer, expected, "{}: {entrance} and {first}", case.name);
        }
    }
}

#[tokio::test]
async fn layer_and_extractors_give_the_same_response_to_a_client() {
    for case in cases::all() {
        let mut answers: BTreeMap<_, _> = open::all(&case)
            .await
            .into_iter()
            .filter(|opened| matches!(opened.outcome, Outcome::Admitted { .. }))
            .filter_map(|opened| Some((opened.entrance, opened.answer?)))
            .collect();
        let Some(expected) = answers.remove("layer") else { continue };
        assert_eq!(expected.status, 200);
        assert_eq!(answers["layer, later"], expected, "{}", case.name);
        for entrance in ["extractor", "extractor, later", "`?` behind a layer"] {
            let answer = &answers[entrance];
            assert_eq!(answer.status, 200, "{}: {entrance}", case.name);
            assert_eq!(answer.body, expected.body, "{}: {entrance}", case.name);
            for name in ["vary", "cache-control"] {
                assert_eq!(answer.lines(name), expected.lines(name), "{}: {entrance}", case.name);
            }
        }
    }
}
