//! Writes of managed objects: what a script at `onCreate` adds to one, and what a relationship costs that has a hundred thousand references.
//!
//! Easiest to get wrong: an administrator's objects here have no password, or the hash would be most of what is measured.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Failure;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Unit};
use crate::groups::{Bench, Cost, each, pairwise};
use crate::people;
use crate::project::{self, AtSignIn};
use crate::server::{ADMINISTRATOR, Server};

const CONNECTIONS: usize = 4;
/// Objects of a round.
const OBJECTS: u64 = 1_000;
/// Looks and writes of a round at a relationship.
const LOOKS: u64 = 200;
/// The script: what real projects do at `onCreate`.
const SCRIPT: &str =
    "object.cn = object.givenName + ' ' + object.sn; if (!object.description) { object.description = 'made by ' + object.cn; }";

fn managed(script: bool) -> Value {
    let text = json!({ "type": "string", "viewable": true, "searchable": true });
    let side = |back: &str| {
        json!({
            "type": "relationship", "validate": true, "reverseRelationship": true, "reversePropertyName": back,
            "resourceCollection": [{ "path": "managed/user" }],
        })
    };
    let mut user = json!({ "name": "user", "schema": { "type": "object", "properties": {
        "userName": { "type": "string", "viewable": true, "policies": [{ "policyId": "unique" }] },
        "givenName": text, "sn": text, "mail": text, "cn": text, "description": text,
        "manager": side("reports"), "reports": { "type": "array", "items": side("manager") },
    } } });
    if let Some(user) = user.as_object_mut().filter(|_| script) {
        user.insert("onCreate".into(), json!({ "type": "text/javascript", "source": SCRIPT }));
    }
    json!({ "objects": [user] })
}

fn headers() -> String {
    let (name, password) = ADMINISTRATOR;
    format!("X-OpenIDM-Username: {name}\r\nX-OpenIDM-Password: {password}\r\nX-OpenIDM-NoSession: true\r\n")
}

async fn serve(bench: &Bench, script: bool) -> Result<Server, Failure> {
    let root: PathBuf = bench.work.path().join(format!("writes{script}"));
    project::write(&root, bench.mailbox.port(), AtSignIn::Nothing)?;
    std::fs::write(root.join("conf/managed.json"), managed(script).to_string())?;
    let data = bench.data();
    std::fs::create_dir_all(&data)?;
    if !script {
        people::fill_reports(&data, "many", bench.extent.reports).await?;
    }
    bench.launch.start(Some(&root), &data)
}

async fn asked(connection: &mut Connection, method: &str, target: &str, body: Option<&Value>) -> Result<(), Failure> {
    let body = body.map(Value::to_string);
    // Whatever is made is answered with 201.
    let request = connection.request(method, target, &headers(), body.as_deref());
    let answer = connection.exchange(&request).await?;
    if answer.status >= 300 {
        return Err(format!("{method} {target}: {} {}", answer.status, String::from_utf8_lossy(answer.body())).into());
    }
    Ok(())
}

async fn create(connection: &mut Connection, id: &str) -> Result<(), Failure> {
    let person = json!({ "userName": id, "givenName": "Barbara", "sn": "Jensen", "mail": format!("{id}@bench.example") });
    asked(connection, "PUT", &format!("/openidm/managed/user/{id}"), Some(&person)).await
}

/// Microseconds of CPU of one creation, in rounds.
async fn creations(server: &Server, round: u64) -> Result<Cost, Failure> {
    let range = round * OBJECTS..(round + 1) * OBJECTS;
    let work = async |connection: &mut Connection, step: u64| create(connection, &format!("made{step}")).await;
    Cost::of(server, OBJECTS, drive(server.address(), CONNECTIONS, range, work)).await
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let (plain, scripted) = (serve(bench, false).await?, serve(bench, true).await?);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for server in [&plain, &scripted] {
        creations(server, 1_000).await?;
    }
    for round in 0..u64::from(bench.extent.rounds) {
        without.push(creations(&plain, round).await?);
        with.push(creations(&scripted, round).await?);
    }
    scripted.stop()?;
    let mut figures = vec![
        Figure::new("an object made, no script", Unit::CpuMicroseconds, each(&without, Cost::micros)),
        Figure::new("an object made, with a script at onCreate", Unit::CpuMicroseconds, each(&with, Cost::micros)),
        Figure::new(
            "what the script adds",
            Unit::CpuMicroseconds,
            pairwise(&with, &without, |with, without| with.micros() - without.micros()),
        ),
    ];
    figures.extend(relationship(bench, &plain).await?);
    plain.stop()?;
    Ok(Group { title: "Writes of managed objects, and a manager with many reports (100 000, or --reports)", figures })
}

