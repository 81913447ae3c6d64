//! Identity providers on the pages: there and back without scripts, signing in, registering, showing that an account is one's own, linking and taking
//! links away; and what is said where a way ends.

mod by_code;
mod endpoints;
mod keyless;
mod no_mail;
mod refused;
mod turns;

use serde_json::{Value, json};

use crate::support::client::cookie;
use crate::support::http::Request;
use crate::support::identity_provider::{Account, IdentityProvider, signing_in};
use crate::support::people::{PASSWORD, unused};
use crate::support::real_provider::RealProvider;
use crate::support::{Person, Project, Server, Visitor};

/// What is said of an answer that nobody waits for.
const OLD: &str = "This took too long, or it was begun in another browser";
const PUBLIC: &str = "http://localhost:8099";

/// A project in which people register and claim accounts with providers whose files these are.
pub(super) fn project(providers: &[Value]) -> Project {
    let login =
        json!({"name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password"});
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let files = signing_in()
        .file("vestibule.toml", format!("[server]\npublic_url = \"{PUBLIC}\"\n"))
        .process(
            "registration",
            &[
                json!({"name": "parameters", "parameterNames": ["returnParams"]}),
                details,
                json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"}),
                login.clone(),
            ],
        )
        .process(
            "socialUserClaim",
            &[
                json!({"name": "parameters", "parameterNames": ["returnParams"]}),
                json!({"name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/mail eq \"{{mail}}\""}),
                login,
            ],
        );
    providers
        .iter()
        .fold(files, |files, file| files.json(&format!("conf/identityProvider-{}.json", file["provider"].as_str().unwrap()), file))
}

/// The same with a claim that takes a code by mail as well.
pub(super) fn claimed_by_mail(project: Project) -> Project {
    let claim = json!({
        "name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/mail eq \"{{mail}}\"", "vestibule": {"claimByMail": true},
    });
    let login =
        json!({"name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password"});
    project.process("socialUserClaim", &[claim, login])
}

/// The file of a provider that comes back to the pages.
pub(super) fn ours(mut file: Value) -> Value {
    file["redirectUri"] = json!(format!("{PUBLIC}/oauthReturn/"));
    file["propertyMap"] = json!([
        {"source": "sub", "target": "id"}, {"source": "email", "target": "email"}, {"source": "email", "target": "username"},
        {"source": "given_name", "target": "givenName"},
    ]);
    file["uiConfig"] = json!({"buttonDisplayName": "Acme & Co", "buttonImage": "images/acme.svg", "buttonCustomStyle": "background-color: #3b5998; color: #fff"});
    file
}

/// The address at the provider that a link leads to.
#[track_caller]
fn away(here: &mut Visitor, href: &str) -> String {
    let sent = here.send(Request::new("GET", href));
    let location = sent.header("location").unwrap_or_default().to_owned();
    assert!(sent.status == 303 && location.starts_with("http"), "{} {location} {}", sent.status, sent.text());
    let set = sent
        .headers
        .iter()
        .find(|(name, value)| name == "set-cookie" && value.starts_with("vestibule-provider="))
        .expect("a cookie")
        .1
        .clone();
    assert!(set.contains("HttpOnly; SameSite=Lax") && set.contains("Max-Age=900"), "{set}");
    location
}

/// The same by a link of the page.
#[track_caller]
fn pressed(here: &mut Visitor, words: &str) -> String {
    let href = here.page.link(words);
    away(here, &href)
}

/// The address that a browser comes back to with an answer.
fn back(answer: &Value) -> String {
    let one = |(name, values): (&String, &Value)| format!("{name}={}", values[0].as_str().unwrap().replace(':', "%3A").replace('/', "%2F"));
    format!("/oauthReturn/?{}", answer.as_object().unwrap().iter().map(one).collect::<Vec<_>>().join("&"))
}

