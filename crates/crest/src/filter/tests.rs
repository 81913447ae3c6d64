use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Comparison, Filter};
use crate::pointer::Pointer;

fn compare(pointer: &str, comparison: Comparison, value: impl Into<Value>) -> Filter {
    Filter::Compare { pointer: Pointer::parse(pointer).unwrap(), comparison, value: value.into() }
}

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn refused(text: &str) -> (usize, String) {
    let error = Filter::parse(text).expect_err(text);
    (error.position, error.message)
}

#[test]
fn every_operator_in_any_case() {
    for (word, comparison) in [
        ("eq", Comparison::Equals),
        ("CO", Comparison::Contains),
        ("sW", Comparison::StartsWith),
        ("lt", Comparison::LessThan),
        ("LE", Comparison::LessOrEqual),
        ("gt", Comparison::GreaterThan),
        ("Ge", Comparison::GreaterOrEqual),
    ] {
        assert_eq!(parse(&format!("a {word} 'x'")), compare("/a", comparison, "x"));
    }
    assert_eq!(parse("a PR"), Filter::Present(Pointer::parse("a").unwrap()));
    assert_eq!(parse("TRUE"), Filter::True);
    assert_eq!(parse("False"), Filter::False);
}

#[test]
fn and_binds_tighter_than_or() {
    let (a, b, c) = (Filter::equals("a", 1), Filter::equals("b", 2), Filter::equals("c", 3));
    assert_eq!(parse("a eq 1 or b eq 2 AND c eq 3"), a.clone().or(b.clone().and(c.clone())));
    assert_eq!(parse("(a eq 1 or b eq 2) and c eq 3"), Filter::And(vec![a.clone().or(b.clone()), c.clone()]));
    assert_eq!(parse("a eq 1 and b eq 2 and c eq 3"), Filter::And(vec![a, b, c]));
}

#[test]
fn not_takes_one_condition_and_stands_alone() {
    let negated = Filter::Not(Box::new(Filter::equals("a", 1)));
    assert_eq!(parse("! a eq 1"), negated);
    assert_eq!(parse("!(a eq 1)"), negated);
    assert_eq!(parse("! a eq 1 and b pr"), negated.and(parse("b pr")));
    assert_eq!(refused("!a eq 1").1, "expected a space or '(' after '!'");
    assert_eq!(refused("! ! a eq 1").1, "expected a condition or '(', found a second '!'");
    assert_eq!(parse("!(!(a pr))"), Filter::Not(Box::new(Filter::Not(Box::new(parse("a pr"))))));
}

