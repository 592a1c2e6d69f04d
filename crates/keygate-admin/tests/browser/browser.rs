//! A browser window, with the actions of a person who uses it.

use std::future::Future;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::driver::{Driver, Extension};

/// The maximum time to wait for an action.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) has_script: bool,
    origin: String,
    // Dropped after `client`, which ends its session.
    _driver: Driver,
}

impl Browser {
    /// Opens a window for the page at this URL.
    pub(crate) async fn start(origin: &str) -> Self {
        let driver = Driver::start();
        let client = driver.connect().await;
        let origin = origin.to_owned();
        let browser = Self { client, has_script: true, origin, _driver: driver };
        browser.resize(1_400).await;
        browser
    }

    /// Opens a window with scripts disabled.
    pub(crate) async fn without_script(origin: &str) -> Self {
        let browser = Self::start(origin).await;
        browser.disable_script(true).await;
        Self { has_script: false, ..browser }
    }

    pub(crate) async fn disable_script(&self, is_disabled: bool) {
        let disabled = json!({ "value": is_disabled });
        self.devtools("Emulation.setScriptExecutionDisabled", disabled).await;
    }

    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.client.issue_cmd(Extension::devtools(command, &parameters)).await.unwrap()
    }

    pub(crate) async fn resize(&self, width: u32) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Opens a path of the page.
    pub(crate) async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.origin)).await.unwrap();
    }

    /// Returns the path and the query of the current page.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.origin).expect("a page of this service").to_owned()
    }

    /// Runs a script of the test. This works even if the page's own scripts are disabled.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Returns the visible text.
    pub(crate) async fn text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn sees(&self, text: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let shown = self.text().await;
            assert!(shown.contains(text), "{place}: {text:?} is not in:\n{shown}");
        }
    }

    /// Fails if the source of the page contains a text, visible or not.
    pub(crate) async fn lacks(&self, text: &str) {
        let source = self.client.source().await.unwrap();
        assert!(!source.contains(text), "{}", self.path().await);
    }

    /// Signs in with a code or a key.
    pub(crate) async fn sign_in(&self, code: &str) {
        self.open("/sign-in").await;
        self.fill("code", code).await;
        self.press("Sign in").await;
        assert_eq!(self.path().await, "/clients");
    }

    /// Reloads the page. If the page is the response to a form, this submits the form again.
    pub(crate) async fn reload(&self) {
        self.devtools("Page.reload", json!({})).await;
    }

    /// Returns the value of a field.
    pub(crate) async fn value(&self, id: &str) -> String {
        let field = self.find(&format!("//*[@id='{id}']")).await;
        field.prop("value").await.unwrap().expect("a field")
    }

    /// Returns the new key on the page.
    pub(crate) async fn new_key(&self) -> String {
        let key = self.value("key").await;
        assert!(key.starts_with("kg_"), "{key}");
        key
    }

    /// Selects a radio button.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        let choice = self.find(&format!("//input[@name='{name}' and @value='{value}']")).await;
        choice.click().await.unwrap();
    }

    /// Double-clicks a button.
    pub(crate) async fn double_click(&self, text: &str) {
        let element = self.button(text).await;
        let click = || {
            [
                PointerAction::Down { button: MOUSE_BUTTON_LEFT },
                PointerAction::Up { button: MOUSE_BUTTON_LEFT },
            ]
        };
        let mut mouse = MouseActions::new("mouse".to_owned()).then(PointerAction::MoveToElement {
            element,
            duration: None,
            x: 0.0,
            y: 0.0,
        });
        for action in click().into_iter().chain(click()) {
            mouse = mouse.then(action);
        }
        self.client.perform_actions(mouse).await.unwrap();
    }

    /// Replaces the value of the field with this ID.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.find(&format!("//*[@id='{id}']")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Returns the only element that matches an XPath.
    pub(crate) async fn find(&self, path: &str) -> Element {
        let mut found = self.client.find_all(Locator::XPath(path)).await.unwrap();
        let count = found.len();
        let Some(element) = found.pop().filter(|_| count == 1) else {
            panic!("{count} elements are {path} in {}:\n{}", self.path().await, self.text().await);
        };
        element
    }

    /// Returns the button or link with this text.
    pub(crate) async fn button(&self, text: &str) -> Element {
        self.find(&format!("//*[(self::a or self::button) and normalize-space()='{text}']")).await
    }

    /// Clicks the button or link with this text, and waits for the next page.
    pub(crate) async fn press(&self, text: &str) {
        let button = self.button(text).await;
        self.next_page(async { button.click().await.unwrap() }).await;
    }

    /// Runs an action, and waits until it has led to another page.
    pub(crate) async fn next_page(&self, action: impl Future<Output = ()>) {
        self.run("window.isOldPage = true").await;
        action.await;
        let is_next = "return window.isOldPage !== true && document.readyState === 'complete'";
        self.until("the next page", is_next).await;
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let start = Instant::now();
        // Scripts fail between two pages.
        while self.client.execute(script, Vec::new()).await.ok() != Some(Value::Bool(true)) {
            assert!(start.elapsed() < PATIENCE, "{what} does not come:\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Fails if the browser logged a problem, such as a violation of the `Content-Security-Policy`.
    pub(crate) async fn complains_of_nothing(&self) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "{}: {complaints:#?}", self.path().await);
    }

    /// Returns the problems that the browser has logged since the last call, except pages with an error status.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Extension::log()).await.unwrap();
        let is_complaint = |entry: &&Value| {
            let message = entry["message"].as_str().unwrap_or_default();
            let is_status = message.contains("the server responded with a status of");
            // Messages below the level of warnings are advice.
            matches!(entry["level"].as_str(), Some("WARNING" | "SEVERE")) && !is_status
        };
        log.as_array().unwrap().iter().filter(is_complaint).map(Value::to_string).collect()
    }
}
