//! Any bytes are a header of the PROXY protocol, the beginning of one, or none; which of them does not depend on what follows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::proxy_protocol::{FIXED, Header, LONGEST, SIGNATURE, parse};

fuzz_target!(|input: &[u8]| {
    judge(input);
    // Without the signature hardly any input would get further.
    judge(&[&SIGNATURE[..], input].concat());
});

fn judge(bytes: &[u8]) {
    match parse(bytes) {
        Ok(Header::Whole(passed)) => {
            assert!((FIXED..=LONGEST).contains(&passed.length) && passed.length <= bytes.len());
            assert_eq!(parse(&bytes[..passed.length]), Ok(Header::Whole(passed)), "what follows the header was read");
            for end in 0..passed.length {
                assert!(matches!(parse(&bytes[..end]), Ok(Header::Needs(length)) if length > end && length <= passed.length));
            }
        }
        Ok(Header::Needs(length)) => {
            assert!(length > bytes.len() && length <= LONGEST);
            assert!(bytes.starts_with(&SIGNATURE) || SIGNATURE.starts_with(bytes));
        }
        Err(_) => assert!(parse(&[bytes, b"more"].concat()).is_err(), "more bytes made a header of what was none"),
    }
}
