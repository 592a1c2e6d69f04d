//! What the caller of a service sees of a refusal.

use std::collections::HashMap;

use serde_json::Value;

use crate::cases::{self, Case};
use crate::common::answer::Answer;
use crate::common::challenge::Challenge;
use crate::open::{self, Outcome};

/// The answer of the layer, which is the answer of every door.
async fn refusals() -> Vec<(Case, Answer)> {
    let mut refusals = Vec::new();
    for case in cases::all() {
        if matches!(case.outcome, Outcome::Admitted { .. }) {
            continue;
        }
        let opened = open::all(&case).await.into_iter().find(|opened| opened.door == "layer");
        let answer = opened.unwrap().answer.unwrap();
        refusals.push((case, answer));
    }
    refusals
}

#[tokio::test]
async fn outcome_decides_status_and_fields() {
    for (case, answer) in refusals().await {
        let name = case.name;
        let outage = matches!(case.outcome, Outcome::Unavailable(_));
        assert_eq!(answer.status, if outage { 503 } else { 401 }, "{name}");
        assert_eq!(answer.lines("cache-control"), ["no-store"], "{name}");
        assert_eq!(answer.lines("retry-after").len(), usize::from(outage), "{name}");
        assert_eq!(answer.lines("www-authenticate").is_empty(), outage, "{name}");
        assert_eq!(answer.lines("content-type"), ["application/problem+json"], "{name}");
    }
}

#[tokio::test]
async fn body_is_problem_details() {
    for (case, answer) in refusals().await {
        let (title, status, detail) = match case.outcome {
            Outcome::NoCredentials => ("Unauthorized", 401, "Credentials not present in request"),
            Outcome::Wrong { .. } => ("Unauthorized", 401, "Credentials not valid"),
            _ => ("Service Unavailable", 503, "Credentials could not be checked"),
        };
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let expected = serde_json::json!({ "title": title, "status": status, "detail": detail });
        assert_eq!(body, expected, "{}", case.name);
    }
}

#[tokio::test]
async fn refusal_of_a_wrong_key_does_not_tell_why() {
    let mut first: HashMap<String, (Outcome, Answer)> = HashMap::new();
    let mut reasons = 0;
    for (case, answer) in refusals().await {
        let Outcome::Wrong { reason, by_bearer, .. } = case.outcome else { continue };
        let same_source = format!("{:?} {by_bearer}", case.sources);
        if let Some((other, expected)) = first.get(&same_source) {
            assert_eq!(answer, *expected, "{}: {other:?}", case.name);
            let Outcome::Wrong { reason: other, .. } = other else { unreachable!() };
            reasons += usize::from(reason != *other);
        } else {
            first.insert(same_source, (case.outcome, answer));
        }
    }
    assert!(reasons >= 10, "the table has too few reasons to compare: {reasons}");
}

#[tokio::test]
async fn every_401_has_one_challenge_for_each_scheme_and_bearer_comes_first() {
    for (case, answer) in refusals().await {
        if matches!(case.outcome, Outcome::Unavailable(_)) {
            continue;
        }
        let lines = answer.lines("www-authenticate");
        let challenges: Vec<_> =
            lines.iter().map(|line| Challenge::parse(line).expect(line)).collect();
        let schemes: Vec<_> = challenges.iter().map(|challenge| challenge.scheme).collect();
        assert_eq!(schemes, case.schemes, "{}", case.name);

        let by_bearer = matches!(case.outcome, Outcome::Wrong { by_bearer: true, .. });
        for challenge in challenges {
            let mut expected = vec![("realm", case.realm().unwrap_or("api"))];
            if by_bearer && challenge.scheme == "Bearer" {
                expected.push(("error", "invalid_token"));
            }
            assert_eq!(challenge.parameters, expected, "{}: {}", case.name, challenge.scheme);
        }
    }
}