async fn relationship(bench: &Bench, server: &Server) -> Result<Vec<Figure>, Failure> {
    let address = server.address();
    drive(address, 1, 0..1, async |connection: &mut Connection, _| create(connection, "few").await).await?;
    let spare = async |connection: &mut Connection, step: u64| create(connection, &format!("spare{step}")).await;
    drive(address, CONNECTIONS, 0..2 * LOOKS * u64::from(bench.extent.rounds), spare).await?;
    let (mut to_few, mut to_many, mut page) = (Vec::new(), Vec::new(), Vec::new());
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for round in 0..u64::from(bench.extent.rounds) {
        for (boss, first, costs) in [("few", 2 * round, &mut to_few), ("many", 2 * round + 1, &mut to_many)] {
            let add = async move |connection: &mut Connection, step: u64| {
                let value =
                    json!([{ "operation": "add", "field": "/reports/-", "value": { "_ref": format!("managed/user/spare{step}") } }]);
                asked(connection, "PATCH", &format!("/openidm/managed/user/{boss}"), Some(&value)).await
            };
            costs.push(Cost::of(server, LOOKS, drive(address, CONNECTIONS, first * LOOKS..(first + 1) * LOOKS, add)).await?);
        }
        let reports = bench.extent.reports;
        for (of_boss, costs) in [(false, &mut of_few), (true, &mut of_many)] {
            let change = async move |connection: &mut Connection, step: u64| {
                let who = if of_boss { people::id(step % reports) } else { format!("spare{}", 2 * round * LOOKS + step) };
                let value = json!([{ "operation": "replace", "field": "/sn", "value": format!("Jensen of round {round}") }]);
                asked(connection, "PATCH", &format!("/openidm/managed/user/{who}"), Some(&value)).await
            };
            costs.push(Cost::of(server, LOOKS, drive(address, CONNECTIONS, 0..LOOKS, change)).await?);
        }
        // From the middle.
        let offset = reports / 2;
        let look = async move |connection: &mut Connection, _| {
            let paging = format!("_pageSize=10&_pagedResultsOffset={offset}&_totalPagedResultsPolicy=ESTIMATE");
            asked(connection, "GET", &format!("/openidm/managed/user/many/reports?_queryFilter=true&{paging}"), None).await
        };
        page.push(Cost::of(server, LOOKS, drive(address, CONNECTIONS, 0..LOOKS, look)).await?);
    }
    let removal = Cost::of(
        server,
        1,
        drive(address, 1, 0..1, async |connection: &mut Connection, _| {
            asked(connection, "DELETE", "/openidm/managed/user/many", None).await
        }),
    )
    .await?;
    Ok(vec![
        Figure::new("one more report of a manager with few", Unit::CpuMicroseconds, each(&to_few, Cost::micros)),
        Figure::new("one more report of a manager with many", Unit::CpuMicroseconds, each(&to_many, Cost::micros)),
        Figure::new("a person patched whose manager has few reports", Unit::CpuMicroseconds, each(&of_few, Cost::micros)),
        Figure::new("a person patched whose manager has many", Unit::CpuMicroseconds, each(&of_many, Cost::micros)),
        Figure::new("ten of the many, from the middle, counted", Unit::CpuMicroseconds, each(&page, Cost::micros)),
        Figure::new("the manager removed (what follows behind the answer included)", Unit::CpuMilliseconds, vec![removal.total()]),
    ])
}
