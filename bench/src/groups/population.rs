//! Whether a reset costs the same however many people there are.

use crate::Failure;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each, grouped, pairwise, submissions};
use crate::server::Server;

const RESETS: u64 = 60;
const WARM: u64 = 100;

struct Place {
    population: u64,
    server: Server,
    costs: Vec<Cost>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let mut places = Vec::new();
    for population in bench.extent.populations.iter().copied() {
        let server = bench.serve(&bench.populated(population).await?)?;
        submissions::resets(bench, &server, 0..WARM, population).await?;
        places.push(Place { population, server, costs: Vec::new() });
    }
    // In turns, so that what else the machine does meets all of them alike.
    for round in 0..u64::from(bench.extent.rounds) {
        let from = WARM + round * RESETS;
        for place in &mut places {
            place.costs.push(submissions::resets(bench, &place.server, from..from + RESETS, place.population).await?);
        }
    }
    let mut figures = Vec::new();
    for place in &places {
        let name = format!("reset: CPU outside hashing, {} people", grouped(place.population));
        figures.push(Figure::new(name, Unit::CpuMilliseconds, each(&place.costs, Cost::outside)));
    }
    if let (Some(smallest), Some(largest)) = (places.first(), places.last()) {
        let ratios = pairwise(&smallest.costs, &largest.costs, |small, large| large.outside() / small.outside());
        figures.push(Figure::new("largest over smallest", Unit::Ratio, ratios).target(Target::AtMost(1.25)));
    }
    for place in places {
        place.server.stop()?;
    }
    Ok(Group { title: "Size of the store", figures })
}
