//! What a domain says of who may send its mails (SPF, RFC 7208): its TXT records, asked of the system's name server, and what they come to.
//!
//! Easiest to break: an answer is anybody's bytes. Nothing of it is believed but its length, and a name in it leads nowhere.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crest::Random;
use tokio::net::UdpSocket;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest datagram that is taken (RFC 6891 section 6.2.5).
const LONGEST: u16 = 4096;
/// The type of a text record, and the class of the Internet (RFC 1035 section 3.2).
const TXT: u16 = 16;
const INTERNET: u16 = 1;
/// The pseudo record that says how long an answer may be (RFC 6891).
const OPT: u16 = 41;
/// Codes of answers (RFC 1035 section 4.1.1).
const NO_SUCH_NAME: u8 = 3;

/// What a domain says of who may send its mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderPolicy {
    /// This record: it names who may.
    Named(String),
    /// This record: everybody may.
    Everybody(String),
    /// This record: nobody may.
    Nobody(String),
    /// Nothing.
    Silent,
    /// There are several records, which receivers take for an error (section 4.5).
    Several(usize),
}

impl SenderPolicy {
    /// What text records come to.
    #[must_use]
    pub fn of(records: Vec<String>) -> Self {
        let is_policy = |record: &String| record.split(' ').next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"));
        let mut policies: Vec<String> = records.into_iter().filter(is_policy).collect();
        if policies.len() > 1 {
            return Self::Several(policies.len());
        }
        let Some(policy) = policies.pop() else { return Self::Silent };
        let terms: Vec<String> = policy.split(' ').skip(1).filter(|term| !term.is_empty()).map(str::to_ascii_lowercase).collect();
        match terms.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["-all"] => Self::Nobody(policy),
            terms if terms.iter().any(|term| matches!(*term, "all" | "+all")) => Self::Everybody(policy),
            _ => Self::Named(policy),
        }
    }
}

/// Why the records of a domain are not known.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No name server, or none that can be reached.
    #[error("no name server is reached: {0}")]
    Io(#[from] io::Error),
    /// It does not answer in time.
    #[error("the name server does not answer")]
    Silent,
    /// The domain is no name that could be asked for.
    #[error("it is no domain name")]
    Name,
    /// What it answers is no answer.
    #[error("the name server answers something that cannot be read")]
    Unreadable,
    /// The domain does not exist.
    #[error("there is no such domain")]
    NoDomain,
    /// It refuses, or the answer is too long for one datagram.
    #[error("the name server gives no answer ({0})")]
    Refused(&'static str),
}

/// The text records of a domain, asked of the first name server of this machine.
///
/// # Errors
/// [`AskError`].
pub async fn text_records(domain: &str, random: &dyn Random) -> Result<Vec<String>, AskError> {
    let configured = tokio::fs::read_to_string("/etc/resolv.conf").await?;
    let server = name_server(&configured).ok_or_else(|| io::Error::other("/etc/resolv.conf names none"))?;
    let domain = idna::domain_to_ascii(domain).map_err(|_| AskError::Name)?;
    asked(SocketAddr::new(server, 53), &domain, crest::random_bytes(random)).await
}

/// The first name server of a `resolv.conf`. A zone behind an address is left out.
fn name_server(configured: &str) -> Option<IpAddr> {
    let mut servers = configured.lines().filter_map(|line| line.trim().strip_prefix("nameserver")?.split_whitespace().next());
    servers.find_map(|address| address.split('%').next()?.parse().ok())
}

async fn asked(server: SocketAddr, domain: &str, id: [u8; 2]) -> Result<Vec<String>, AskError> {
    let question = question(domain, id).ok_or(AskError::Name)?;
    let own: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(server).await?;
    socket.send(&question).await?;
    let mut answer = vec![0; usize::from(LONGEST)];
    let heard = async {
        loop {
            let length = socket.recv(&mut answer).await?;
            // Whatever is no answer to this question may come from anybody.
            if answer.get(..2).is_some_and(|begin| begin == id) {
                return Ok::<usize, io::Error>(length);
            }
        }
    };
    let length = tokio::time::timeout(PATIENCE, heard).await.map_err(|_| AskError::Silent)??;
    read(answer.get(..length).unwrap_or_default())
}

/// A question for the text records of a domain (RFC 1035 section 4.1).
fn question(domain: &str, id: [u8; 2]) -> Option<Vec<u8>> {
    // Recursion is desired; one question, and one additional record.
    let mut bytes = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 1]].concat();
    for label in domain.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length) && label.is_ascii())?;
        bytes.push(length);
        bytes.extend(label.as_bytes());
    }
    if bytes.len() > 12 + 254 {
        return None;
    }
    bytes.push(0);
    for number in [TXT, INTERNET] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.push(0);
    for number in [OPT, LONGEST, 0, 0, 0] {
        bytes.extend(number.to_be_bytes());
    }
    Some(bytes)
}

/// Bytes of an answer that are still to be read.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// Passes over a name. A reference to another place ends it, and is not followed.
    fn name(&mut self) -> Option<()> {
        loop {
            match self.byte()? {
                0 => return Some(()),
                length @ 1..=63 => drop(self.take(usize::from(length))?),
                192.. => return self.byte().map(drop),
                _ => return None,
            }
        }
    }
}

