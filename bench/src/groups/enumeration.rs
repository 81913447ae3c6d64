//! Whether time tells who has an account (SEC-02): the same step for somebody and for nobody, in turns, and how well one could be told from
//! the other by how long the answer took.
//!
//! Easiest to get wrong: what is set against each other is measured alternately, in pairs whose order changes; a mail of one pair is taken from
//! the mailbox before the next begins; and somebody is somebody else each time, as nobody is. What the server still does about a mail that was
//! taken (it writes down that it was delivered) would fall on whatever is measured next, and that is nobody's turn more often than somebody's. So
//! something is asked in between that is not measured.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::account::{Stopwatch, number};
use crate::client::Connection;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::Bench;
use crate::mailbox::Mailbox;
use crate::project::{RESET_THAT_WAITS, WAITING};
use crate::server::Server;
use crate::{Failure, people};

const POPULATION: u64 = 10_000;
/// Pairs of a round; five rounds are two thousand.
const PAIRS: u64 = 400;
/// Pairs before the first that counts.
const WARM: u64 = 50;
/// Numbers from here on are nobody's.
const NOBODY: u64 = 5_000_000;
/// Numbers from here on are nobody's either, and are asked for in between.
const BETWEEN: u64 = 7_000_000;
/// What is asked in between, each with a write of its own.
const IN_BETWEEN: u64 = 2;

/// How long the answers about somebody and about nobody took.
#[derive(Default)]
struct Times {
    somebody: Vec<Duration>,
    nobody: Vec<Duration>,
}

/// What is asked of somebody and of nobody.
#[derive(Clone, Copy)]
enum Step {
    /// Which account is it? Answered with a mail, or with none.
    Asked { process: &'static str, field: &'static str, mailed: bool },
    /// A wrong answer to a security question.
    Answered,
    /// The first again, with nobody on both sides: what the machine makes of nothing.
    Control,
}

const STEPS: [(&str, Step); 6] = [
    ("control, nobody against nobody", Step::Control),
    ("reset by user name", Step::Asked { process: "reset", field: "userName", mailed: true }),
    ("reset by mail address", Step::Asked { process: "reset", field: "mail", mailed: true }),
    ("user name by mail address", Step::Asked { process: "username", field: "mail", mailed: true }),
    ("asked a security question", Step::Asked { process: WAITING, field: "userName", mailed: false }),
    ("wrong answer to a security question", Step::Answered),
];

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let data = bench.lived_in(POPULATION).await?;
    let mut figures = Vec::new();
    let server = bench.serve(&data)?;
    for (name, step) in STEPS {
        figures.extend(figures_of(name, &pairs(bench, &server, step).await?));
    }
    server.stop()?;
    // Nobody listens where mails go, and the answer waits for what becomes of the mail.
    let server = bench.serve_without_mail(&data)?;
    let step = Step::Asked { process: RESET_THAT_WAITS, field: "userName", mailed: false };
    figures.extend(figures_of("reset that waits for a mail server that is away", &pairs(bench, &server, step).await?));
    server.stop()?;
    Ok(Group {
        title: "Who exists, by time (10 000 people; 400 pairs a round, one at a time; ratio of medians, the larger over the smaller)",
        figures,
    })
}

fn figures_of(name: &str, times: &Times) -> Vec<Figure> {
    let (somebody, nobody) = (median(&times.somebody), median(&times.nobody));
    let ratio = somebody / nobody;
    vec![
        Figure::new(format!("{name}: median"), Unit::Milliseconds, vec![somebody * 1e3]),
        Figure::new(format!("{name}: ratio"), Unit::Ratio, vec![ratio.max(1.0 / ratio)]).target(Target::AtMost(1.02)),
        Figure::new(format!("{name}: area under the curve, away from one half"), Unit::Count, vec![(told_apart(times) - 0.5).abs()])
            .target(Target::AtMost(0.03)),
    ]
}

