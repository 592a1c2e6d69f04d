//! Requests to a service with an OpenAPI document. Every response is checked against the document, and against the
//! rules for all responses.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, Response};
use serde_json::{Map, Value};
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

type Inner = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// A client that knows the service's document.
#[derive(Clone)]
pub(crate) struct Documented {
    service: Inner,
    /// The prefix of the document's paths.
    base: &'static str,
    pub(crate) document: Arc<Value>,
    headers: Vec<(String, String)>,
    /// The keys that were shown once and must not appear again.
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
pub(crate) struct JsonAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl JsonAnswer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the problem's name, which is the end of its type.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit('#').next()).unwrap_or_default()
    }

    pub(crate) fn key(&self) -> &str {
        self.body["key"].as_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, problem: &str) -> Self {
        assert_eq!((self.status, self.problem()), (status, problem), "{}", self.text);
        self
    }

    /// Returns the pointers and parameters of the errors.
    pub(crate) fn places(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().unwrap();
        let place = |error: &'_ Value| {
            let (pointer, parameter) = (error["pointer"].as_str(), error["parameter"].as_str());
            pointer.or(parameter).map(ToOwned::to_owned)
        };
        errors
            .iter()
            .map(|error| {
                assert!(place(error).is_some());
                error["pointer"].as_str().or(error["parameter"].as_str()).unwrap()
            })
            .collect()
    }
}

impl Documented {
    /// `base` is the path of the document without `/openapi.json`.
    pub(crate) async fn new<S>(service: S, base: &'static str) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let (headers, document, seen) = Default::default();
        let service = BoxCloneSyncService::new(service);
        let mut documented = Self { service, base, document, headers, seen };
        documented = documented.with_header("host", "127.0.0.1:8081");
        let answer = documented.raw("GET", "/openapi.json", None).await.expect(200);
        Self { document: Arc::new(answer.body), ..documented }
    }

    /// Adds a header to all requests.
    pub(crate) fn with_header(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.headers.retain(|(other, _)| other != name);
        with.headers.push((name.to_owned(), value.to_owned()));
        with
    }

    pub(crate) fn without_header(&self, name: &str) -> Self {
        let mut without = self.clone();
        without.headers.retain(|(other, _)| other != name);
        without
    }

    pub(crate) async fn get(&self, path: &str) -> JsonAnswer {
        self.send("GET", path, None).await
    }

    /// Sends a change without a body, declared as JSON.
    pub(crate) async fn act(&self, path: &str) -> JsonAnswer {
        self.send("POST", path, Some(String::new())).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> JsonAnswer {
        self.send("POST", path, Some(body.to_string())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> JsonAnswer {
        self.send("PATCH", path, Some(body.to_string())).await
    }

    /// Sends a request, and checks it and its response against the document.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<String>) -> JsonAnswer {
        let answer = self.raw(method, path, body.clone()).await;
        self.check(method, path, body.as_deref(), &answer);
        answer
    }

    async fn raw(&self, method: &str, path: &str, body: Option<String>) -> JsonAnswer {
        let mut request = Request::builder().method(method).uri([self.base, path].concat());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let is_typed = self.headers.iter().any(|(name, _)| name == "content-type");
        if body.is_some() && !is_typed {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        JsonAnswer { status: parts.status.as_u16(), headers: parts.headers, body, text }
    }

    fn check(&self, method: &str, path: &str, body: Option<&str>, answer: &JsonAnswer) {
        let what = format!("{method} {path}: {} {}", answer.status, answer.text);
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        self.check_secrets(answer, &what);
        if method == "HEAD" {
            return assert_eq!(answer.text, "", "{what}");
        }
        let is_error = answer.status >= 400;
        let media_type = if is_error { "application/problem+json" } else { "application/json" };
        assert_eq!(answer.header("content-type"), media_type, "{what}");
        if is_error {
            assert_eq!(answer.body["status"], answer.status, "{what}");
            self.validate(&schema_ref("Problem"), &answer.body, &what);
        }

        let plain = path.split('?').next().unwrap();
        let paths = self.document["paths"].as_object().unwrap();
        let Some((_, item)) = paths.iter().find(|(template, _)| matches(template, plain)) else {
            return assert!(is_error, "not in the document: {what}");
        };
        let Some(operation) = item.get(method.to_ascii_lowercase()) else {
            return assert!(is_error, "not in the document: {what}");
        };
        let response = &operation["responses"][answer.status.to_string()];
        assert!(!response.is_null(), "this status is not in the document: {what}");
        let response = self.resolve(response);
        let schema = &response["content"][media_type]["schema"];
        assert!(!schema.is_null(), "this media type is not in the document: {what}");
        self.validate(schema, &answer.body, &what);
        for name in response["headers"].as_object().into_iter().flat_map(Map::keys) {
            assert!(answer.headers.contains_key(name), "no {name}: {what}");
        }
        if let Some(body) = body.filter(|body| !is_error && !body.is_empty()) {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            self.validate(schema, &serde_json::from_str(body).unwrap(), body);
        }
    }

    /// Checks that a key appears only in the response to the request that created it.
    fn check_secrets(&self, answer: &JsonAnswer, what: &str) {
        let mut seen = self.seen.lock().unwrap();
        for key in &*seen {
            assert!(!answer.text.contains(key), "a key appears again: {what}");
            assert!(!format!("{:?}", answer.headers).contains(key), "a key is in a header: {what}");
        }
        if let Some(key) = answer.body["key"].as_str() {
            assert_eq!(answer.status, 201, "{what}");
            seen.push(key.to_owned());
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(pointer) => self.document.pointer(pointer.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// Validates a value against a schema of the document.
    pub(crate) fn validate(&self, schema: &Value, value: &Value, what: &str) {
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?} {what}");
    }
}

fn schema_ref(name: &str) -> Value {
    serde_json::json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn matches(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let is_same = template.split('/').all(|part| {
        parts
            .next()
            .is_some_and(|given| given == part || (part.starts_with('{') && !given.is_empty()))
    });
    is_same && parts.next().is_none()
}
