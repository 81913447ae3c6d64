//! One tab: what a person does in it, and what can be seen from outside.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Browser, PATIENCE, Profile};

/// A tab of a profile. It is closed when dropped; a failing test prints what it showed.
pub(crate) struct Tab {
    browser: &'static Browser,
    _profile: Profile,
    target: String,
    session: String,
}

/// Most pages that may go away under one question.
const PAGES: usize = 50;

/// A request the browser sent, with the headers it really sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) url: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// A promise that is kept as soon as the expression is true: looked at whenever the page changes, without asking again and again.
fn until(expression: &str, milliseconds: u128) -> String {
    format!(
        "new Promise((done, fail) => {{
            let watcher, clock, limit;
            const look = () => {{
                let value;
                try {{ value = ({expression}); }} catch {{ return; }}
                if (!value) return;
                watcher?.disconnect(); clearInterval(clock); clearTimeout(limit);
                done(value);
            }};
            watcher = new MutationObserver(look);
            watcher.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
            clock = setInterval(look, 50);
            limit = setTimeout(() => {{ watcher.disconnect(); clearInterval(clock); fail(new Error('never true')); }}, {milliseconds});
            look();
        }})"
    )
}

impl Tab {
    pub(super) fn new(browser: &'static Browser, profile: Profile) -> Self {
        // A window of its own, so that no tab is in the background.
        let made =
            browser.must(None, "Target.createTarget", json!({ "url": "about:blank", "browserContextId": profile.0.0, "newWindow": true }));
        let target = made["targetId"].as_str().unwrap().to_owned();
        let attached = browser.must(None, "Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        let tab = Self { browser, _profile: profile, target, session: attached["sessionId"].as_str().unwrap().to_owned() };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        tab
    }

    #[track_caller]
    pub(crate) fn call(&self, method: &str, parameters: Value) -> Value {
        self.browser.must(Some(&self.session), method, parameters)
    }

    /// Types an address and presses Enter.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
    }

    /// Presses the reload button; the old page is gone when this returns.
    #[track_caller]
    pub(crate) fn reload(&self) {
        self.eval("window.isOld = true");
        self.call("Page.reload", json!({}));
        self.wait("!window.isOld && document.readyState === 'complete'");
    }

    /// Presses the back button (-1) or the forward button (1).
    #[track_caller]
    pub(crate) fn go(&self, steps: i64) {
        let history = self.call("Page.getNavigationHistory", json!({}));
        let wanted = history["currentIndex"].as_i64().unwrap() + steps;
        let entry = &history["entries"][usize::try_from(wanted).unwrap()]["id"];
        self.call("Page.navigateToHistoryEntry", json!({ "entryId": entry }));
    }

