//! The spelling somebody probably meant, for messages. Easiest to break: something far away is no suggestion.

/// The candidate closest to `text`, if at most a third of its letters differ.
#[must_use]
pub fn nearest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = text.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(text.chars().count()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_is_misspelt_is_found_and_what_is_far_away_is_not() {
        let names = ["loginCount", "timesincelogin", "terms"];
        assert_eq!(nearest("logincount", names), Some("loginCount"));
        assert_eq!(nearest("timeSinceLogn", names), Some("timesincelogin"));
        assert_eq!(nearest("profileCompleteness", names), None);
    }
}
