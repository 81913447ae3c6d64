//! `traceparent`: the span that a request belongs to (W3C Trace Context, section 3.2).
//!
//! Easiest to break: anybody can write the header. Only what a trusted proxy says is read; the caller asks which one it is.

/// A span elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) sampled: bool,
}

impl Parent {
    /// Reads a header; nothing where it is none, as the specification wants: then a trace begins here.
    pub(super) fn read(text: &str) -> Option<Self> {
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

#[cfg(test)]
mod tests {
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

    proptest! {
        #[test]
        fn anything_is_read_or_left(text in "[0-9a-f-]{0,60}|.{0,60}") {
            let _ = Parent::read(&text);
        }
    }
}
