//! The table of pages. A row is a page: where it is, the function that answers, the context it shows and the template that shows it. What is not
//! in the table cannot be rendered: [`Page`](crate::page::Page) is implemented here and nowhere else.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use wire::parameters::decode_percent;
use wire::path::captured;

use crate::console::Console;
use crate::dashboard::Dashboard;
use crate::dead_end::DeadEnd;
use crate::edit::Edit;
use crate::elsewhere::{Notices, Sessions, Sharing};
use crate::ending::Ended;
use crate::landing::Landing;
use crate::link::ConfirmLink;
use crate::linked::Linked;
use crate::look::context;
use crate::mail_change::MailLink;
use crate::mail_code::MailCode;
use crate::page::{Page, Samples as _};
use crate::profile::Profile;
use crate::question::Question;
use crate::sign_in::SignIn;
use crate::signed_in::SignedInAlready;
use crate::visit::{Outcome, Visit};
use crate::{
    away, console, dashboard, edit, elsewhere, landing, language_choice, linked, mail_change, mail_code, policy_answer, profile,
    self_service, sign_in,
};

/// What a function of a page gives back.
type Answering<'v> = Pin<Box<dyn Future<Output = Outcome> + Send + 'v>>;

/// A row.
pub(crate) struct Row {
    /// Paths; `{name}` stands for any one segment.
    pub(crate) routes: &'static [&'static str],
    /// The function; none for a page that others end in.
    pub(crate) function: Option<for<'v> fn(&'v Visit) -> Answering<'v>>,
    /// The template; none for what is no page.
    #[cfg_attr(not(test), expect(dead_code, reason = "every page is rendered by its type; the column is for who reads the table"))]
    pub(crate) template: Option<&'static str>,
    /// Every state of it: the context whole, but for what surrounds it.
    pub(crate) samples: fn() -> Vec<(&'static str, String, Value)>,
}

macro_rules! rows {
    ($($(#[$doc:meta])* [$($route:literal),*] $(=> $function:path)? , $($context:ty, $template:literal)?;)*) => {
        $($(impl Page for $context { const TEMPLATE: &'static str = $template; })?)*

        /// Every page.
        pub(crate) const ROWS: &[Row] = &[$(Row {
            routes: &[$($route),*],
            function: rows!(@function $($function)?),
            template: rows!(@template $($template)?),
            samples: || rows!(@samples $($context)?),
        }),*];
    };
    (@function $function:path) => { Some(|visit| Box::pin($function(visit))) };
    (@function) => { None };
    (@template $template:literal) => { Some($template) };
    (@template) => { None };
    (@samples $context:ty) => {
        <$context>::samples().into_iter().map(|(name, page)| (name, template_of(&page), context(Value::Object(serde_json::Map::new()), &page))).collect()
    };
    (@samples) => { Vec::new() };
}

rows! {
    /// Where somebody begins.
    ["/"] => landing::serve, Landing, "landing.html";
    /// Signing in, with a password.
    ["/sign-in"] => sign_in::serve, SignIn, "sign-in.html";
    /// To an identity provider.
    ["/sign-in/{provider}"] => away::begin, ;
    /// Signing out.
    ["/sign-out"] => sign_in::out, ;
    /// The language of the pages.
    ["/language"] => language_choice::serve, ;
    /// What a password fails, for the script.
    ["/vestibule/policy"] => policy_answer::serve, ;
    /// Short addresses of processes.
    ["/reset", "/registration", "/username"] => self_service::short, ;
    /// What a stage asks; a stage with a template of its own is shown by that.
    ["/selfservice/{process}"] => self_service::serve, Question, "process.html";
    /// A mailed link was opened.
    [], ConfirmLink, "confirm-link.html";
    /// The end of a process.
    [], Ended, "ended.html";
    /// Somebody who is signed in forgot nothing.
    [], SignedInAlready, "signed-in-already.html";
    /// What is due, and the ways on.
    ["/account"] => dashboard::serve, Dashboard, "account/dashboard.html";
    /// Everything about the account.
    ["/account/profile"] => profile::serve, Profile, "account/profile.html";
    /// Where somebody is signed in.
    ["/account/sessions"] => elsewhere::sessions, Sessions, "account/sessions.html";
    /// What happened to the account.
    ["/account/notifications"] => elsewhere::notifications, Notices, "account/notifications.html";
    /// With whom data are shared.
    ["/account/consent"] => elsewhere::consent, Sharing, "account/consent.html";
    /// A copy of one's data.
    ["/account/data"] => elsewhere::data, ;
    /// Accounts elsewhere that are linked.
    ["/account/providers"] => linked::serve, Linked, "account/providers.html";
    /// The forms of the account.
    ["/account/{form}"] => edit::serve, Edit, "account/edit.html";
    /// A link of a mail about a changed address is opened.
    ["/vestibule/mail/{token}"] => mail_change::opened, ;
    /// What such a link does, and its button.
    ["/vestibule/mail"] => mail_change::serve, MailLink, "mail-link.html";
    /// What the operator sees.
    ["/vestibule/console"] => console::overview, Console, "console.html";
    /// One process.
    ["/vestibule/console/process/{process}"] => console::process, ;
    /// The map of one process.
    ["/vestibule/console/map/{process}"] => console::map, ;
    /// The other parts of the console.
    ["/vestibule/console/{part}"] => console::part, ;
    /// A link that no server can read.
    ["/code"] => mail_code::serve, MailCode, "code-from-mail.html";
    /// Every dead end.
    [], DeadEnd, "dead-end.html";
}

/// The template of a sample: a stage's own, where it has one.
fn template_of<P: Page + 'static>(page: &P) -> String {
    let own = (page as &dyn std::any::Any).downcast_ref::<Question>().map(|question| format!("stages/{}.html", question.stage));
    own.filter(|own| crate::template::BUILTIN.iter().any(|(name, _)| name == own)).unwrap_or_else(|| P::TEMPLATE.to_owned())
}

/// The row of a path, with what stands for the names in its route.
pub(crate) fn find(path: &str) -> Option<(&'static Row, Vec<String>)> {
    // Two slashes are no path of ours, with one of them taken away either.
    let path = if path.len() > 1 && !path.ends_with("//") { path.strip_suffix('/').unwrap_or(path) } else { path };
    let segments: Vec<&str> = path.split('/').collect();
    ROWS.iter().find_map(|row| row.routes.iter().find_map(|route| named(route, &segments)).map(|names| (row, names)))
}

/// What stands for the names in a route, decoded. A name has no slash in it.
fn named(route: &str, segments: &[&str]) -> Option<Vec<String>> {
    let name = |segment: &str| decode_percent(segment).filter(|name| !name.is_empty() && !name.contains('/'));
    captured(route, segments)?.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_row() {
        let names = |path: &str| find(path).map(|(_, names)| names);
        assert_eq!(names("/"), Some(Vec::new()));
        assert_eq!(names("/selfservice/reset/"), Some(vec!["reset".to_owned()]));
        assert_eq!(names("/selfservice/re%20set"), Some(vec!["re set".to_owned()]));
        for path in ["", "/selfservice", "/selfservice/", "/selfservice/a/b", "/selfservice/a%2fb", "/sign-in/x/y", "//"] {
            assert_eq!(names(path), None, "{path}");
        }
    }
}
