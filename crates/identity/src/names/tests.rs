use proptest::prelude::*;

use icu_casemap::CaseMapper;

use super::{MAX_CHARACTERS, NameError, RESERVED_NAMES, check_mail, check_name, folded, folded_by_unicode, skeleton};

const NONE: [&str; 0] = [];

fn name(text: &str) -> String {
    check_name(text, &NONE).unwrap_or_else(|refusal| panic!("{text}: {refusal}")).as_str().to_owned()
}

fn mail(text: &str) -> String {
    check_mail(text, &NONE).unwrap_or_else(|refusal| panic!("{text}: {refusal}")).as_str().to_owned()
}

#[test]
fn ascii_is_folded_as_unicode_does_it() {
    let all: String = (0..128_u8).map(char::from).collect();
    assert_eq!(CaseMapper::new().fold_string(&all), all.to_ascii_lowercase());
    assert_eq!(folded(&all), folded_by_unicode(&all));
    assert_eq!(folded(" B  Jensen\t"), "b jensen");
}

#[test]
fn names_that_differ_in_case_width_composition_or_spaces_are_one() {
    for (one, other) in [
        ("bjensen", " BJensen\u{a0}"),
        ("ann other", "Ann  Other"),
        ("Ｂｊｅｎｓｅｎ", "bjensen"),
        ("Zoë", "Zoe\u{308}"),
        ("strasse", "Straße"),
        ("σοφος", "ΣΟΦΟΣ"),
        ("ﬁona", "Fiona"),
        ("o'brien", "O'Brien"),
    ] {
        assert_eq!(name(one), name(other));
    }
    assert_ne!(name("zoe"), name("zoë"));
}

#[test]
fn sec_48_homographs_of_other_alphabets_are_refused() {
    for mixed in
        ["\u{430}dmin", "аnn", "pаypal", "ann.оther", "ɑ\u{3b1}", "p\u{3b1}ypal", "admin\u{430}", "a\u{585}k", "bjensen@\u{435}xample.test"]
    {
        assert_eq!(check_name(mixed, &RESERVED_NAMES), Err(NameError::MixedScripts), "{mixed}");
    }
}

#[test]
fn sec_48_a_name_that_looks_reserved_is_refused_in_any_script() {
    let reserved = ["admin", "scope", "root", "no-reply"];
    for (text, refusal) in [
        ("admin", NameError::Reserved),
        ("ADMIN", NameError::Reserved),
        ("ａｄｍｉｎ", NameError::Reserved),
        ("\u{1d41a}dmin", NameError::Reserved),
        ("ѕсоре", NameError::LooksReserved),
        ("r00t", NameError::LooksReserved),
        ("adrnin", NameError::LooksReserved),
        ("no\u{2010}reply", NameError::LooksReserved),
    ] {
        assert_eq!(check_name(text, &reserved), Err(refusal), "{text}");
    }
    for good in ["administrator2", "admine", "madmin", "toor", "admin.smith"] {
        assert!(check_name(good, &reserved).is_ok(), "{good}");
    }
}

#[test]
fn names_people_really_have_are_taken_in_every_script() {
    for good in [
        "bjensen",
        "b.jensen-smith_2",
        "O’Brien",
        "Zoë",
        "İpek",
        "Иван",
        "Ελένη",
        "محمد",
        "שרה",
        "सीता",
        "กมล",
        "山田太郎",
        "ヤマダさん",
        "김철수",
        "suzuki鈴木",
        "ᏣᎳᎩ",
        "ann@example.test",
        "иван@почта.рф",
        "ann@почта.рф",
        "1234",
        "ann+tag@example.test",
        "x",
        "ann 🎈",
    ] {
        assert!(check_name(good, &RESERVED_NAMES).is_ok(), "{good} {:?}", check_name(good, &RESERVED_NAMES));
    }
}

#[test]
fn sec_22_what_cannot_be_seen_is_refused_by_name() {
    for hidden in [
        "\r",
        "\n",
        "\0",
        "\t",
        "\u{7f}",
        "\u{85}",
        "\u{ad}",
        "\u{200b}",
        "\u{200d}",
        "\u{200e}",
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{feff}",
        "\u{3164}",
        "\u{fe0f}",
        "\u{e0041}",
        "\u{e000}",
        "\u{ffff}",
        "\u{2800}",
        "\u{10ffff}",
    ] {
        for text in [format!("an{hidden}n"), format!("{hidden}ann"), format!("ann{hidden}")] {
            let refusal = NameError::Hidden(u32::from(hidden.chars().next().unwrap()));
            assert_eq!(check_name(&text, &NONE), Err(refusal), "{text:?}");
            assert_eq!(check_mail(&format!("{text}@example.test"), &NONE), Err(refusal));
        }
    }
    assert_eq!(NameError::Hidden(0x202e).to_string(), "must not contain the character U+202E, which cannot be seen");
}

#[test]
fn empty_and_endless_names_are_refused_cheaply() {
    assert_eq!(check_name("", &NONE), Err(NameError::Empty));
    assert_eq!(check_name(" \u{a0}\u{3000} ", &NONE), Err(NameError::Empty));
    assert!(check_name(&"x".repeat(MAX_CHARACTERS), &NONE).is_ok());
    for endless in ["x".repeat(MAX_CHARACTERS + 1), "é".repeat(1 << 19), "\u{fdfa}".repeat(MAX_CHARACTERS + 1)] {
        assert_eq!(check_name(&endless, &NONE), Err(NameError::TooLong));
        assert_eq!(check_mail(&endless, &NONE), Err(NameError::TooLong));
    }
    assert!(check_name(&"\u{fdfa}".repeat(MAX_CHARACTERS), &NONE).is_ok());
}

