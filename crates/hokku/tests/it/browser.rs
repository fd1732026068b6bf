//! A browser: headless Chromium, driven over its own protocol, with a profile that trusts one authority more, as a person
//! would import it. No check of it is switched off.
//!
//! It remembers whatever a person would call wrong: errors on the console, requests that failed, answers that are
//! errors, and anything that came by a connection it does not call secure.

mod protocol;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::until::{SOON, until, until_true};
use protocol::Pipe;

/// Longest wait for a page and all that it loads.
const PAGE_LOADS_WITHIN: Duration = Duration::from_secs(60);
/// Longest that it may take to go.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Browser {
    home: TempDir,
    child: Child,
    pipe: Pipe,
    session: String,
    problems: Vec<String>,
    issuers: BTreeSet<String>,
    /// How many pages have been loaded whole.
    loads: usize,
}

impl Browser {
    /// Starts with an empty profile that trusts the authority in this file.
    pub(crate) fn start(authority: &Path) -> Self {
        let home = tempfile::tempdir().expect("a home folder");
        trust(home.path(), authority);
        let log = home.path().join("log");
        // The protocol is spoken over descriptors 3 and 4. Root's Chromium has no sandbox.
        let script = format!(
            "exec 3<&0 4>&1 </dev/null >'{}' 2>&1; exec chromium --headless --no-sandbox --remote-debugging-pipe \
             --user-data-dir='{}' --no-first-run --disable-gpu --disable-dev-shm-usage --disable-extensions \
             --disable-background-networking --disable-component-update --disable-sync --window-size=1280,900 about:blank",
            log.display(),
            home.path().join("profile").display()
        );
        let mut command = Command::new("setsid");
        command.args(["bash", "-c", &script]).env_clear().env("HOME", home.path()).env("LC_ALL", "C.UTF-8");
        command.env("PATH", std::env::var_os("PATH").expect("a PATH")).current_dir(home.path());
        let (child, pipe) = Pipe::to(&mut command);
        let (problems, issuers) = (Vec::new(), BTreeSet::new());
        let mut browser = Self { home, child, pipe, session: String::new(), problems, issuers, loads: 0 };
        browser.attach();
        browser
    }

    /// Takes the one page it has in hand.
    fn attach(&mut self) {
        let targets = self.call("Target.getTargets", json!({}));
        let pages = targets["targetInfos"].as_array().into_iter().flatten();
        let page = pages.filter(|target| target["type"] == "page").find_map(|page| page["targetId"].as_str());
        let page = page.unwrap_or_else(|| panic!("it has no page: {targets}")).to_owned();
        let attached = self.call("Target.attachToTarget", json!({ "targetId": page, "flatten": true }));
        attached["sessionId"].as_str().expect("a session").clone_into(&mut self.session);
        for domain in ["Page", "Runtime", "Network", "Log", "DOM", "Audits", "Security"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    #[track_caller]
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        let number = self.pipe.send(&self.session, method, parameters);
        until(&format!("{method} is answered"), PAGE_LOADS_WITHIN, || {
            self.take_messages();
            self.pipe.answer(number)
        })
        .unwrap_or_else(|error| panic!("{method}: {error}\n{}", self.log()))
    }

    /// Notes what has happened.
    fn take_messages(&mut self) {
        for (method, event) in self.pipe.take_events() {
            match method.as_str() {
                "Page.loadEventFired" => self.loads += 1,
                "Network.responseReceived" => self.judge(&event["response"]),
                _ => self
                    .problems
                    .extend(problem(&method, &event).filter(|_| !is_icon(&event["entry"]["url"]))),
            }
        }
        if let Some(status) = self.child.try_wait().expect("it can be asked") {
            panic!("the browser ended ({status}):\n{}", self.log());
        }
    }

    fn judge(&mut self, response: &Value) {
        let (url, status) = (response["url"].as_str().unwrap_or_default(), &response["status"]);
        if !url.starts_with("http") || is_icon(&response["url"]) {
            return;
        }
        if status.as_u64().is_none_or(|status| status >= 400) {
            self.problems.push(format!("{url} was answered with {status}"));
        }
        if response["securityState"] != "secure" {
            self.problems.push(format!("{url} is {}", response["securityState"]));
        }
        self.issuers.extend(response["securityDetails"]["issuer"].as_str().map(str::to_owned));
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// Goes to an address, and waits for the page and all that it loads.
    #[track_caller]
    pub(crate) fn open(&mut self, url: &str) {
        self.leave_by(|browser| {
            let answer = browser.call("Page.navigate", json!({ "url": url }));
            assert!(answer["errorText"].is_null(), "{url}: {}", answer["errorText"]);
        });
    }

    /// Does something that leads to another page, and waits for that.
    #[track_caller]
    fn leave_by(&mut self, go: impl FnOnce(&mut Self)) {
        let before = self.loads;
        go(self);
        until_true("a page is loaded", PAGE_LOADS_WITHIN, || {
            self.take_messages();
            self.loads > before
        });
    }

    /// What an expression comes to in the page.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, script: &str) -> Value {
        let wish = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", wish);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What a person can read on the page.
    #[track_caller]
    pub(crate) fn text(&mut self) -> String {
        self.evaluate("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn until_it_shows(&mut self, text: &str) {
        until(&format!("the page shows `{text}`"), SOON, || self.text().contains(text).then_some(()));
    }

    /// Types into a field, in place of what was there.
    #[track_caller]
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        let there = self.evaluate(&format!(
            "(() => {{ const field = document.querySelector({selector:?}); field?.focus(); field?.select?.(); \
             return field !== null; }})()"
        ));
        assert_eq!(there, true, "no {selector} on:\n{}", self.text());
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Chooses a file.
    #[track_caller]
    pub(crate) fn choose(&mut self, selector: &str, file: &Path) {
        let document = self.call("DOM.getDocument", json!({}));
        let wish = json!({ "nodeId": document["root"]["nodeId"], "selector": selector });
        let node = self.call("DOM.querySelector", wish);
        let files = json!({ "nodeId": node["nodeId"], "files": [file] });
        self.call("DOM.setFileInputFiles", files);
    }

    /// Presses the mouse button on something, as soon as a person could: a browser drops what is pressed before it has
    /// painted.
    #[track_caller]
    fn press(&mut self, selector: &str) {
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
        );
        let place = self.evaluate(&format!(
            "(() => {{ const thing = document.querySelector({selector:?}); if (!thing) return null; \
             thing.scrollIntoView({{block: 'center'}}); const box = thing.getBoundingClientRect(); \
             return {{x: box.x + box.width / 2, y: box.y + box.height / 2}}; }})()"
        ));
        assert!(place.is_object(), "no {selector} on:\n{}", self.text());
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Clicks on something that leads to another page.
    #[track_caller]
    pub(crate) fn follow(&mut self, selector: &str) {
        self.leave_by(|browser| browser.press(selector));
    }

    /// Every picture on the page, as far as it could be shown: its address and its width.
    #[track_caller]
    pub(crate) fn pictures(&mut self) -> Vec<(String, u64)> {
        let all = self.evaluate("[...document.images].map(image => [image.currentSrc, image.naturalWidth])");
        let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_u64()?));
        all.as_array().into_iter().flatten().filter_map(pair).collect()
    }

    /// What went wrong since the last time it was asked.
    #[track_caller]
    pub(crate) fn take_problems(&mut self) -> Vec<String> {
        // What was said before this answer is there with it.
        self.evaluate("1");
        self.take_messages();
        std::mem::take(&mut self.problems)
    }

    /// Who signed the certificates of all that it was sent.
    pub(crate) fn issuers(&self) -> Vec<&str> {
        self.issuers.iter().map(String::as_str).collect()
    }

    /// A file in its home, for what a page is to be given.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, bytes).expect("its home can be written");
        path
    }

