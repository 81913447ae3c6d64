//! An administrator's list of people with a filter, on the largest store: by an index, by the beginning of an indexed name, and by what no
//! index knows.

use std::rc::Rc;

use serde_json::Value;

use crate::Failure;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Unit};
use crate::groups::{Bench, Cost, each, grouped};
use crate::people;
use crate::server::{ADMINISTRATOR, Server};
use crate::visit::{Browser, Session};

const CONNECTIONS: usize = 8;
/// People that a round looks at who match nothing.
const EVERYBODY: u64 = 1_000_000;

/// A list, and how often a round asks for it.
struct List {
    name: &'static str,
    /// In a store of so many people.
    count: fn(u64) -> u64,
    /// The filter for a step, as it stands in the address.
    filter: fn(u64, u64) -> String,
    /// How many it finds in a store of so many people, with pages of ten.
    finds: fn(u64) -> u64,
}

const LISTS: [List; 4] = [
    List {
        name: "userName eq: one person",
        count: |_| 500,
        filter: |step, population| format!("userName+eq+%22{}%22", people::name(people::scattered(step, population))),
        finds: |population| population.min(1),
    },
    List {
        name: "userName sw: ten of those who begin so",
        count: |_| 500,
        filter: |step, population| {
            let name = people::name(people::scattered(step, population));
            let (beginning, _) = name.split_at(name.len() - 1);
            format!("userName+sw+%22{beginning}%22")
        },
        finds: |population| population.min(10),
    },
    List {
        name: "postalAddress co, not indexed: ten, one in a hundred matches",
        count: |_| 100,
        filter: |_, _| "postalAddress+co+%2277+Long%22".to_owned(),
        finds: |population| (population / 100).min(10),
    },
    List {
        name: "city co, not indexed: nobody, everybody is looked at",
        count: |population| (EVERYBODY / population.max(1)).clamp(1, 500),
        filter: |_, _| "city+co+%22nowhere%22".to_owned(),
        finds: |_| 0,
    },
];

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let population = bench.extent.populations.iter().copied().max().unwrap_or_default();
    let server = bench.serve(&bench.lived_in(population).await?)?;
    let mut connection = Connection::open(server.address()).await?;
    let (name, password) = ADMINISTRATOR;
    let session = Rc::new(Browser::default().sign_in(&mut connection, name, password).await?);
    let mut figures = Vec::new();
    let mut costs: Vec<Vec<Cost>> = LISTS.iter().map(|_| Vec::new()).collect();
    for list in &LISTS {
        ask(&server, &session, list, population, 1).await?;
    }
    for _ in 0..bench.extent.rounds {
        for (list, costs) in LISTS.iter().zip(&mut costs) {
            costs.push(ask(&server, &session, list, population, (list.count)(population)).await?);
        }
    }
    server.stop()?;
    for (list, costs) in LISTS.iter().zip(&costs) {
        let name = format!("{}, {} people: CPU", list.name, grouped(population));
        figures.push(Figure::new(name, Unit::CpuMilliseconds, each(costs, Cost::total)));
    }
    Ok(Group { title: "Lists with a filter (administrator, pages of ten)", figures })
}

async fn ask(server: &Server, session: &Rc<Session>, list: &List, population: u64, count: u64) -> Result<Cost, Failure> {
    let (session, filter, expected) = (Rc::clone(session), list.filter, (list.finds)(population));
    let work = async move |connection: &mut Connection, step: u64| {
        let filter = filter(step, population);
        let path = format!("managed/user?_queryFilter={filter}&_pageSize=10&_fields=userName,givenName,sn,mail");
        let answer = session.get(connection, &path).await?.json()?;
        if answer.get("resultCount").and_then(Value::as_u64) == Some(expected) {
            return Ok(());
        }
        Err(format!("{filter} should find {expected}: {answer}").into())
    };
    Cost::of(server, count, drive(server.address(), CONNECTIONS, 0..count, work)).await
}
