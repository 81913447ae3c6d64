//! What each code of a [`Diagnostic`](crate::Diagnostic) means: the sections of docs/diagnostics.md, which is a page of the book.
//!
//! The rule easiest to break: a code without a section. [`Diagnostic::new`](crate::Diagnostic::new) looks in builds for tests, and a test
//! reads every source.

/// The page of the book.
const PAGE: &str = include_str!("../../../docs/diagnostics.md");

/// One section: a code, and what there is to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code, `unknown-stage`.
    pub code: &'static str,
    /// Why it is said, an example and the fix, in Markdown.
    pub text: &'static str,
}

impl Explanation {
    /// The first sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let paragraph = self.text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        paragraph.split_once(". ").map_or(paragraph.clone(), |(first, _)| format!("{first}."))
    }

    /// What to do about it.
    #[must_use]
    pub fn fix(&self) -> Option<&'static str> {
        self.text.split("\n\n").find_map(|paragraph| paragraph.strip_prefix("**Fix.** ")).map(str::trim)
    }
}

/// Every code, in the order of the page.
pub fn explanations() -> impl Iterator<Item = Explanation> {
    PAGE.split("\n## `").skip(1).filter_map(|section| {
        let (code, text) = section.split_once("`\n")?;
        Some(Explanation { code, text: text.trim() })
    })
}

/// What a code means.
#[must_use]
pub fn explain(code: &str) -> Option<Explanation> {
    explanations().find(|explanation| explanation.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_says_why_shows_an_example_and_how_to_mend_it() {
        let codes: Vec<&str> = explanations().map(|explanation| explanation.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted, "in order, each once");
        assert!(codes.len() > 100, "{}", codes.len());
        for explanation in explanations() {
            assert!(explanation.summary().len() > 20 && !explanation.summary().starts_with("```"), "{explanation:?}");
            assert_eq!(explanation.text.matches("```").count(), 2, "one example: {explanation:?}");
            assert!(explanation.fix().is_some_and(|fix| fix.ends_with('.') || fix.ends_with('?')), "{explanation:?}");
        }
        assert_eq!(explain("unknown-stage").unwrap().code, "unknown-stage");
        assert_eq!(explain("unknown"), None);
    }
}
