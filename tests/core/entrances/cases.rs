//! The table of requests and their expected outcomes.

use http::Request;
use keygate::{Source, WrongReason};

use crate::common::keys::id_of;
use crate::entrances::open::Outcome;

mod authorization;
mod basic;
mod header;
mod prefixed;
mod several;
mod target_and_cookies;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// `None` for the default.
    pub(crate) sources: Option<Vec<Source>>,
    /// The challenges without their realm, in order: a scheme, and `name=value` for each parameter.
    pub(crate) challenges: Vec<&'static str>,
    pub(crate) request: Request<()>,
    /// The deciding key, if there is one and it did not come by Bearer.
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) outcome: Outcome,
}

pub(crate) fn all() -> Vec<Case> {
    [
        header::cases(),
        authorization::by_bearer(),
        authorization::by_scheme(),
        basic::by_basic(),
        basic::by_header_raw(),
        prefixed::by_bearer(),
        prefixed::by_websocket_protocol(),
        target_and_cookies::by_query(),
        target_and_cookies::by_cookie(),
        several::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const REALM: &str = "orders";
const BY_HEADER: &str = "ApiKey in=header name=x-api-key";

impl Case {
    pub(crate) fn realm(&self) -> Option<&'static str> {
        self.sources.as_ref().map(|_| REALM)
    }

    fn new(name: &'static str, request: http::request::Builder, outcome: Outcome) -> Self {
        let request = request.body(()).unwrap();
        let challenges = vec![BY_HEADER];
        Self { name, sources: None, challenges, request, key: None, outcome }
    }

    fn with_key(self, key: impl AsRef<[u8]>) -> Self {
        Self { key: Some(key.as_ref().to_owned()), ..self }
    }

    fn from(self, sources: &[Source], challenges: &[&'static str]) -> Self {
        Self { sources: Some(sources.to_vec()), challenges: challenges.to_vec(), ..self }
    }
}

fn get(target: &str) -> http::request::Builder {
    Request::builder().uri(target)
}

fn admitted(name: &str, key: &str) -> Outcome {
    Outcome::Admitted { name: name.to_owned(), key_id: id_of(key) }
}

fn wrong(reason: WrongReason) -> Outcome {
    Outcome::Wrong { reason, key_id: None, by_bearer: false }
}

fn wrong_by_bearer(reason: WrongReason) -> Outcome {
    Outcome::Wrong { reason, key_id: None, by_bearer: true }
}

fn wrong_known(reason: WrongReason, key: &str) -> Outcome {
    Outcome::Wrong { reason, key_id: Some(id_of(key)), by_bearer: false }
}
