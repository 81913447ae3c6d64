//! A value as a term: text whose bytes compare as the values do. What is missing or null comes first, then numbers and booleans (false as 0,
//! true as 1), then text by code points; arrays and objects stand as their JSON text.
//!
//! Easiest to break: two values that are equal have the same term, on every engine and for ever; whoever changes a term raises
//! `RULE` in `declare.rs`.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Number, Value};

/// The term of what is missing or null.
pub(crate) const MISSING: &str = "0";
/// Text is kept to so many bytes, and a hash of all of it behind them: an engine may limit what an index holds. Texts that agree so far
/// are ordered by their hashes.
const LONGEST: usize = 1024;

/// The term of a value.
pub(crate) fn of(value: &Value) -> String {
    match value {
        Value::Null => MISSING.to_owned(),
        Value::Bool(boolean) => whole(i64::from(*boolean)),
        Value::Number(number) => numeric(number),
        Value::String(string) => text(string),
        Value::Array(_) | Value::Object(_) => text(&value.to_string()),
    }
}

/// The term of a text.
pub(crate) fn text(text: &str) -> String {
    let cut = begin(text);
    if cut.len() == text.len() {
        return format!("2{text}");
    }
    let hash = digest(&SHA256, text.as_bytes());
    format!("2{cut}{}", URL_SAFE_NO_PAD.encode(hash))
}

/// What the terms of all texts begin with that begin with `prefix`.
pub(crate) fn begin(prefix: &str) -> &str {
    prefix.get(..prefix.floor_char_boundary(LONGEST)).unwrap_or(prefix)
}

/// The term of a number. Whole numbers are exact beyond what a float holds.
pub(crate) fn numeric(number: &Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(number), _) => whole(number),
        (None, Some(float)) => float_and_rest(float, 0),
        // serde_json has no third kind of number here.
        (None, None) => MISSING.to_owned(),
    }
}

fn whole(number: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "what is lost is kept beside it")]
    let float = number as f64;
    #[expect(clippy::cast_possible_truncation, reason = "a float made of an i64 is whole and in the range of an i128")]
    let rest = i128::from(number) - float as i128;
    float_and_rest(float, i64::try_from(rest).unwrap_or_default())
}

/// The bits of a float in an order that compares as floats do, and how far the number is above it: 1024 at most.
fn float_and_rest(float: f64, rest: i64) -> String {
    let bits = if float == 0.0 { 0 } else { float.to_bits() };
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    format!("1{ordered:016x}{:04x}", rest + 0x8000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn terms_compare_as_values_do() {
        let ascending = [
            json!(null),
            json!(-1e300),
            json!(i64::MIN),
            json!(-9_007_199_254_740_993_i64),
            json!(-9_007_199_254_740_992_i64),
            json!(-1.5),
            json!(-1),
            json!(0),
            json!(0.25),
            json!(true),
            json!(2),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(i64::MAX),
            json!(1e300),
            json!(""),
            json!("1"),
            json!("A"),
            json!("["),
            json!(["a"]),
            json!("a"),
            json!("é"),
            json!("\u{ffff}"),
            json!("\u{10ffff}"),
        ];
        let terms: Vec<String> = ascending.iter().map(of).collect();
        assert!(terms.is_sorted_by(|left, right| left < right), "{terms:#?}");
        assert_eq!(of(&json!(5)), of(&json!(5.0)));
        assert_eq!(of(&json!(-0.0)), of(&json!(0)));
    }

    #[test]
    fn long_text_is_cut_and_stays_apart() {
        let long = |end: &str| format!("{}{end}", "ü".repeat(3000));
        assert_ne!(text(&long("a")), text(&long("b")));
        assert!(text(&long("a")).len() < 1100);
        assert_eq!(text(&"x".repeat(LONGEST)).len(), LONGEST + 1, "as it is");
        for prefix in [long(""), "ü".repeat(511), "ü".repeat(513), "ü".to_owned()] {
            assert!(text(&long("a")).starts_with(&format!("2{}", begin(&prefix))), "{}", prefix.len());
        }
    }

    proptest! {
        #[test]
        fn texts_compare_by_code_points(left in "[^\0]{0,4}", right in "[^\0]{0,4}") {
            prop_assert_eq!(text(&left).cmp(&text(&right)), left.cmp(&right));
        }

        #[test]
        fn numbers_compare_exactly(left: i64, right: i64, small in -3..3_i64) {
            prop_assert_eq!(whole(left).cmp(&whole(right)), left.cmp(&right));
            let near = left.saturating_add(small);
            prop_assert_eq!(whole(left).cmp(&whole(near)), left.cmp(&near));
        }

        #[test]
        fn floats_compare_as_floats(left in any::<f64>(), right in any::<f64>()) {
            if let (Some(first), Some(second)) = (Number::from_f64(left), Number::from_f64(right)) {
                prop_assert_eq!(Some(numeric(&first).cmp(&numeric(&second))), left.partial_cmp(&right));
            }
        }
    }
}