fn links(server: &Server, id: &str) -> Vec<Value> {
    server.admin().get(&format!("managed/user/{id}?_fields=idps/*")).ok()["idps"].as_array().cloned().unwrap_or_default()
}

#[test]
fn whole_ways_with_a_real_provider_are_gone_without_scripts() {
    let redirect = format!("{PUBLIC}/oauthReturn/");
    let client = |name: &str| json!({"client_id": name, "client_secret": "0123456789abcdef0123456789abcdef", "redirect_uris": [redirect], "token_endpoint_auth_method": "client_secret_basic"});
    let mut real = RealProvider::start(&[client("acme"), client("other")]);
    let file = |name: &str| {
        ours(json!({
            "provider": name, "type": "OPENID_CONNECT", "clientId": name, "clientSecret": "0123456789abcdef0123456789abcdef", "scope": ["openid", "email"],
            "wellKnownEndpoint": format!("{}/.well-known/openid-configuration", real.issuer), "vestibule": {"tokenEndpointAuthMethod": "client_secret_basic"},
        }))
    };
    let mut other = file("other");
    other["uiConfig"] = json!({"buttonDisplayName": "Other"});
    let server =
        Server::on(project(&[file("acme"), other]).file("pages/assets/acme.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")).start();

    // Registering: nobody here is meant, so the form comes, filled in.
    let login = unused("newcomer");
    let mut here = Visitor::new(server.address());
    here.open("/").says("Continue with Acme & Co");
    here.open("/registration").says("Continue with Acme & Co");
    assert!(here.page.html.contains("/vestibule/assets/acme."), "the picture of the project");
    let style = here.page.html.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(here.send(Request::new("GET", &style)).text().contains(".provider-acme{background:#3b5998;color:#ffffff"));
    let url = pressed(&mut here, "Continue with Acme & Co");
    let answer = real.visit(&url, &login);
    here.open(&back(&answer)).is(200, "Create an account").says("Acme & Co has told us who you are");
    assert!(here.page.path.starts_with("/selfservice/registration?at="), "the code is in no address that stays: {}", here.page.path);
    assert!(!here.cookies.contains_key("vestibule-provider"), "nothing more is kept");
    let mail = format!("{login}@elsewhere.example.test");
    assert!(here.page.html.contains(&format!("value=\"{mail}\"")), "{}", here.page.html);
    here.submit(&[("user.userName", &login), ("user.givenName", "New"), ("user.sn", "Comer"), ("password", PASSWORD)], None)
        .is(200, "Hello New");

    // Signing in, from a page that leads to the sign-in.
    let mut here = Visitor::new(server.address());
    here.open("/account/profile").is(200, "Sign in");
    let url = pressed(&mut here, "Continue with Acme & Co");
    here.open(&back(&real.visit(&url, &login))).is(200, "Profile");
    assert_eq!(here.page.path, "/account/profile");
    here.open("/account/providers").is(200, "Accounts elsewhere").says(&mail);

    // An account that has the address: it is shown to be theirs by its password.
    let login = unused("claimer");
    let mail = format!("{login}@elsewhere.example.test");
    let person = Person::with(&server, "claims", &json!({"mail": mail}));
    let mut here = Visitor::new(server.address());
    here.open("/sign-in");
    let url = pressed(&mut here, "Continue with Acme & Co");
    here.open(&back(&real.visit(&url, &login))).is(200, "You already have an account").says(&mail).says("Acme & Co");
    assert_eq!(here.page.form().controls.get("password").map(String::as_str), Some("current-password"));
    here.submit(&[("password", "wrong")], None).is(400, "You already have an account").says("The password is wrong");
    assert!(links(&server, &person.id).is_empty());
    here.submit(&[("password", PASSWORD)], None).is(200, "Hello Given");
    assert_eq!(links(&server, &person.id).len(), 1);

    // Linking a second one shows which it is, and waits for the button.
    here.open("/account/profile");
    here.open("/account/providers").is(200, "Accounts elsewhere");
    let url = pressed(&mut here, "Link Other");
    here.open(&back(&real.visit(&url, &login))).is(200, "Link this account?").says(&mail);
    assert_eq!(links(&server, &person.id).len(), 1, "coming back links nothing");
    here.submit(&[], None).is(200, "Accounts elsewhere").says("The account at Other is linked");
    assert_eq!(links(&server, &person.id).len(), 2);

    // One is taken away, and the last way in is not.
    here.submit(&[], Some("unlink")).is(200, "Accounts elsewhere").says("is no longer linked");
    assert_eq!(links(&server, &person.id).len(), 1);
    server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    here.open("/sign-in");
    let remaining = links(&server, &person.id)[0]["_refResourceCollection"].as_str().unwrap().to_owned();
    let words = if remaining == "managed/acme" { "Continue with Acme & Co" } else { "Continue with Other" };
    let mut here = Visitor::new(server.address());
    here.open("/sign-in");
    let url = pressed(&mut here, words);
    here.open(&back(&real.visit(&url, &login))).is(200, "Hello Given");
    here.open("/account/providers");
    here.submit(&[], Some("unlink")).is(200, "Accounts elsewhere").says("This is your only way to sign in");
    assert_eq!(links(&server, &person.id).len(), 1);
}