#[test]
fn strings_stand_in_either_quote_and_backslash_takes_the_next_character() {
    assert_eq!(parse(r#"a eq "it's \"so\" \\ \n""#), Filter::equals("a", r#"it's "so" \ n"#));
    assert_eq!(parse(r#"a eq 'say "hi", don\'t'"#), Filter::equals("a", r#"say "hi", don't"#));
    assert_eq!(parse("a eq ''"), Filter::equals("a", ""));
    assert_eq!(parse("a eq \"two\nlines\""), Filter::equals("a", "two\nlines"));
    assert_eq!(refused(r#"a eq "open"#), (5, "expected a closing \" for the string that begins here".to_owned()));
    assert_eq!(refused(r#"a eq "open\"#).0, 5);
}

#[test]
fn numbers_and_booleans_are_values() {
    assert_eq!(parse("a eq -7"), Filter::equals("a", -7));
    assert_eq!(parse("a eq 1.5"), Filter::equals("a", 1.5));
    assert_eq!(parse("a eq 1.0"), Filter::equals("a", 1.0));
    assert_eq!(parse("a eq 18446744073709551615"), Filter::equals("a", u64::MAX));
    assert_eq!(parse("a eq True"), Filter::equals("a", true));
    for text in ["a eq null", "a eq x", "a eq 1x", "a eq 99999999999999999999", "a eq 1e999", "a eq inf", "a eq NaN", "a eq -", "a eq ."] {
        assert!(refused(text).1.starts_with("expected a quoted string, a number, true or false, found '"), "{text}");
    }
}

#[test]
fn in_takes_a_list_inside_a_string_or_bare() {
    let expected = compare("c", Comparison::In, json!(["DE", "F R", 1, true]));
    assert_eq!(parse(r#"c in '["DE","F R",1,true]'"#), expected);
    assert_eq!(parse(r#"c in "[\"DE\",\"F R\",1,true]""#), expected);
    assert_eq!(parse(r#"(c IN ["DE", "F R", 1, true]) and true"#), Filter::And(vec![expected, Filter::True]));
    for text in ["c in 'DE'", "c in x", "c in", "c in '[[1]]'", "c in [null]", "c in [1", "c in '{}'", "c in 7"] {
        assert!(refused(text).1.starts_with("expected a list such as '[\"a\",\"b\"]'"), "{text}");
    }
}

#[test]
fn tabs_and_line_ends_separate_like_spaces() {
    assert_eq!(parse("\n a\teq\r\n1\t"), Filter::equals("a", 1));
}

#[test]
fn fields_are_pointers() {
    assert_eq!(parse("/a/b%20c/ eq 1"), compare("a/b%20c", Comparison::Equals, 1));
    assert_eq!(parse("/true eq 1"), Filter::equals("/true", 1));
    assert_eq!(refused("/ eq 1").1, "expected a field, found '/'");
    assert_eq!(refused("true or %zz eq 1").0, 8);
}

#[test]
fn errors_say_where_and_what_was_expected() {
    let cases = [
        ("", 0, "expected a condition, found the end of the filter"),
        ("  ", 2, "expected a condition, found the end of the filter"),
        ("x", 1, "expected an operator, found the end of the filter"),
        ("userName eq", 11, "expected a quoted string, a number, true or false, found the end of the filter"),
        ("(a eq 1", 7, "expected 'and', 'or' or ')', found the end of the filter"),
        ("a eq 1)", 6, "this ')' closes nothing; expected the end of the filter"),
        ("a eq 'é' b", 10, "expected 'and', 'or' or the end of the filter, found 'b'"),
        (r#"mail eq "a"b""#, 11, "expected 'and', 'or' or the end of the filter, found 'b\"'"),
        ("and", 0, "expected a condition, found 'and'"),
        ("a eq 1 and", 10, "expected a condition, found the end of the filter"),
        ("'a' eq 1", 0, "expected a condition, found a quoted string"),
        ("()", 1, "expected a condition, found ')'"),
        ("a = 'x'", 2, "unknown operator '=', expected one of eq, co, sw, lt, le, gt, ge, in, pr"),
        ("a ew 'x'", 2, "unknown operator 'ew', expected one of eq, co, sw, lt, le, gt, ge, in, pr"),
    ];
    for (text, position, message) in cases {
        assert_eq!(refused(text), (position, message.to_owned()), "{text}");
    }
    let error = Filter::parse("a = 1").unwrap_err().to_string();
    assert!(error.ends_with("in, pr at position 2"), "{error}");
}

#[test]
fn sec_52_length_and_nesting_are_limited() {
    let nested = |levels: usize| format!("{}a pr{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(parse(&nested(64)), parse("a pr"));
    assert_eq!(refused(&nested(65)), (64, "a filter nests at most 64 levels".to_owned()));
    assert_eq!(refused(&"!(".repeat(5000)).1, "a filter nests at most 64 levels");
    let negated = (0..63).fold("! a pr".to_owned(), |inner, _| format!("b pr or (c pr and {inner})"));
    let filter = parse(&negated);
    assert_eq!(parse(&filter.to_string()), filter);
    let long = |length: usize| format!("a eq \"{}\"", "y".repeat(length - 7));
    assert!(Filter::parse(&long(16 * 1024)).is_ok());
    assert_eq!(refused(&long(16 * 1024 + 1)).1, "a filter is at most 16384 bytes long");
}

#[test]
fn a_long_word_is_repeated_only_in_part() {
    let (_, message) = refused(&format!("a {}", "é".repeat(8000)));
    assert!(message.len() < 200, "{}", message.len());
}

fn people() -> Value {
    json!([
        {"name": "alfa", "city": "Bonn", "age": 5},
        {"name": "bravo", "city": "bonn", "age": 15},
        {"name": "charlie", "city": "Köln", "age": 25},
        {"name": "delta", "city": "Ulm", "age": 35.5},
        {"name": "echo", "city": "", "age": null, "active": true, "tags": ["x", "Y", 7]},
    ])
}

#[track_caller]
fn assert_finds(filter: &str, expected: &[&str]) {
    let filter = parse(filter);
    let people = people();
    let found: Vec<_> = people.as_array().unwrap().iter().filter(|person| filter.matches(person)).map(|person| &person["name"]).collect();
    assert_eq!(found, expected, "{filter}");
}

#[test]
fn text_compares_by_code_points_so_case_counts() {
    assert_finds("city eq 'Bonn'", &["alfa"]);
    assert_finds("city co 'on'", &["alfa", "bravo"]);
    assert_finds("city sw 'K'", &["charlie"]);
    assert_finds("name gt 'charlie'", &["delta", "echo"]);
    assert_finds("name le 'bravo'", &["alfa", "bravo"]);
}

#[test]
fn percent_and_underscore_are_letters() {
    assert_finds("city sw '%'", &[]);
    assert_finds("city co 'o_n'", &[]);
    assert!(parse("a co '_%'").matches(&json!({"a": "5_% off"})));
}

#[test]
fn numbers_compare_as_numbers() {
    assert_finds("age gt 15", &["charlie", "delta"]);
    assert_finds("age ge 15.0", &["bravo", "charlie", "delta"]);
    assert_finds("age lt 35.5", &["alfa", "bravo", "charlie"]);
    assert_finds("age le 35.5", &["alfa", "bravo", "charlie", "delta"]);
    assert_finds("age eq 15.0", &["bravo"]);
    assert!(!parse("a eq 9007199254740993").matches(&json!({"a": 9_007_199_254_740_992_i64})));
    assert!(parse("a gt 9223372036854775807").matches(&json!({"a": u64::MAX})));
}

#[test]
fn different_types_never_match() {
    assert_finds("age eq '15'", &[]);
    assert_finds("age sw '1'", &[]);
    assert_finds("name eq true", &[]);
    assert_finds("name gt 1", &[]);
    assert_finds("active eq true", &["echo"]);
    assert_finds("active ge true", &[]);
    assert!(!Filter::equals("a", Value::Null).matches(&json!({"a": null})));
}

#[test]
fn present_means_there_and_not_null() {
    assert_finds("city pr", &["alfa", "bravo", "charlie", "delta", "echo"]);
    assert_finds("age pr", &["alfa", "bravo", "charlie", "delta"]);
    assert_finds("!(age pr)", &["echo"]);
    assert_finds("nosuch pr", &[]);
}

#[test]
fn the_negation_of_a_comparison_with_an_absent_field_is_true() {
    assert_finds("!(age ge 15)", &["alfa", "echo"]);
    assert_finds("!(nosuch eq 'x') and false", &[]);
}

#[test]
fn an_array_matches_if_one_of_its_elements_does() {
    assert_finds("tags eq 'Y'", &["echo"]);
    assert_finds("tags gt 6", &["echo"]);
    assert_finds("tags in '[\"a\",\"x\"]'", &["echo"]);
    assert_finds("tags eq 'y'", &[]);
    assert_finds("tags/2 eq 7", &["echo"]);
}

#[test]
fn in_matches_any_of_the_list() {
    assert_finds("city in '[\"Ulm\",\"Köln\",1]'", &["charlie", "delta"]);
    assert_finds("age in [5, 15.0]", &["alfa", "bravo"]);
    assert_finds("city in []", &[]);
}

#[test]
fn empty_groups_are_their_neutral_element() {
    assert!(Filter::And(Vec::new()).matches(&json!({})));
    assert!(!Filter::Or(Vec::new()).matches(&json!({})));
    assert_eq!(Filter::And(Vec::new()).to_string(), "true");
    assert_eq!(Filter::Or(Vec::new()).to_string(), "false");
}

#[test]
fn sec_44_a_value_cannot_leave_its_quotes() {
    let hostile = r#"x" or userName sw ""#;
    let filter = Filter::equals("mail", hostile);
    assert_eq!(parse(&filter.to_string()), filter);
}

#[test]
fn pointers_come_in_the_order_they_are_written() {
    let filter = parse("a eq 1 and (b pr or !(c/d sw 'x')) and a pr and true");
    assert_eq!(filter.pointers().map(ToString::to_string).collect::<Vec<_>>(), ["/a", "/b", "/c/d", "/a"]);
}

#[test]
fn a_text_that_is_no_pointer_names_one_property() {
    assert_eq!(Filter::equals("50%", 1).pointers().next(), Some(&Pointer::from_tokens(["50%"])));
}

fn pointers() -> impl Strategy<Value = Pointer> {
    prop::collection::vec(".{0,6}|[a-z]{1,4}|true|and|-", 1..4).prop_map(Pointer::from_tokens)
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ]
}

fn conditions() -> impl Strategy<Value = Filter> {
    let single = prop::sample::select(Comparison::ALL.into_iter().filter(|comparison| *comparison != Comparison::In).collect::<Vec<_>>());
    prop_oneof![
        Just(Filter::True),
        Just(Filter::False),
        pointers().prop_map(Filter::Present),
        (pointers(), single, scalars()).prop_map(|(pointer, comparison, value)| Filter::Compare { pointer, comparison, value }),
        (pointers(), prop::collection::vec(scalars(), 0..4)).prop_map(|(pointer, list)| Filter::Compare {
            pointer,
            comparison: Comparison::In,
            value: Value::Array(list)
        }),
    ]
}

fn filters() -> impl Strategy<Value = Filter> {
    conditions().prop_recursive(6, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn printed_filters_read_back(filter in filters()) {
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Filter::parse(&text);
    }

    #[test]
    fn text_made_of_the_grammars_words_is_read_or_refused(
        words in prop::collection::vec("a|/b/c|and|or|!|\\(|\\)|eq|in|pr|true|\"x\"|'|\\[1\\]|-3|\\\\| |", 0..24)
    ) {
        if let Ok(filter) = Filter::parse(&words.join(" ")) {
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter.clone()));
            let _ = filter.matches(&json!({"a": "x", "b": {"c": [1, -3]}}));
        }
    }

    #[test]
    fn a_negation_is_the_opposite(filter in filters(), a in scalars()) {
        let object = json!({"a": a, "true": [a]});
        prop_assert_eq!(Filter::Not(Box::new(filter.clone())).matches(&object), !filter.matches(&object));
    }
}
