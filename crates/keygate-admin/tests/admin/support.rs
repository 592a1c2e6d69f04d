use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, Request};
use keygate::testing::FakeClock;
use keygate::{ApiKey, Authenticator, ClientProfile, KeyId, ManageKeys, MemoryStore, NewKey};
use keygate_admin::{Admin, AdminService, SignInCode};
use tower::ServiceExt as _;

pub(crate) const LOOPBACK: &str = "127.0.0.1:8081";

/// The service on loopback, with a sign-in code and two operators: `ann`, who may make changes, and `ray`, who may only
/// read.
pub(crate) struct Server {
    pub(crate) service: AdminService,
    pub(crate) clock: FakeClock,
    pub(crate) operators: MemoryStore,
    codes: Arc<Mutex<Vec<String>>>,
    ann: String,
    ray: String,
}

impl Server {
    pub(crate) fn new(store: Arc<dyn ManageKeys>) -> Self {
        Self::with(store, |admin| admin)
    }

    /// Starts the service with further settings.
    pub(crate) fn with(store: Arc<dyn ManageKeys>, configure: impl FnOnce(Admin) -> Admin) -> Self {
        let clock = FakeClock::at(at(0));
        let codes = Arc::new(Mutex::new(Vec::new()));
        let printed = Arc::clone(&codes);
        let code = SignInCode::new(move |code| printed.lock().unwrap().push(code.to_owned()));
        let operators = MemoryStore::new().with_clock(clock.reader());
        let [ann, ray] = [("ann", "admin"), ("ray", "read")].map(|(name, scope)| {
            let profile = ClientProfile::new(name).with_scopes([scope.parse().unwrap()]);
            operators.add_client(profile).unwrap();
            new_key(&operators, name)
        });
        let admin = Admin::new(store)
            .on_loopback(LOOPBACK.parse().unwrap())
            .unwrap()
            .with_sign_in_code(code.for_operator("terminal"))
            .with_operators(Authenticator::new(operators.clone()).with_clock(clock.reader()))
            .with_clock(clock.reader());
        let service = configure(admin).build().unwrap();
        Self { service, clock, operators, codes, ann, ray }
    }

    /// Starts the service with an empty memory store.
    pub(crate) fn empty() -> Self {
        Self::new(Arc::new(MemoryStore::new()))
    }

    /// Returns the printed codes, the oldest first.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.codes.lock().unwrap().clone()
    }

    pub(crate) fn code(&self) -> String {
        self.codes().pop().unwrap()
    }

    /// Returns the key of an operator, `ann` or `ray`.
    pub(crate) fn key_of(&self, name: &str) -> &str {
        if name == "ray" { &self.ray } else { &self.ann }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Opens a browser in which nobody is signed in.
    pub(crate) fn browser(&self) -> Page {
        Page::of(self.service.clone(), &format!("http://{LOOPBACK}"))
    }

    /// Opens a browser in which this operator is signed in: `ann` or `ray`.
    pub(crate) async fn signed_in(&self, name: &str) -> Page {
        let mut page = self.browser();
        assert_eq!(page.sign_in(self.key_of(name)).await.status, 303);
        page
    }
}

/// A browser that keeps the cookie, and sends the form token and the usual headers.
pub(crate) struct Page {
    service: AdminService,
    origin: String,
    pub(crate) cookie: Option<String>,
    /// The form token, once a page was loaded.
    pub(crate) csrf: String,
    pub(crate) clock: FakeClock,
}

impl Page {
    /// Opens a browser with a signed-in operator who may change this store.
    pub(crate) async fn new(store: Arc<dyn ManageKeys>) -> Self {
        let server = Server::new(store);
        let mut page = server.signed_in("ann").await;
        page.clock = server.clock;
        page
    }

    /// Opens a browser with a signed-in operator who may only read.
    pub(crate) async fn reader(store: Arc<dyn ManageKeys>) -> Self {
        let server = Server::new(store);
        let mut page = server.signed_in("ray").await;
        page.clock = server.clock;
        page
    }

    pub(crate) fn of(service: AdminService, origin: &str) -> Self {
        let clock = FakeClock::at(at(0));
        Self { service, origin: origin.to_owned(), cookie: None, csrf: String::new(), clock }
    }

    /// Opens another tab of the same browser.
    pub(crate) fn tab(&self) -> Self {
        let Self { service, origin, cookie, csrf, clock } = self;
        let (service, origin, clock) = (service.clone(), origin.clone(), clock.clone());
        Self { service, origin, cookie: cookie.clone(), csrf: csrf.clone(), clock }
    }

    /// Submits the sign-in form with this input.
    pub(crate) async fn sign_in(&mut self, code: &str) -> Answer {
        let answer = self.post("/sign-in", &[("code", code)]).await;
        if answer.status == 303 {
            // Load a page to get the token.
            self.get("/nowhere").await;
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// Submits a form of this site with its token.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone();
        let token = [("csrf", csrf.as_str())].into_iter().filter(|(_, token)| !token.is_empty());
        let fields = token.chain(fields.iter().copied()).collect::<Vec<_>>();
        self.post_as_is(path, &fields).await
    }

    /// Submits a form of this site without adding a token.
    pub(crate) async fn post_as_is(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header(ORIGIN, "null");
        let request = request.header("sec-fetch-site", "same-origin");
        self.send(request.header(CONTENT_TYPE, FORM).body(form(fields)).unwrap()).await
    }

    /// Starts a request with the host and the cookie.
    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let (_, host) = self.origin.split_once("://").unwrap();
        let mut request = Request::builder().method(method).uri(path).header(HOST, host);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        request
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> Answer {
        let answer = answer(&self.service, request).await;
        if let Some(cookie) = answer.headers.get(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(cookie.to_owned()).filter(|cookie| !cookie.ends_with('='));
        }
        if let Some(token) = answer.csrf() {
            self.csrf = token;
        }
        answer
    }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn form(fields: &[(&str, &str)]) -> Body {
    let mut text = form_urlencoded::Serializer::new(String::new());
    Body::from(text.extend_pairs(fields).finish())
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn csrf(&self) -> Option<String> {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"")?;
        rest.split_once('"').map(|(token, _)| token.to_owned())
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{} {}", self.status, self.body);
        self
    }
}

/// Sends a request unchanged, and checks the security headers of the response.
pub(crate) async fn answer(service: &AdminService, request: Request<Body>) -> Answer {
    let response = service.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_ne!(answer.header("cache-control"), "");
    for inline in ["<style", "style=", "onclick", "<script>", "javascript:"] {
        assert!(!answer.body.contains(inline) || !is_html(&answer), "{inline}: {}", answer.body);
    }
    answer
}

fn is_html(answer: &Answer) -> bool {
    answer.header("content-type").starts_with("text/html")
}

/// Returns a time in 2027, in seconds from the start of the year.
pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_798_761_600 + seconds)
}

pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Returns the ID of the client's only key.
pub(crate) fn key_id(store: &MemoryStore, client: &str) -> KeyId {
    store.list_keys(Some(client)).unwrap()[0].key_id
}

/// Issues a key and returns its text.
pub(crate) fn new_key(store: &MemoryStore, client: &str) -> String {
    let key = ApiKey::generate("op").unwrap();
    store.issue(client, NewKey::from(&key)).unwrap();
    key.expose().to_owned()
}
