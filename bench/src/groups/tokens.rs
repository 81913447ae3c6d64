//! Sealing and opening snapshot tokens, per algorithm, beside OpenSSL's own figure for the RSA operation inside.

use std::process::Command;
use std::time::Duration;

use jose::{Encryption, JweAlgorithm, JwsAlgorithm, KeyRing, TokenForm, open, seal};

use crate::Failure;
use crate::account::Stopwatch;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::Bench;

/// CPU time of one sample.
const SAMPLE: Duration = Duration::from_millis(200);
/// Bytes of a sealed context in the middle of a reset.
const CONTENT: usize = 700;
/// The key management of IDM's default with both kinds of content encryption, the rest alike.
const CONTENTS: [Encryption; 2] = [Encryption::A128CbcHs256, Encryption::A256Gcm];

struct Measured {
    form: TokenForm,
    token: String,
    seals: Vec<f64>,
    opens: Vec<f64>,
}

#[expect(clippy::unused_async, reason = "all subjects have one shape")]
pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let ring = KeyRing::generate()?;
    let content = vec![b'x'; CONTENT];
    let mut measured = Vec::new();
    for jwe in JweAlgorithm::ALL {
        for encryption in CONTENTS {
            let form = TokenForm { jwe: *jwe, encryption, jws: JwsAlgorithm::Hs256 };
            measured.push(Measured { form, token: seal(&ring, form, &content)?, seals: Vec::new(), opens: Vec::new() });
        }
    }
    let mut openssl = Vec::new();
    for _ in 0..bench.extent.rounds {
        for one in &mut measured {
            one.seals.push(rate(|| seal(&ring, one.form, &content).map(drop).map_err(Into::into))?);
            one.opens.push(rate(|| open(&ring, one.form, &one.token).map(drop).map_err(Into::into))?);
        }
        openssl.extend(openssl_private_rate()?);
    }
    Ok(group(&measured, openssl))
}

/// How often a second of CPU time is enough for `operation`.
fn rate(mut operation: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let watch = Stopwatch::of_cpu();
    let mut count = 0_u32;
    loop {
        // The clock is asked now and then, not between any two.
        for _ in 0..16 {
            operation()?;
        }
        count += 16;
        let spent = watch.elapsed();
        if spent >= SAMPLE {
            return Ok(f64::from(count) / spent.as_secs_f64());
        }
    }
}

/// RSA private key operations of 2048 bits per second of CPU time, if this machine has OpenSSL's command.
fn openssl_private_rate() -> Result<Option<f64>, Failure> {
    let Ok(output) = Command::new("openssl").args(["speed", "-seconds", "1", "rsa2048"]).output() else { return Ok(None) };
    let text = String::from_utf8(output.stdout)?;
    private_rate(&text).map(Some).ok_or_else(|| format!("openssl speed says something else than expected: {text}").into())
}

/// The number under `sign/s`.
fn private_rate(text: &str) -> Option<f64> {
    let mut lines = text.lines().skip_while(|line| !line.contains("sign/s"));
    let column = lines.next()?.split_whitespace().position(|name| name == "sign/s")?;
    let row = lines.find(|line| line.starts_with("rsa"))?;
    let (_, numbers) = row.split_once("bits")?;
    numbers.split_whitespace().nth(column)?.parse().ok()
}

fn group(measured: &[Measured], openssl: Vec<f64>) -> Group {
    let mut figures = Vec::new();
    for one in measured {
        let TokenForm { jwe, encryption, .. } = one.form;
        let name = format!("{} + {}", jwe.wire_name(), encryption.wire_name());
        let opens = Figure::new(format!("{name}: open"), Unit::PerSecond, one.opens.clone());
        let opens = if one.form == TokenForm::DEFAULT { opens.target(Target::AtLeast(100_000.0)) } else { opens };
        figures.extend([Figure::new(format!("{name}: seal"), Unit::PerSecond, one.seals.clone()), opens]);
    }
    let rsa = measured.iter().find(|one| one.form.jwe == JweAlgorithm::RsaPkcs1);
    let ratios = rsa.into_iter().flat_map(|rsa| rsa.opens.iter().zip(&openssl)).map(|(ours, theirs)| ours / theirs).collect();
    figures.push(Figure::new("openssl speed rsa2048: private operations", Unit::PerSecond, openssl));
    figures.push(Figure::new("RSA1_5 open over openssl's private operation", Unit::Ratio, ratios).target(Target::AtLeast(0.85)));
    Group { title: "Tokens (700 bytes of content, HS256 outside, per second of CPU time)", figures }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_rate_is_read_from_both_layouts() {
        let older = "                  sign    verify    sign/s verify/s\nrsa 2048 bits 0.000505s 0.000015s   1979.9  67483.2\n";
        let newer = "                   sign    verify    encrypt   decrypt   sign/s verify/s  encr./s  decr./s\n\
                     rsa  2048 bits 0.000505s 0.000015s 0.000016s 0.000510s   1980.5  67483.2  62000.0   1960.0\n";
        assert_eq!((private_rate(older), private_rate(newer)), (Some(1979.9), Some(1980.5)));
        assert_eq!(private_rate("nothing"), None);
    }
}