async fn pairs(bench: &Bench, server: &Server, step: Step) -> Result<Times, Failure> {
    let mailbox = Rc::clone(&bench.mailbox);
    let mut connection = Connection::open(server.address()).await?;
    let mut times = Times::default();
    let count = WARM + u64::from(bench.extent.rounds) * PAIRS;
    for pair in 0..count {
        let known = people::scattered(pair, POPULATION);
        let unknown = NOBODY + known;
        // Which comes first changes irregularly: what follows a mail must not always be the same.
        let first = (pair.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63) == 0;
        for known_now in [first, !first] {
            let person = if known_now && !matches!(step, Step::Control) {
                known
            } else if known_now {
                unknown + POPULATION
            } else {
                unknown
            };
            let took = once(&mut connection, &mailbox, step, person).await?;
            for more in 0..IN_BETWEEN {
                once(&mut connection, &mailbox, Step::Control, BETWEEN + IN_BETWEEN * pair + more).await?;
            }
            let side = if known_now { &mut times.somebody } else { &mut times.nobody };
            if pair >= WARM {
                side.push(took);
            }
        }
    }
    Ok(times)
}

/// The time of the one answer that is looked at.
async fn once(connection: &mut Connection, mailbox: &Mailbox, step: Step, person: u64) -> Result<Duration, Failure> {
    let (process, field, mailed) = match step {
        Step::Asked { process, field, mailed } => (process, field, mailed),
        Step::Control => ("reset", "userName", true),
        Step::Answered => (WAITING, "userName", false),
    };
    let value = if field == "mail" { people::mail(person) } else { people::name(person) };
    let target = format!("/openidm/selfservice/{process}?_action=submitRequirements");
    let body = json!({ "input": { "queryFilter": format!("{field} eq \"{value}\"") } });
    let token = if process == "reset" || process == RESET_THAT_WAITS { opened(connection, &target).await? } else { None };
    let (took, answer) = timed(connection, &target, &with_token(body, token.as_ref())).await?;
    if mailed && person < POPULATION {
        mailbox.take(&people::mail(person)).await?;
    }
    let Step::Answered = step else { return Ok(took) };
    let body = json!({ "token": answer.get("token"), "input": { "answer1": "not it" } });
    Ok(timed(connection, &target, &body).await?.0)
}

/// The token behind `parameters`, where a process begins with it.
async fn opened(connection: &mut Connection, target: &str) -> Result<Option<Value>, Failure> {
    let answer = connection.post(target, &json!({ "input": {} })).await?;
    Ok(answer.get("token").cloned())
}

fn with_token(mut body: Value, token: Option<&Value>) -> Value {
    if let (Some(members), Some(token)) = (body.as_object_mut(), token) {
        members.insert("token".into(), token.clone());
    }
    body
}

/// Any status will do: a refusal is an answer as well, and the same for either.
async fn timed(connection: &mut Connection, target: &str, body: &Value) -> Result<(Duration, Value), Failure> {
    let request = connection.request("POST", target, crate::client::VISITOR, Some(&body.to_string()));
    let watch = Stopwatch::of_time();
    let answer = connection.exchange(&request).await?;
    Ok((watch.elapsed(), answer.json()?))
}

fn median(times: &[Duration]) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How often an answer about somebody took longer than one about nobody, over all pairs of both (Mann–Whitney): one half where time tells nothing.
fn told_apart(times: &Times) -> f64 {
    let mut nobody: Vec<f64> = times.nobody.iter().map(Duration::as_secs_f64).collect();
    nobody.sort_by(f64::total_cmp);
    let count = |length: usize| number(u64::try_from(length).unwrap_or(u64::MAX));
    let longer: f64 = times
        .somebody
        .iter()
        .map(|took| {
            let took = took.as_secs_f64();
            let (below, upto) = (nobody.partition_point(|other| *other < took), nobody.partition_point(|other| *other <= took));
            f64::midpoint(count(below), count(upto))
        })
        .sum();
    longer / (count(times.somebody.len()) * count(nobody.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(somebody: &[u64], nobody: &[u64]) -> Times {
        let millis = |times: &[u64]| times.iter().copied().map(Duration::from_millis).collect();
        Times { somebody: millis(somebody), nobody: millis(nobody) }
    }

    #[test]
    fn one_half_is_nothing_told_and_one_is_all_of_it() {
        for (somebody, nobody, told) in [
            (&[1, 2, 3][..], &[1, 2, 3][..], 0.5),
            (&[4, 5], &[1, 2, 3], 1.0),
            (&[1], &[2, 3], 0.0),
            (&[2, 2], &[2, 2], 0.5),
            (&[1, 3], &[2, 2], 0.5),
            (&[2, 3], &[1, 2], 0.875),
        ] {
            assert!((told_apart(&times(somebody, nobody)) - told).abs() < 1e-12, "{somebody:?} {nobody:?}");
        }
    }
}
