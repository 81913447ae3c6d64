//! One hash of a password, as every reset, registration and sign-in makes it: the cost that the other figures are set against. With
//! `--reference`, the C reference that was compiled for this processor stands beside it, in turns.

use std::path::Path;
use std::process::Command;

use identity::secret::{HashParameters, Scratch, Secret, hash_in};

use crate::Failure;
use crate::account::Stopwatch;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, pairwise};

const HASHES: u32 = 20;
const REFERENCE: &str = include_str!("../reference.py");

#[expect(clippy::unused_async, reason = "all subjects have one shape")]
pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let parameters = HashParameters::default();
    let secret = Secret::password(crate::people::PASSWORD)?;
    let (mut scratch, mut ours, mut theirs) = (Scratch::new(), Vec::new(), Vec::new());
    // The first one takes the memory.
    hash_in(&mut scratch, &secret, [0; 16], &parameters)?;
    for _ in 0..bench.extent.rounds {
        let watch = Stopwatch::of_cpu();
        for salt in 0..HASHES {
            std::hint::black_box(hash_in(&mut scratch, &secret, u128::from(salt).to_be_bytes(), &parameters)?);
        }
        ours.push(watch.elapsed().as_secs_f64() * 1e3 / f64::from(HASHES));
        if let Some(python) = &bench.others.reference {
            theirs.push(reference(python, &parameters)?);
        }
    }
    let mut figures = vec![Figure::new("argon2id, 19 MiB, 2 passes, 1 lane", Unit::CpuMilliseconds, ours.clone())];
    if !theirs.is_empty() {
        let ratios = pairwise(&ours, &theirs, |ours, theirs| ours / theirs);
        figures.push(Figure::new("the C reference, compiled for this processor", Unit::CpuMilliseconds, theirs));
        figures.push(Figure::new("ours over the reference", Unit::Ratio, ratios).target(Target::AtMost(0.8)));
    }
    Ok(Group { title: "Passwords", figures })
}

/// Milliseconds of CPU time of one hash by the reference.
fn reference(python: &Path, parameters: &HashParameters) -> Result<f64, Failure> {
    let numbers = [parameters.memory_kib(), parameters.passes(), parameters.lanes(), HASHES];
    let output = Command::new(python).args(["-c", REFERENCE]).args(numbers.map(|number| number.to_string())).output()?;
    if !output.status.success() {
        return Err(format!("the reference: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(str::from_utf8(&output.stdout)?.trim().parse()?)
}