/// A server, and a provider that is ours to play with.
fn world() -> (IdentityProvider, Server) {
    let acme = IdentityProvider::start();
    let server = Server::on(project(&[ours(acme.file("acme"))])).start();
    (acme, server)
}

#[test]
fn a_way_that_ends_at_a_provider_says_so_and_the_others_go_on() {
    let (acme, server) = world();
    let person = Person::create(&server, "ends");
    let mut here = Visitor::new(server.address());
    here.open("/account/profile").is(200, "Sign in");
    let button = here.page.link("Continue with Acme & Co");
    let url = away(&mut here, &button);
    let state = acme.answer(&url, &Account::new("x"))["state"][0].as_str().unwrap().to_owned();
    here.open(&format!("/oauthReturn/?state={state}&error=access_denied"))
        .is(200, "Sign in")
        .says("You went back without signing in with Acme & Co");
    // What was begun is over.
    here.open(&format!("/oauthReturn/?state={state}&error=access_denied")).is(200, "Sign in").says(OLD);
    let mut again = |answer: &dyn Fn(&str) -> String, words: &str| {
        here.open("/account/profile");
        let url = away(&mut here, &button);
        here.open(&answer(&url)).is(200, "Sign in").says(words);
        assert!(!here.cookies.contains_key("session-jwt"));
    };
    let of = |url: &str| acme.answer(url, &Account::new("x"))["state"][0].as_str().unwrap().to_owned();
    again(&|url| format!("/oauthReturn/?state={}&error=server_error", of(url)), "did not let you sign in");
    acme.claims(&json!({"aud": "somebody else"}));
    again(&|url| back(&acme.answer(url, &Account::new("x"))), "could not be verified");
    acme.claims(&json!({}));
    again(&|url| format!("/oauthReturn/?state={}&code=nonsense", of(url)), "Acme & Co");
    here.submit(&[("user", &person.name), ("password", PASSWORD)], None).is(200, "Profile");
    // One that does not answer, while a form of ours still does.
    let mut down = ours(acme.file("acme"));
    down["wellKnownEndpoint"] = json!("http://127.0.0.1:9/.well-known/openid-configuration");
    let server = Server::on(project(&[down])).start();
    let mut there = Visitor::new(server.address());
    there.open("/sign-in/acme").is(200, "Sign in").says("Acme & Co does not answer at the moment");
    let person = Person::create(&server, "down");
    there.submit(&[("user", &person.name), ("password", PASSWORD)], None).is(200, "Hello Given");
    // Words of nobody's are not said.
    let mut here = Visitor::new(server.address());
    let page = here.open("/sign-in?trouble=old-form&provider=acme").clone();
    assert!(page.forms()[0].controls.contains_key("user") && !page.html.contains("id=\"problems\""));
}

