//! Pages that the server writes itself, beside the REST API and on the same functions: what a page shows and does, it asks of `accounts` and the
//! engine, never of REST.
//!
//! A page is a row of the table ([`table`]): route, function, context, template. What it says stands in messages ([`language`]), what it asks
//! comes from the requirements that every client reads ([`requirements`]). Everything works without scripts.

mod account;
mod answer;
mod asset;
mod away;
mod brand;
mod browser;
mod button_style;
mod by_provider;
mod captcha;
mod check;
mod colour;
mod confirm;
mod console;
mod dashboard;
mod dead_end;
mod edit;
mod elsewhere;
mod ending;
mod failure;
mod field;
mod form;
mod interrupted;
mod landing;
mod language;
mod language_choice;
mod letters;
mod link;
mod linked;
mod lint;
mod look;
mod mail_change;
mod mail_code;
mod operator;
mod page;
mod pages;
mod personal;
mod policy_answer;
mod preferred_language;
mod present;
mod profile;
mod property;
mod provider;
mod question;
mod requirements;
mod returned;
mod samples;
mod self_service;
mod session;
mod sign_in;
mod signed_in;
mod step;
mod strength;
mod table;
mod template;
mod trouble;
mod visit;
mod way;
mod wording;
mod words;

pub use check::check;
pub use letters::Letters;
pub use mail_change::written_path;
pub use operator::Operator;
pub use pages::Pages;
pub use samples::samples;