#[test]
fn addresses_are_one_whatever_the_case_and_the_form_of_the_domain() {
    for (one, other) in [
        ("ann@example.test", "Ann@EXAMPLE.Test"),
        ("ann@example.test", " ann@example.test. "),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@bücher.example", "ANN@BU\u{308}CHER.example"),
        ("ann@example.test", "ann@example。test"),
        ("ann@example.test", "ann＠example.test"),
    ] {
        assert_eq!(mail(one), mail(other), "{one} {other}");
    }
    assert_ne!(mail("ann@example.test"), mail("ann+a@example.test"));
    assert_ne!(mail("ann@example.test"), mail("a.nn@example.test"));
    assert_ne!(mail("ann@strasse.example"), mail("ann@other.example"));
}

#[test]
fn what_is_no_single_address_is_refused() {
    for bad in [
        "ann",
        "@example.test",
        "ann@",
        "ann@@example.test",
        "a@b@c.test",
        "a b@example.test",
        "ann@exa mple.test",
        "ann@-x.test",
        "ann@x..test",
        "ann@x.test..",
        ".ann@x.test",
        "ann@[127.0.0.1]",
        "a,b@example.test",
        "ann@example.test,bob@example.test",
        "ann@exa_mple.test",
        "Ann <ann@example.test>",
    ] {
        assert_eq!(check_mail(bad, &NONE), Err(NameError::NoAddress), "{bad}");
    }
    assert_eq!(check_mail(&format!("ann@{}.test", "x".repeat(64)), &NONE), Err(NameError::NoAddress));
}

#[test]
fn sec_48_a_name_that_is_somebodys_address_collides_with_it() {
    let address = check_mail("ann@bücher.example", &NONE).unwrap();
    for taken in ["ann@bücher.example", "ANN@xn--bcher-kva.example", "Ann@Bücher.Example.", "ann＠bücher.example"] {
        assert!(check_name(taken, &NONE).unwrap().collides_with(&address), "{taken}");
    }
    assert!(!check_name("ann", &NONE).unwrap().collides_with(&address));
    let other = check_mail("ann@bucher.example", &NONE).unwrap();
    assert!(!other.collides_with(&address));
    let cyrillic = check_mail("ann@ѕсоре.example", &NONE).unwrap();
    assert!(cyrillic.collides_with(&check_mail("ann@scope.example", &NONE).unwrap()));
}

#[test]
fn sec_48_plain_names_collide_when_equal_and_others_when_they_look_alike() {
    let of = |text: &str| check_name(text, &NONE).unwrap();
    assert!(of("ѕсоре").collides_with(&of("scope")));
    assert!(of("Scope").collides_with(&of("scope")));
    assert!(!of("corn").collides_with(&of("com")), "different people");
    assert_eq!(of("corn").skeleton(), of("com").skeleton());
    assert!(!of("ann").collides_with(&of("anne")));
}

#[test]
fn reserved_domains_keep_their_subdomains_and_their_imitations() {
    let reserved = ["service.Example", "bücher.example"];
    for (address, refusal) in [
        ("a@service.example", Some(NameError::Reserved)),
        ("a@SERVICE.example.", Some(NameError::Reserved)),
        ("a@bot.service.example", Some(NameError::Reserved)),
        ("a@xn--bcher-kva.example", Some(NameError::Reserved)),
        ("a@5ervice.example", None),
        ("a@myservice.example", None),
        ("a@service.example.test", None),
    ] {
        assert_eq!(check_mail(address, &reserved).err(), refusal, "{address}");
    }
    assert_eq!(check_mail("a@ѕсоре.example", &["scope.example"]), Err(NameError::LooksReserved));
}

#[test]
fn skeletons_make_lookalikes_one() {
    for (one, other) in
        [("рaypal", "paypal"), ("ѕсоре", "SCOPE"), ("bob0", "bobo"), ("1ist", "list"), ("ann@ехаmple.test", "ann@example.test")]
    {
        assert_eq!(skeleton(one), skeleton(other));
    }
    assert_ne!(skeleton("ann"), skeleton("bob"));
}

proptest! {
    #[test]
    fn the_canonical_form_of_a_canonical_form_is_itself(text in "\\PC{0,24}(@\\PC{1,12}\\.test)?") {
        if let Ok(canonical) = check_name(&text, &NONE) {
            let again = check_name(canonical.as_str(), &NONE).map(|again| again.as_str().to_owned());
            let grew = canonical.as_str().chars().count() > MAX_CHARACTERS;
            prop_assert!(grew || again.as_deref() == Ok(canonical.as_str()), "{:?} {:?}", canonical, again);
        }
    }

    #[test]
    fn no_text_breaks_the_checks(text in any::<String>()) {
        let _ = (check_name(&text, &RESERVED_NAMES), check_mail(&text, &["example.test"]), skeleton(&text));
    }

    #[test]
    fn case_never_makes_another_plain_name(text in "[a-zA-Z0-9._-]{1,20}") {
        prop_assert_eq!(name(&text), name(&text.to_uppercase()));
    }
}
