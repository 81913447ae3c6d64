//! How long a new password resists whoever guesses, as far as that can be said of the text alone. The pages show it beside what the policies ask;
//! it refuses nothing.
//!
//! Easiest to get wrong: what people add to a word to please a policy (a capital, a digit, a mark) makes it hardly stronger, so a known word counts
//! as one character, and a character that goes on as the one before it began counts as less than one.

/// Strongest of all.
const STRONGEST: u8 = 4;
/// Most characters that are looked at, and texts of one's own; whoever types more has said enough.
const MOST: usize = 256;
/// Characters of a text of one's own that are looked at: each of its words is looked for in the password.
const LONGEST: usize = 64;
/// Bits from which on a password is of each level above 0: guesses over a network, guesses at slow hashes, guesses at slow hashes by many machines,
/// and nothing that anybody tries.
const LEVELS: [f64; 4] = [28.0, 38.0, 50.0, 64.0];
/// What a letter after a letter counts for, or a digit after a digit.
const ALIKE: f64 = 0.7;
/// What a character counts for that repeats the one before it, or follows it in the alphabet, in counting or on a keyboard.
const FOLLOWING: f64 = 0.1;
/// Words that lists of stolen passwords are full of, whatever their case.
const WORDS: [&str; 40] = [
    "password",
    "passwort",
    "passwd",
    "contraseña",
    "qwerty",
    "qwertz",
    "azerty",
    "letmein",
    "welcome",
    "admin",
    "login",
    "iloveyou",
    "monkey",
    "dragon",
    "master",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "shadow",
    "michael",
    "charlie",
    "summer",
    "winter",
    "spring",
    "autumn",
    "sommer",
    "hello",
    "hallo",
    "freedom",
    "whatever",
    "trustno",
    "secret",
    "starwars",
    "computer",
    "internet",
    "changeme",
    "chocolate",
];
/// Signs that people write in place of letters.
const SPELT: [(char, char); 7] = [('@', 'a'), ('4', 'a'), ('0', 'o'), ('1', 'i'), ('3', 'e'), ('$', 's'), ('5', 's')];
/// Rows of a keyboard.
const ROWS: [&str; 4] = ["qwertzuiop", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
/// Fewest letters of a word of one's own that are looked for.
const SHORTEST: usize = 3;

/// From 0 (guessed at once) to 4. `own` is what is known of the person and the service, which is tried first.
pub(crate) fn of<'a>(password: &str, own: impl IntoIterator<Item = &'a str>) -> u8 {
    let own = own.into_iter().take(MOST).map(|text| text.chars().take(LONGEST).collect::<String>());
    let known: Vec<String> = WORDS.into_iter().map(str::to_owned).chain(own).flat_map(|text| words(&text)).collect();
    let text: String = password.chars().take(MOST).flat_map(char::to_lowercase).collect();
    let counted = worth(&text, &known).min(worth(&text.chars().map(spelt).collect::<String>(), &known));
    let bits = counted * pool(password).log2();
    let level = LEVELS.iter().filter(|least| bits >= **least).count();
    u8::try_from(level).unwrap_or(STRONGEST)
}

/// How many characters that nobody foresees a text is worth.
fn worth(text: &str, known: &[String]) -> f64 {
    let mut text = text.to_owned();
    let mut found = 0.0;
    for word in known {
        let times = text.matches(word.as_str()).count();
        if times > 0 {
            // The mark keeps what stood on both sides of it apart.
            text = text.replace(word.as_str(), "\0");
            found += 1.0;
        }
    }
    found + free(&text)
}

/// The letter that a sign often stands for.
fn spelt(sign: char) -> char {
    SPELT.iter().find(|(known, _)| *known == sign).map_or(sign, |(_, letter)| *letter)
}

/// The words of a text, those of an address or a name each by itself.
fn words(text: &str) -> Vec<String> {
    let text: String = text.chars().flat_map(char::to_lowercase).collect();
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| part.chars().count() >= SHORTEST);
    parts.map(str::to_owned).collect()
}