#[test]
fn an_answer_counts_in_the_browser_that_asked_and_nobody_is_linked_unseen() {
    let (acme, server) = world();
    let person = Person::create(&server, "guards");
    let (mut here, mut there) = (Visitor::new(server.address()), Visitor::new(server.address()));
    here.open("/sign-in");
    there.open("/sign-in");
    let url = away(&mut here, "/sign-in/acme");
    let answer = acme.answer(&url, &Account::new("slipped"));
    there.open(&back(&answer)).is(200, "Sign in").says(OLD);
    // The cookie of one browser in another.
    let mut thief = there.clone();
    thief.cookies.insert("vestibule-provider".to_owned(), here.cookies["vestibule-provider"].clone());
    thief.open(&back(&answer)).is(200, "Sign in").says(OLD);
    let mut mixed = answer.clone();
    mixed["state"] = json!(["another"]);
    here.open(&back(&mixed)).is(200, "Sign in").says(OLD);
    here.open(&back(&answer)).is(200, "Create an account");

    // Another site sends somebody who is signed in: nothing is linked before they press the button, and a form of another site presses none.
    let mut here = Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
    let url = away(&mut here, "/sign-in/acme?for=link");
    here.open(&back(&acme.answer(&url, &Account::new("theirs")))).is(200, "Link this account?");
    let mut form = here.page.form();
    form.fields.retain(|(name, _)| name != "form_token");
    let button = form.buttons.first().cloned();
    assert_eq!(here.clone().send_form(&form, &[], button.clone()).status, 403);
    let mut stranger = Visitor::new(server.address());
    stranger.sign_in(&person.name, PASSWORD);
    stranger.open("/account/providers");
    let own: Vec<(String, String)> = stranger.page.forms().first().map(|form| form.fields.clone()).unwrap_or_default();
    assert!(own.is_empty(), "nothing is linked");
    assert!(links(&server, &person.id).is_empty());
    here.submit(&[], None).is(200, "Accounts elsewhere").says("is linked");
    assert_eq!(links(&server, &person.id).len(), 1);

    // An account that is linked already is linked to nobody else.
    let account =
        Account { subject: links(&server, &person.id)[0]["_refResourceId"].as_str().unwrap().to_owned(), mail: person.mail.clone() };
    let second = Person::create(&server, "second");
    let mut here = Visitor::new(server.address());
    here.sign_in(&second.name, PASSWORD);
    let url = away(&mut here, "/sign-in/acme?for=link");
    here.open(&back(&acme.answer(&url, &account)));
    here.submit(&[], None).is(200, "Accounts elsewhere").says("is linked already");
    assert!(links(&server, &second.id).is_empty());
    assert_eq!(Visitor::new(server.address()).open("/account/providers").status, 200);
    assert_eq!(Visitor::new(server.address()).open("/sign-in/nobody").status, 404);
    assert_eq!(here.send(Request::new("POST", "/sign-in/acme")).status, 415);
    assert!(cookie(&here.send(Request::new("GET", "/oauthReturn/?state=x&code=y"))).is_none());
}

/// The other end of a relationship keeps it, and it is the person's all the same.
#[test]
fn a_copy_of_ones_data_has_the_accounts_elsewhere_and_whom_one_refers_to() {
    let (acme, server) = world();
    let (person, boss) = (Person::create(&server, "copied"), Person::create(&server, "boss"));
    let own = format!("managed/user/{}", person.id);
    let manager = json!({"_ref": format!("managed/user/{}", boss.id)});
    server.admin().patch(&own, &json!([{"operation": "replace", "field": "/manager", "value": manager}])).ok();
    let mut here = Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
    let account = Account::new("copied");
    let url = away(&mut here, "/sign-in/acme?for=link");
    here.open(&back(&acme.answer(&url, &account)));
    here.submit(&[], None).is(200, "Accounts elsewhere");
    here.open("/account/data");
    let data: Value = serde_json::from_str(&here.page.html).unwrap();
    assert_eq!(data["idps"].as_array().map(Vec::len), Some(1), "{data}");
    assert_eq!((&data["idps"][0]["_refResourceId"], &data["idps"][0]["email"]), (&json!(account.subject), &json!(account.mail)), "{data}");
    assert_eq!(data["manager"]["_refResourceId"], json!(boss.id), "{data}");
    // Who reports to somebody is nothing of theirs.
    let mut there = Visitor::new(server.address());
    there.sign_in(&boss.name, PASSWORD).is(200, "Hello Given");
    there.open("/account/data");
    assert!(!there.page.html.contains(&person.id), "{}", there.page.html);
}