    fn group(&self) -> Pid {
        Pid::from_raw(-self.child.id().cast_signed())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            crate::server::show(&format!("--- the browser's problems: {:#?}", self.problems));
        }
        self.pipe.send("", "Browser.close", json!({}));
        let began = std::time::Instant::now();
        while began.elapsed() < ENDS_WITHIN && !self.child.try_wait().is_ok_and(|status| status.is_some()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // What is left of it, if anything.
        let _ = kill(self.group(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// What a person would call wrong.
fn problem(method: &str, event: &Value) -> Option<String> {
    match method {
        "Runtime.exceptionThrown" => Some(format!("a script failed: {}", event["exceptionDetails"])),
        "Runtime.consoleAPICalled" if event["type"] == "error" => Some(format!("console: {}", event["args"])),
        "Log.entryAdded" if event["entry"]["level"] == "error" => Some(format!("log: {}", event["entry"])),
        "Network.loadingFailed" if event["canceled"] != true => Some(format!("a request failed: {event}")),
        "Network.requestWillBeSent"
            if event["request"]["mixedContentType"].as_str().is_some_and(is_mixed) =>
        {
            Some(format!("mixed content: {}", event["request"]["url"]))
        }
        "Audits.issueAdded" if event["issue"]["code"] == "MixedContentIssue" => {
            Some(format!("mixed content: {}", event["issue"]["details"]))
        }
        "Page.javascriptDialogOpening" => Some(format!("a dialog: {}", event["message"])),
        _ => None,
    }
}

/// Asked for by the browser, not by a page that does without.
fn is_icon(url: &Value) -> bool {
    url.as_str().is_some_and(|url| url.ends_with("/favicon.ico"))
}

fn is_mixed(kind: &str) -> bool {
    kind != "none"
}

/// Puts an authority into the profile's store of certificates, as a person does in the browser's settings.
fn trust(home: &Path, authority: &Path) {
    let store = home.join(".pki/nssdb");
    fs::create_dir_all(&store).expect("a folder");
    let database = format!("sql:{}", store.display());
    let certutil = |args: &[&str]| {
        let output = Command::new("certutil").args(["-d", &database]).args(args).output();
        let output = output.expect("certutil runs: cargo xtask setup installs it");
        assert!(output.status.success(), "certutil {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    certutil(&["-N", "--empty-password"]);
    let file = authority.to_str().expect("a plain path");
    certutil(&["-A", "-n", "Hokku", "-t", "C,,", "-i", file]);
}
