//! Which of many names stand twice: eight bytes for each name and four for where it stands, whatever the names are.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};

/// Eight bytes of a hash: among ten million names, two others share them with a chance of one in three hundred thousand.
pub(crate) fn fingerprint(parts: &[&str]) -> u64 {
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(part);
    }
    let hash = digest(&SHA256, text.as_bytes());
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(hash.as_ref()).for_each(|(byte, hashed)| *byte = *hashed);
    u64::from_be_bytes(bytes)
}

/// Names, and the numbers of the records that have them.
#[derive(Default)]
pub(crate) struct Fingerprints {
    names: Vec<(u64, u32)>,
    is_sorted: bool,
}

impl Fingerprints {
    pub(crate) fn add(&mut self, name: u64, record: u32) {
        self.names.push((name, record));
        self.is_sorted = false;
    }

    /// To be called when all were added.
    pub(crate) fn sort(&mut self) {
        self.names.sort_unstable();
        self.names.dedup();
        self.is_sorted = true;
    }

    /// Whether a name is there.
    pub(crate) fn contains(&self, name: u64) -> bool {
        debug_assert!(self.is_sorted);
        self.names.binary_search_by_key(&name, |(known, _)| *known).is_ok()
    }

    /// The names that several records have, with these records.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (u64, BTreeSet<u32>)> {
        debug_assert!(self.is_sorted);
        let groups = self.names.chunk_by(|left, right| left.0 == right.0).filter(|group| group.len() > 1);
        groups.filter_map(|group| Some((group.first()?.0, group.iter().map(|(_, record)| *record).collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_found_with_its_records() {
        let mut names = Fingerprints::default();
        for (record, name) in (0..).zip(["a", "b", "a", "c", "b", "a"]) {
            names.add(fingerprint(&["x", name]), record);
        }
        names.sort();
        let shared: BTreeSet<BTreeSet<u32>> = names.shared().map(|(_, records)| records).collect();
        assert_eq!(shared, BTreeSet::from([BTreeSet::from([0, 2, 5]), BTreeSet::from([1, 4])]));
        assert!(names.contains(fingerprint(&["x", "c"])) && !names.contains(fingerprint(&["xc"])));
    }
}