    fn try_eval(&self, expression: &str) -> Result<Value, String> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.browser.call(Some(&self.session), "Runtime.evaluate", asked)?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(thrown["exception"]["description"].as_str().unwrap_or("something was thrown").to_owned()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// The value of an expression in the page; a promise is awaited.
    #[track_caller]
    pub(crate) fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).unwrap_or_else(|error| panic!("{expression}: {error}\n{}", self.shown()))
    }

    /// Waits until an expression is true, across pages, and hands out its value.
    #[track_caller]
    pub(crate) fn wait(&self, expression: &str) -> Value {
        let asked = until(expression, PATIENCE.as_millis());
        let mut gone = String::new();
        for _ in 0..PAGES {
            match self.try_eval(&asked) {
                Ok(value) => return value,
                // The page went away under the question: the next one is asked.
                Err(error) if ["navigated", "destroyed", "Cannot find", "not active"].iter().any(|sign| error.contains(sign)) => {
                    gone = error;
                }
                Err(error) => panic!("never came true: {expression} ({error})\n{}", self.shown()),
            }
        }
        panic!("one page after the other went away: {expression} ({gone})\n{}", self.shown())
    }

    /// Waits until the modern client shows this screen.
    #[track_caller]
    pub(crate) fn screen(&self, name: &str) {
        self.wait(&format!("document.querySelector('main')?.dataset.screen === {}", json!(name)));
    }

    /// Waits until these words stand on the page.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) {
        self.wait(&format!("document.body.innerText.includes({})", json!(words)));
    }

    /// The text of an element, once it is there.
    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        self.wait(&format!("document.querySelector({})?.innerText.trim()", json!(selector))).as_str().unwrap_or_default().to_owned()
    }

    /// Types into a field.
    #[track_caller]
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        self.wait(&format!(
            "(field => {{ field.focus(); field.select(); return document.activeElement === field; }})(document.querySelector({}))",
            json!(selector)
        ));
        self.call("Input.insertText", json!({ "text": text }));
        let value = self.eval(&format!("document.querySelector({}).value", json!(selector)));
        assert_eq!(value, json!(text), "{selector}");
    }

    /// Presses the mouse once on an element.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        self.press(selector, 1);
    }

    /// Presses it twice, as impatient people do.
    #[track_caller]
    pub(crate) fn double_click(&self, selector: &str) {
        self.press(selector, 2);
    }

    fn press(&self, selector: &str, times: u32) {
        let place = self.wait(&format!(
            "(element => {{ element.scrollIntoView({{ block: 'center' }}); const box = element.getBoundingClientRect();
                return box.width > 0 && {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }}; }})(document.querySelector({}))",
            json!(selector)
        ));
        for count in 1..=times {
            for kind in ["mousePressed", "mouseReleased"] {
                let event = json!({ "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": count });
                self.call("Input.dispatchMouseEvent", event);
            }
        }
    }

    /// Every request from this tab that was answered or really went out, in order. What went out is told by another process of the browser, so it
    /// is waited for; what the page itself says of a request before that is not final.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        let ids = |events: &[Value], method: &str, told: bool| -> Vec<Value> {
            let named = events.iter().filter(|event| event["method"] == method && (!told || event["params"]["hasExtraInfo"] == true));
            named.map(|event| event["params"]["requestId"].clone()).collect()
        };
        let events = self.browser.complete_events(&self.session, |events| {
            let really = ids(events, "Network.requestWillBeSentExtraInfo", false);
            ids(events, "Network.responseReceived", true).iter().all(|id| really.contains(id))
        });
        let named = |method: &'static str| events.iter().filter(move |event| event["method"] == method).map(|event| &event["params"]);
        let answered = ids(&events, "Network.responseReceived", false);
        let requests = named("Network.requestWillBeSent").filter_map(|one| {
            // What really went out, cookies included, is told separately.
            let really = named("Network.requestWillBeSentExtraInfo").find(|more| more["requestId"] == one["requestId"]);
            if really.is_none() && !answered.contains(&one["requestId"]) {
                return None;
            }
            let headers = really.map_or(&one["request"]["headers"], |more| &more["headers"]);
            let pair = |(name, value): (&String, &Value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned());
            Some(Sent {
                url: one["request"]["url"].as_str().unwrap_or_default().to_owned(),
                headers: headers.as_object().into_iter().flatten().map(pair).collect(),
            })
        });
        requests.collect()
    }

    /// Waits until a request of this kind was answered, and hands out the status.
    #[track_caller]
    pub(crate) fn answered(&self, part_of_url: &str) -> u64 {
        let found = self.browser.event(&self.session, &mut 0, |event| {
            let response = &event["params"]["response"];
            let asked =
                event["method"] == "Network.responseReceived" && response["url"].as_str().is_some_and(|url| url.contains(part_of_url));
            asked.then(|| response["status"].as_u64()).flatten()
        });
        found.unwrap_or_else(|| panic!("nothing answered {part_of_url}\n{}", self.shown()))
    }

    /// From now on downloads are saved in this directory.
    pub(crate) fn saves_to(&self, directory: &Path) {
        self.call("Page.setDownloadBehavior", json!({ "behavior": "allow", "downloadPath": directory }));
    }

    /// Waits for the next download to be complete.
    #[track_caller]
    pub(crate) fn saved(&self, directory: &Path) -> PathBuf {
        let (mut mark, mut name) = (0, None);
        let found = self.browser.event(&self.session, &mut mark, |event| {
            let parameters = &event["params"];
            match event["method"].as_str()? {
                "Page.downloadWillBegin" => name = parameters["suggestedFilename"].as_str().map(str::to_owned),
                "Page.downloadProgress" if parameters["state"] == "completed" => return name.clone(),
                _ => {}
            }
            None
        });
        directory.join(found.unwrap_or_else(|| panic!("nothing was downloaded\n{}", self.shown())))
    }

    /// What was loaded, in order, and whether it came out of the cache.
    pub(crate) fn loaded(&self) -> Vec<(String, bool)> {
        let events = self.browser.events(&self.session);
        let from_memory = |id: &Value| {
            events.iter().any(|event| event["method"] == "Network.requestServedFromCache" && event["params"]["requestId"] == *id)
        };
        let received = events.iter().filter(|event| event["method"] == "Network.responseReceived").map(|event| &event["params"]);
        received
            .map(|one| {
                let response = &one["response"];
                (
                    response["url"].as_str().unwrap_or_default().to_owned(),
                    response["fromDiskCache"] == true || from_memory(&one["requestId"]),
                )
            })
            .collect()
    }

    /// Opens an address that a stand-in answers with this page.
    #[track_caller]
    pub(crate) fn open_answered(&self, url: &str, media: &str, body: &str) {
        // The answer to a navigation comes only when it is under way.
        self.eval(&format!("setTimeout(() => location.href = {}, 0)", json!(url)));
        self.answer(&mut 0, media, body);
        self.wait(&format!("location.href === {} && document.readyState === 'complete'", json!(url)));
    }

    /// From now on requests to addresses like this one are answered by the test: the rest of the world is not there.
    pub(crate) fn stand_in(&self, pattern: &str) {
        self.call("Fetch.enable", json!({ "patterns": [{ "urlPattern": pattern }] }));
    }

    /// Waits for the next request to what [`Self::stand_in`] named and answers it.
    #[track_caller]
    pub(crate) fn answer(&self, mark: &mut usize, media: &str, body: &str) -> String {
        use base64::Engine as _;
        let paused =
            self.browser.event(&self.session, mark, |event| (event["method"] == "Fetch.requestPaused").then(|| event["params"].clone()));
        let paused = paused.unwrap_or_else(|| panic!("nothing was asked of the stand-in\n{}", self.shown()));
        let body = base64::prelude::BASE64_STANDARD.encode(body);
        let headers = json!([{ "name": "Content-Type", "value": media }]);
        self.call(
            "Fetch.fulfillRequest",
            json!({ "requestId": paused["requestId"], "responseCode": 200, "responseHeaders": headers, "body": body }),
        );
        paused["request"]["url"].as_str().unwrap_or_default().to_owned()
    }

    /// What the browser held against the page: refused by its policy, thrown and not caught, not loaded. Refused calls of the API are not
    /// among it.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let events = self.browser.events(&self.session);
        let complaint = |event: &Value| {
            let parameters = &event["params"];
            let entry = &parameters["entry"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            match event["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"]["exception"]["description"].to_string()),
                "Log.entryAdded" if entry["source"] == "network" && text(&entry["url"]).contains("/openidm/") => None,
                "Log.entryAdded" if entry["level"] == "error" => Some(format!("{} {}", text(&entry["text"]), text(&entry["url"]))),
                _ => None,
            }
        };
        let mut found: Vec<String> = events.iter().filter_map(complaint).collect();
        let violations = self.eval("window.violations ?? []");
        found.extend(violations.as_array().into_iter().flatten().map(|one| format!("refused by the policy: {one}")));
        found
    }

    /// Fails the test if the browser complained.
    #[track_caller]
    pub(crate) fn is_content(&self) {
        assert_eq!(self.complaints(), Vec::<String>::new());
    }

    /// For a failing test: address and text of the page, and the last things that went wrong.
    fn shown(&self) -> String {
        let page = self.try_eval("location.href + '\\n' + document.body?.innerText").unwrap_or_default();
        let events = self.browser.events(&self.session);
        let answers = events.iter().rev().filter(|event| event["method"] == "Network.responseReceived").take(12);
        let lines: Vec<String> =
            answers.map(|event| format!("{} {}", event["params"]["response"]["status"], event["params"]["response"]["url"])).collect();
        let thrown = events.iter().filter(|event| matches!(event["method"].as_str(), Some("Runtime.exceptionThrown" | "Log.entryAdded")));
        let thrown: Vec<String> = thrown.map(|event| event["params"].to_string()).collect();
        format!(
            "--- the page\n{}\n--- answers, newest first\n{}\n--- the console\n{}",
            page.as_str().unwrap_or_default(),
            lines.join("\n"),
            thrown.join("\n")
        )
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        // With its last tab the profile goes.
        let _ = self.browser.call(None, "Target.closeTarget", json!({ "targetId": self.target }));
    }
}
