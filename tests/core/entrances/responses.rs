//! Refusals as seen by the caller of a service.

use std::collections::HashMap;

use serde_json::Value;

use crate::common::challenge::Challenge;
use crate::common::reply::Reply;
use crate::entrances::cases::{self, Case};
use crate::entrances::open::{self, Outcome};

/// The response of the layer. Every entrance gives the same.
async fn refusals() -> Vec<(Case, Reply)> {
    let mut refusals = Vec::new();
    for case in cases::all() {
        if matches!(case.outcome, Outcome::Admitted { .. }) {
            continue;
        }
        let opened = open::all(&case).await.into_iter().find(|opened| opened.entrance == "layer");
        let response = opened.unwrap().response.unwrap();
        refusals.push((case, response));
    }
    refusals
}

#[tokio::test]
async fn outcome_decides_status_and_headers() {
    for (case, response) in refusals().await {
        let name = case.name;
        let outage = matches!(case.outcome, Outcome::Unavailable(_));
        assert_eq!(response.status, if outage { 503 } else { 401 }, "{name}");
        assert_eq!(response.lines("cache-control"), ["no-store"], "{name}");
        assert_eq!(response.lines("retry-after").len(), usize::from(outage), "{name}");
        assert_eq!(response.lines("www-authenticate").is_empty(), outage, "{name}");
        assert_eq!(response.lines("content-type"), ["application/problem+json"], "{name}");
    }
}

#[tokio::test]
async fn body_is_problem_details() {
    for (case, response) in refusals().await {
        let (title, status, detail) = match case.outcome {
            Outcome::NoCredentials => ("Unauthorized", 401, "Credentials not present in request"),
            Outcome::Wrong { .. } => ("Unauthorized", 401, "Credentials not valid"),
            _ => ("Service Unavailable", 503, "Credentials could not be checked"),
        };
        let body: Value = serde_json::from_str(&response.body).unwrap();
        let expected = serde_json::json!({ "title": title, "status": status, "detail": detail });
        assert_eq!(body, expected, "{}", case.name);
    }
}

#[tokio::test]
async fn refusal_of_a_wrong_key_does_not_say_why() {
    let mut first: HashMap<String, (Outcome, Reply)> = HashMap::new();
    let mut reasons = 0;
    for (case, response) in refusals().await {
        let Outcome::Wrong { reason, by_bearer, .. } = case.outcome else { continue };
        let same_source = format!("{:?} {by_bearer}", case.sources);
        if let Some((other, expected)) = first.get(&same_source) {
            assert_eq!(response, *expected, "{}: {other:?}", case.name);
            let Outcome::Wrong { reason: other, .. } = other else { unreachable!() };
            reasons += usize::from(reason != *other);
        } else {
            first.insert(same_source, (case.outcome, response));
        }
    }
    assert!(reasons >= 10, "the table has too few reasons to compare: {reasons}");
}

#[tokio::test]
async fn each_401_challenges_for_each_source_bearer_first() {
    for (case, response) in refusals().await {
        if matches!(case.outcome, Outcome::Unavailable(_)) {
            continue;
        }
        let by_bearer = matches!(case.outcome, Outcome::Wrong { by_bearer: true, .. });
        let expected = case.challenges.iter().map(|challenge| {
            let mut words = challenge.split(' ');
            let scheme = words.next().unwrap();
            let mut parameters = vec![("realm", case.realm().unwrap_or("api").to_owned())];
            let others = words.map(|word| word.split_once('=').unwrap());
            parameters.extend(others.map(|(name, value)| (name, value.to_owned())));
            if by_bearer && scheme == "Bearer" {
                parameters.push(("error", "invalid_token".to_owned()));
            }
            Challenge { scheme, parameters }
        });
        let expected: Vec<_> = expected.collect();
        let lines = response.lines("www-authenticate");
        let challenges: Vec<_> =
            lines.iter().map(|line| Challenge::parse(line).expect(line)).collect();
        assert_eq!(challenges, expected, "{}", case.name);
    }
}