/// Of how many characters each one might have been.
fn pool(password: &str) -> f64 {
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let kinds: [(bool, f64); 5] = [
        (has(|letter| letter.is_ascii_lowercase()), 26.0),
        (has(|letter| letter.is_ascii_uppercase()), 26.0),
        (has(|letter| letter.is_ascii_digit()), 10.0),
        (has(|letter| letter.is_ascii() && !letter.is_ascii_alphanumeric()), 33.0),
        (has(|letter| !letter.is_ascii()), 100.0),
    ];
    kinds.iter().filter(|(is_there, _)| *is_there).map(|(_, size)| size).sum::<f64>().max(2.0)
}

/// How many characters a text is worth in which no known word is left.
fn free(text: &str) -> f64 {
    let mut before: Option<char> = None;
    let mut counted = 0.0;
    for letter in text.chars() {
        counted += match before {
            _ if letter == '\0' => 0.0,
            Some(before) if follows(before, letter) => FOLLOWING,
            Some(before) if before.is_alphabetic() && letter.is_alphabetic() => ALIKE,
            Some(before) if before.is_ascii_digit() && letter.is_ascii_digit() => ALIKE,
            _ => 1.0,
        };
        before = Some(letter).filter(|letter| *letter != '\0');
    }
    counted
}

/// Whether one character leads to the next: the same, the next of the alphabet or the digits, or the neighbour on a keyboard.
fn follows(before: char, letter: char) -> bool {
    let beside = |row: &str| row.contains(&String::from_iter([before, letter])) || row.contains(&String::from_iter([letter, before]));
    u32::from(before).abs_diff(u32::from(letter)) <= 1 || ROWS.iter().any(|row| beside(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_weak_whatever_was_added_to_it() {
        for weak in ["", "a", "12345678", "aaaaaaaaaaaa", "abcdefghijkl", "Password1", "P@ssw0rd!", "qwertzuiop1", "letmein123"] {
            assert_eq!(of(weak, []), 0, "{weak}");
        }
        assert_eq!(of("Summer2024!", []), 1);
        assert_eq!(of("bjensen-Oslo1", ["bjensen@example.com", "Oslo"]), 0);
        assert!(of("bjensen-Oslo1", []) >= 3, "nobody knows them otherwise");
    }

    #[test]
    fn sec_52_no_more_is_looked_for_than_a_form_may_say_of_somebody() {
        let long = ["x ".repeat(LONGEST / 2), "bjensen oslo".to_owned()].concat();
        let many = std::iter::repeat_n("other", MOST).chain(["bjensen", "oslo"]);
        assert!(of("bjensen-Oslo1", [long.as_str()]) >= 3 && of("bjensen-Oslo1", many) >= 3);
        let enough = std::iter::repeat_n("other", MOST - 2).chain(["bjensen", "oslo"]);
        assert_eq!(of("bjensen-Oslo1", enough), 0);
        assert_eq!(of("bjensen-Oslo1", [["ł ".repeat(LONGEST / 2 - 8), "bjensen oslo".to_owned()].concat().as_str()]), 0);
    }

    #[test]
    fn what_nobody_guesses_is_strong_without_any_kind_of_character_too() {
        for strong in ["correct horse battery staple", "kJ8#vq2!Lm9z&", "Łódź, Žižkov, Ærø", &"x9!".repeat(2000)] {
            assert_eq!(of(strong, ["bjensen"]), 4, "{strong}");
        }
    }

    #[test]
    fn more_of_the_same_kind_is_never_weaker() {
        let text = "tzk4%ruw9mvb7!q";
        let levels: Vec<u8> = (0..=text.len()).map(|length| of(&text[..length], [])).collect();
        assert!(levels.is_sorted(), "{levels:?}");
        assert_eq!((levels[4], levels[text.len()]), (0, 4), "{levels:?}");
    }
}
