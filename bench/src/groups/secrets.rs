//! One hash of a password, as every reset, registration and sign-in makes it: the cost that the other figures are set against.

use identity::secret::{HashParameters, Scratch, Secret, hash_in};

use crate::Failure;
use crate::account::Stopwatch;
use crate::figure::{Figure, Group, Unit};
use crate::groups::Bench;

const HASHES: u32 = 10;

#[expect(clippy::unused_async, reason = "all subjects have one shape")]
pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let parameters = HashParameters::default();
    let secret = Secret::password(crate::people::PASSWORD)?;
    let (mut scratch, mut samples) = (Scratch::new(), Vec::new());
    // The first one takes the memory.
    hash_in(&mut scratch, &secret, [0; 16], &parameters)?;
    for _ in 0..bench.extent.rounds {
        let watch = Stopwatch::of_cpu();
        for salt in 0..HASHES {
            std::hint::black_box(hash_in(&mut scratch, &secret, u128::from(salt).to_be_bytes(), &parameters)?);
        }
        samples.push(watch.elapsed().as_secs_f64() * 1e3 / f64::from(HASHES));
    }
    Ok(Group { title: "Passwords", figures: vec![Figure::new("argon2id, 19 MiB, 2 passes, 1 lane", Unit::CpuMilliseconds, samples)] })
}