/// The text records of an answer.
fn read(answer: &[u8]) -> Result<Vec<String>, AskError> {
    const ANSWERS: u8 = 0x80;
    const CUT: u8 = 0x02;
    let mut bytes = Bytes(answer);
    let flags = bytes.take(4).ok_or(AskError::Unreadable)?;
    let (first, second) = (flags.get(2).copied().unwrap_or_default(), flags.get(3).copied().unwrap_or_default());
    match second & 0x0f {
        _ if first & ANSWERS == 0 => return Err(AskError::Unreadable),
        NO_SUCH_NAME => return Err(AskError::NoDomain),
        0 if first & CUT == 0 => {}
        0 => return Err(AskError::Refused("its records are too long for one datagram")),
        _ => return Err(AskError::Refused("it fails, or refuses")),
    }
    records(&mut bytes).ok_or(AskError::Unreadable)
}

fn records(bytes: &mut Bytes<'_>) -> Option<Vec<String>> {
    let (questions, answers) = (bytes.number()?, bytes.number()?);
    bytes.take(4)?;
    for _ in 0..questions {
        bytes.name()?;
        bytes.take(4)?;
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        bytes.name()?;
        let (kind, class) = (bytes.number()?, bytes.number()?);
        bytes.take(4)?;
        let length = usize::from(bytes.number()?);
        let mut data = Bytes(bytes.take(length)?);
        if (kind, class) == (TXT, INTERNET) {
            let mut text = Vec::new();
            while !data.0.is_empty() {
                let length = data.byte()?;
                text.extend_from_slice(data.take(usize::from(length))?);
            }
            found.push(String::from_utf8_lossy(&text).chars().filter(|character| !character.is_control()).collect());
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An answer with these records, each in pieces.
    fn answer(question: &[u8], code: u8, texts: &[&[&str]]) -> Vec<u8> {
        let mut bytes = question[..2].to_vec();
        bytes.extend([0x81, 0x80 | code, 0, 1, 0, u8::try_from(texts.len() + 1).unwrap(), 0, 0, 0, 0]);
        bytes.extend(&question[12..question.len() - 11]);
        // Another record comes first.
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, 1]);
        for pieces in texts {
            let data: Vec<u8> =
                pieces.iter().flat_map(|piece| [&[u8::try_from(piece.len()).unwrap()], piece.as_bytes()].concat()).collect();
            bytes.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 9]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(data);
        }
        bytes
    }

    #[tokio::test]
    async fn text_records_are_asked_of_a_name_server_and_whatever_else_comes_is_passed_over() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let answers = tokio::spawn(async move {
            let mut bytes = [0; 512];
            let (length, from) = server.recv_from(&mut bytes).await.unwrap();
            let right = answer(&bytes[..length], 0, &[&["v=spf1 ip4:192.0.2.1 ", "-all"], &["other"]]);
            let mut wrong = right.clone();
            wrong[0] ^= 1;
            server.send_to(&wrong, from).await.unwrap();
            server.send_to(&right, from).await.unwrap();
        });
        let records = asked(address, "example.test", [7, 9]).await.unwrap();
        assert_eq!(records, ["v=spf1 ip4:192.0.2.1 -all", "other"]);
        answers.await.unwrap();
    }

    #[test]
    fn a_refusal_is_told_from_nothing() {
        let question = question("example.test", [1, 2]).unwrap();
        assert!(matches!(read(&answer(&question, 3, &[])), Err(AskError::NoDomain)));
        assert!(matches!(read(&answer(&question, 2, &[])), Err(AskError::Refused(_))));
        assert_eq!(read(&answer(&question, 0, &[])).unwrap(), Vec::<String>::new());
        let mut cut = answer(&question, 0, &[]);
        cut[2] |= 2;
        assert!(matches!(read(&cut), Err(AskError::Refused(_))));
        assert!(matches!(read(&question), Err(AskError::Unreadable)));
        for name in ["", "a..b", "ü.example", &"a".repeat(64), &"a.".repeat(200)] {
            assert!(super::question(name, [0, 0]).is_none(), "{name}");
        }
    }

    #[test]
    fn what_a_domain_says_is_told_apart() {
        let of = |records: &[&str]| SenderPolicy::of(records.iter().map(|record| (*record).to_owned()).collect());
        assert_eq!(of(&["google-site-verification=1", "v=spf10 -all"]), SenderPolicy::Silent);
        assert_eq!(of(&["x", "V=SPF1 mx -all"]), SenderPolicy::Named("V=SPF1 mx -all".to_owned()));
        assert_eq!(of(&["v=spf1 -all"]), SenderPolicy::Nobody("v=spf1 -all".to_owned()));
        assert_eq!(of(&["v=spf1 mx +ALL"]), SenderPolicy::Everybody("v=spf1 mx +ALL".to_owned()));
        assert_eq!(of(&["v=spf1 mx -all", "v=spf1 a -all"]), SenderPolicy::Several(2));
    }

    #[test]
    fn the_first_name_server_counts() {
        let configured = "# by hand\nsearch example\n nameserver fe80::1%eth0 # here\nnameserver 192.0.2.1\n";
        assert_eq!(name_server(configured), Some("fe80::1".parse().unwrap()));
        assert_eq!(name_server("options edns0\n"), None);
    }

    proptest! {
        #[test]
        fn whatever_answers_is_read_to_its_end(bytes in prop::collection::vec(any::<u8>(), 0..64), begins in any::<bool>()) {
            let answer = if begins { [&[1, 2, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0][..], &bytes].concat() } else { bytes };
            if let Ok(records) = read(&answer) {
                prop_assert!(records.iter().all(|record| !record.chars().any(char::is_control)));
            }
        }
    }
}
