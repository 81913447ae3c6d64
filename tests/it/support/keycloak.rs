//! Keycloak, with a realm of its own, and people who sign in there with a browser that keeps cookies (`make test-keycloak`).
//!
//! Easiest to get wrong: it outlives nobody. It is the head of a group of processes, which is killed with it, and it starts within a time or not at all.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use super::http::{Request, Response, decoded};
use super::lines::Lines;
use super::reaper;
use super::visitor::encode;

/// How often it is waited for, two minutes each time: it starts in twenty seconds on a machine that has nothing else to do.
const LOOKS: u32 = 5;
/// The realm.
const REALM: &str = "vestibule";
/// The password of everybody there.
pub(crate) const PASSWORD: &str = "Str0ng-at-the-provider";

/// The provider, for as long as this lives.
pub(crate) struct Keycloak {
    child: Child,
    address: SocketAddr,
    home: tempfile::TempDir,
}

/// Somebody's browser there.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

/// Where a browser is that was sent to the provider.
pub(crate) enum Place {
    /// On a page of the provider.
    Page(Page),
    /// Away from it, with these parameters.
    Away(BTreeMap<String, String>),
}

/// A page of the provider.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) html: String,
}

/// Files of a distribution, linked: what is run changes none of them but those that it makes new.
fn linked(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            linked(&source, &target);
        } else if std::fs::hard_link(&source, &target).is_err() {
            std::fs::copy(&source, &target).unwrap();
        }
    }
}

impl Keycloak {
    /// A provider with these clients and people, who have an address at `example.test`.
    #[track_caller]
    pub(crate) fn start(clients: &[Value], people: &[&str]) -> Self {
        let program =
            PathBuf::from(std::env::var_os("VESTIBULE_KEYCLOAK").expect("VESTIBULE_KEYCLOAK says where Keycloak is: `make test-keycloak`"));
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = home.path().join("keycloak");
        linked(&program, &root);
        std::fs::create_dir_all(root.join("data/import")).unwrap();
        std::fs::write(root.join("data/import/realm.json"), realm(clients, people).to_string()).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = Command::new(root.join("bin/kc.sh"))
            .args(["start", "--optimized", "--import-realm", "--http-enabled=true", "--http-host=127.0.0.1", "--cache=local"])
            .arg(format!("--http-port={}", address.port()))
            .arg(format!("--hostname=http://{address}"))
            .env("KC_BOOTSTRAP_ADMIN_USERNAME", "admin")
            .env("KC_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD)
            .env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx640m")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        reaper::watch(child.id(), home.path());
        let said = Lines::of(child.stdout.take().unwrap());
        let keycloak = Self { child, address, home };
        let listens = (0..LOOKS).find_map(|_| said.wait(0, |line| line.contains("Listening on: ").then_some(())));
        assert!(listens.is_some(), "Keycloak does not start:\n{}", said.text());
        keycloak
    }

    /// What an ID token calls it.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}/realms/{REALM}", self.address)
    }

    /// A request of a browser, through every redirect of the provider's own.
    #[track_caller]
    fn send(&self, browser: &mut Browser, mut request: Request) -> Place {
        for _ in 0..12 {
            let kept: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = request.clone().header("Cookie", &kept.join("; ")).send(self.address);
            browser.keep(&answer);
            let Some(location) = answer.header("location").filter(|_| (300..400).contains(&answer.status)) else {
                return Place::Page(Page { status: answer.status, html: answer.text() });
            };
            match location.strip_prefix(&format!("http://{}", self.address)) {
                Some(target) => request = Request::new("GET", target),
                None if location.starts_with('/') => request = Request::new("GET", location),
                None => return Place::Away(parameters(location)),
            }
        }
        panic!("the provider leads in a circle");
    }

    /// Follows an address.
    #[track_caller]
    pub(crate) fn open(&self, browser: &mut Browser, url: &str) -> Place {
        let target = url.strip_prefix(&format!("http://{}", self.address)).unwrap_or_else(|| panic!("{url} is not the provider's"));
        self.send(browser, Request::new("GET", target))
    }

    /// Sends the form of a page, with these values in it.
    #[track_caller]
    pub(crate) fn submit(&self, browser: &mut Browser, page: &Page, values: &[(&str, &str)]) -> Place {
        let (action, mut fields) = page.form();
        let target = action.strip_prefix(&format!("http://{}", self.address)).unwrap_or(&action).to_owned();
        fields.retain(|(name, _)| values.iter().all(|(given, _)| given != name));
        fields.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let request = Request::new("POST", &target).header("Content-Type", "application/x-www-form-urlencoded");
        self.send(browser, request.body(encode(&fields)))
    }

    /// Goes where a browser is sent and signs in there; what it comes back with.
    #[track_caller]
    pub(crate) fn visit(&self, browser: &mut Browser, url: &str, name: &str) -> Value {
        match self.open(browser, url) {
            Place::Page(page) => {
                assert_eq!(page.status, 200, "{}", page.html);
                self.submit(browser, &page, &[("username", name), ("password", PASSWORD)]).away()
            }
            away @ Place::Away(_) => away.away(),
        }
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
        reaper::forget(self.child.id(), self.home.path());
    }
}

impl Browser {
    fn keep(&mut self, answer: &Response) {
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else { continue };
            if value.is_empty() || line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Place {
    /// What the browser came away with, as lists.
    #[track_caller]
    pub(crate) fn away(self) -> Value {
        match self {
            Self::Away(parameters) => parameters.into_iter().map(|(name, value)| (name, json!([value]))).collect(),
            Self::Page(page) => panic!("still at the provider, {}: {}", page.status, page.html),
        }
    }

    /// The page it is on.
    #[track_caller]
    pub(crate) fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Away(parameters) => panic!("it left with {parameters:?}"),
        }
    }
}

impl Page {
    /// Where the form goes, and its hidden fields.
    #[track_caller]
    fn form(&self) -> (String, Vec<(String, String)>) {
        let form = self.html.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {}", self.html)).split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
            Some(value.replace("&amp;", "&").replace("&#x3D;", "=").replace("&#x2F;", "/"))
        };
        let hidden = form.split("<input").skip(1).filter(|tag| tag.split('>').next().is_some_and(|tag| tag.contains("type=\"hidden\"")));
        let fields = hidden.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))).collect();
        (attribute(form, "action").unwrap_or_else(|| panic!("no action: {form}")), fields)
    }
}

/// The parameters of an address.
fn parameters(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').map_or("", |(_, query)| query).split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn realm(clients: &[Value], people: &[&str]) -> Value {
    let person = |name: &&str| {
        json!({
            "username": name, "enabled": true, "email": format!("{name}@example.test"), "emailVerified": true, "firstName": "Ada", "lastName": "Byron",
            "credentials": [{ "type": "password", "value": PASSWORD, "temporary": false }],
        })
    };
    json!({ "realm": REALM, "enabled": true, "sslRequired": "none", "clients": clients, "users": people.iter().map(person).collect::<Vec<_>>() })
}
