//! `traceparent`: the span elsewhere that a request belongs to (W3C Trace Context, section 3.2).
//!
//! Easiest to break: anybody can write the header. It counts only when the peer is a trusted proxy; the caller asks which one it is.

use std::fmt;

use http::HeaderMap;

/// A span elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace; never 0.
    pub trace: u128,
    /// The span; never 0.
    pub span: u64,
    /// Whether the trace is noted there.
    pub sampled: bool,
}

impl Parent {
    /// What a request says; nothing where it says none or several, or what is none: then a trace begins here.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all("traceparent").iter();
        let first = all.next().filter(|_| all.next().is_none())?;
        Self::read(first.to_str().ok()?)
    }

    /// Reads the value of the header.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let number = |part: &str, length: usize| {
            let plain = part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if plain { u128::from_str_radix(part, 16).ok() } else { None }
        };
        let version = number(version, 2)?;
        // A later version may say more.
        if version == 0xff || version == 0 && parts.next().is_some() {
            return None;
        }
        let (trace, span, flags) = (number(trace, 32)?, u64::try_from(number(span, 16)?).ok()?, number(flags, 2)?);
        (trace != 0 && span != 0).then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_as_it_is_specified() {
        let expected = Parent { trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, span: 0x00f0_67aa_0ba9_02b7, sampled: true };
        assert_eq!(Parent::read(GOOD), Some(expected));
        assert_eq!(Parent::read(&GOOD.replace("-01", "-02")), Some(Parent { sampled: false, ..expected }));
        assert_eq!(Parent::read(&format!("{}-more", GOOD.replacen("00-", "cc-", 1))), Some(expected));
        for wrong in [
            "",
            "00",
            &format!("{GOOD}-more"),
            &GOOD.replacen("00-", "ff-", 1),
            &GOOD.to_uppercase(),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace("4736", "473"),
            &GOOD.replace("00f0", "+0f0"),
        ] {
            assert_eq!(Parent::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn one_header_counts_and_two_do_not() {
        let mut headers = HeaderMap::new();
        assert_eq!(Parent::of(&headers), None);
        headers.append("traceparent", HeaderValue::from_static(GOOD));
        assert!(Parent::of(&headers).is_some());
        headers.append("traceparent", HeaderValue::from_static(GOOD));
        assert_eq!(Parent::of(&headers), None);
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(trace in 1_u128.., span in 1_u64.., sampled: bool, text in "[0-9a-f-]{0,60}|.{0,60}") {
            let parent = Parent { trace, span, sampled };
            prop_assert_eq!(Parent::read(&parent.to_string()), Some(parent));
            if let Some(read) = Parent::read(&text) {
                prop_assert_eq!(Parent::read(&read.to_string()), Some(read));
            }
        }
    }
}