#[test]
fn a_provider_that_comes_back_elsewhere_has_no_button_and_one_that_posts_is_answered() {
    let (acme, apple) = (IdentityProvider::start(), IdentityProvider::start());
    let mut posts = ours(apple.file("apple"));
    posts["issuer"] = json!(apple.issuer());
    posts["uiConfig"] = json!({"buttonDisplayName": "Apple"});
    let mut elsewhere = acme.file("acme");
    elsewhere["redirectUri"] = json!("https://client.example.test/oauthReturn/");
    let server = Server::on(project(&[posts, elsewhere])).start();
    let mut here = Visitor::new(server.address());
    here.open("/sign-in").says("Continue with Apple");
    assert!(!here.page.text().contains("Continue with acme"));
    assert_eq!(here.open("/sign-in/acme").status, 404);
    here.open("/sign-in");
    let url = pressed(&mut here, "Continue with Apple");
    assert!(url.contains("response_mode=form_post"), "{url}");
    let answer = apple.answer(&url, &Account::new("posted"));
    let form = format!("state={}&code={}", answer["state"][0].as_str().unwrap(), answer["code"][0].as_str().unwrap());
    // A browser sends none of its cookies with a form of another site.
    let post = Request::new("POST", "/oauthReturn/")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Origin", "https://appleid.apple.com");
    let answered = Visitor::new(server.address()).send(post.body(form));
    assert_eq!(answered.status, 303);
    let location = answered.header("location").unwrap().to_owned();
    here.open(&location).is(200, "Create an account").says("Apple has told us who you are");
}

/// Apple tells a name once. Where the exchange behind it fails, the browser has it still when its person comes back another time.
#[test]
fn a_name_that_is_told_once_is_in_the_form_after_a_failure() {
    let apple = IdentityProvider::start();
    let mut posts = ours(apple.file("apple"));
    posts["issuer"] = json!(apple.issuer());
    posts["uiConfig"] = json!({"buttonDisplayName": "Apple"});
    posts["propertyMap"] = json!([
        {"source": "sub", "target": "id"}, {"source": "email", "target": "email"}, {"source": "name/firstName", "target": "givenName"},
        {"source": "name/lastName", "target": "familyName"},
    ]);
    let server = Server::on(project(&[posts])).start();
    let account = Account::new("once");
    let mut here = Visitor::new(server.address());
    let mut goes = |user: &str, fails: bool| {
        apple.token_fails(fails.then_some("503 Service Unavailable"));
        here.open("/sign-in");
        let url = pressed(&mut here, "Continue with Apple");
        let answer = apple.answer(&url, &account);
        let form = format!("state={}&code={}{user}", answer["state"][0].as_str().unwrap(), answer["code"][0].as_str().unwrap());
        let post = Request::new("POST", "/oauthReturn/").header("Content-Type", "application/x-www-form-urlencoded");
        // The browser sends no cookies with a form of another site, and takes the one that comes back.
        let mut without = Visitor::new(server.address());
        let answered = without.send(post.header("Origin", "https://appleid.apple.com").body(form));
        here.cookies.extend(without.cookies);
        here.open(answered.header("location").unwrap()).clone()
    };
    let user = format!(
        "&user=%7B%22name%22%3A%7B%22firstName%22%3A%22Jolanda%22%2C%22lastName%22%3A%22Doe%22%7D%2C%22email%22%3A%22{}%22%7D",
        account.mail.replace('@', "%40")
    );
    goes(&user, true).is(200, "Sign in").says("Apple does not answer at the moment");
    let form = goes("", false);
    form.is(200, "Create an account");
    assert!(form.html.contains("value=\"Jolanda\"") && form.html.contains("value=\"Doe\""), "{}", form.html);
}

#[test]
fn what_is_asked_before_and_behind_the_details_is_asked_of_whoever_comes_from_a_provider() {
    let acme = IdentityProvider::start();
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let stages =
        [json!({"name": "termsAndConditions"}), details, json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"})];
    let files = project(&[ours(acme.file("acme"))])
        .process("registration", &stages)
        .without("conf/selfservice-socialUserClaim.json")
        .json("conf/selfservice.terms.json", &json!({"versions": [{"version": "1", "termsTranslations": {"en": "Be kind."}, "createDate": "2026-01-01T00:00:00.000Z"}], "active": "1"}));
    let server = Server::on(files).start();

    // From the sign-in page: the terms come first, and the provider is told of where it is asked for.
    let account = Account::new("before");
    let mut here = Visitor::new(server.address());
    here.open("/sign-in");
    let url = pressed(&mut here, "Continue with Acme & Co");
    here.open(&back(&acme.answer(&url, &account))).says("Be kind.");
    assert!(!here.page.html.contains("user.userName"));
    here.submit(&[("accept", "true")], None).is(200, "Create an account").says("Acme & Co has told us who you are");
    assert!(here.page.html.contains(&format!("value=\"{}\"", account.mail)));
    here.submit(&[("user.userName", &account.subject), ("user.sn", "Before")], None);
    let found = server.admin().get(&format!("managed/acme/{}", account.subject));
    assert_eq!(found.status, 200, "the account is made and linked");

    // From the question itself, in the middle of a process.
    let account = Account::new("middle");
    let mut here = Visitor::new(server.address());
    here.open("/registration").says("Be kind.");
    assert!(!here.page.text().contains("Continue with Acme"), "terms are no question that a provider answers");
    here.submit(&[("accept", "true")], None).is(200, "Create an account");
    let url = pressed(&mut here, "Continue with Acme & Co");
    let step = here.page.path.clone();
    let state = acme.answer(&url, &account)["state"][0].as_str().unwrap().to_owned();
    here.open(&format!("/oauthReturn/?state={state}&error=access_denied"))
        .is(200, "Create an account")
        .says("You went back without signing in");
    let at = here.page.path.replace("%5F", "_").replace("%2D", "-");
    assert!(at.starts_with(&step), "the step is still there: {at}");
    let url = pressed(&mut here, "Continue with Acme & Co");
    here.open(&back(&acme.answer(&url, &account))).is(200, "Create an account").says("Acme & Co has told us who you are");
    here.submit(&[("user.userName", &account.subject), ("user.sn", "Middle")], None);
    assert_eq!(server.admin().get(&format!("managed/acme/{}", account.subject)).status, 200);
}

#[test]
fn over_https_what_a_browser_keeps_can_be_set_by_no_other_host() {
    let acme = IdentityProvider::start();
    let mut file = ours(acme.file("acme"));
    file["redirectUri"] = json!("https://id.example.test/oauthReturn/");
    let server = Server::on(project(&[file]).file("vestibule.toml", "[server]\npublic_url = \"https://id.example.test\"\n")).start();
    let sent = Visitor::new(server.address()).send(Request::new("GET", "/sign-in/acme"));
    let set: Vec<&str> = sent.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect();
    let kept = set.iter().find(|set| set.starts_with("__Host-vestibule-provider=")).unwrap_or_else(|| panic!("{set:?}"));
    assert!(kept.ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure"), "{kept}");
}
