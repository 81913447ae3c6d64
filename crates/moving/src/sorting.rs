//! Sorting what does not fit into memory: pieces are sorted and put aside in files, and merged while they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;

/// Bytes that are sorted in memory.
const PIECE: usize = 32 << 20;
/// Pieces that are merged at once; more are merged into one of their own first.
const MERGED: usize = 128;

/// A key, a number that keeps equal keys in order, and what belongs to it.
type Entry = (String, u64, Vec<u8>);

/// The directory in which files are put aside that have no name: that of the system for temporary ones, unless another is named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aside(pub(crate) Option<Arc<Path>>);

impl Aside {
    pub(crate) fn file(&self) -> io::Result<File> {
        self.0.as_deref().map_or_else(tempfile::tempfile, tempfile::tempfile_in)
    }
}

/// Takes entries in any order.
#[derive(Default)]
pub(crate) struct Sorter {
    entries: Vec<Entry>,
    bytes: usize,
    count: u64,
    pieces: Vec<File>,
    aside: Aside,
}

impl Sorter {
    pub(crate) fn new(aside: Aside) -> Self {
        Self { aside, ..Self::default() }
    }

    pub(crate) fn push(&mut self, key: String, value: Vec<u8>) -> io::Result<()> {
        self.bytes += key.len() + value.len() + 64;
        self.count += 1;
        self.entries.push((key, self.count, value));
        if self.bytes > PIECE { self.put_aside() } else { Ok(()) }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.entries.sort_unstable();
        self.bytes = 0;
        let entries = std::mem::take(&mut self.entries);
        self.pieces.push(written(&self.aside, entries.into_iter().map(Ok))?);
        if self.pieces.len() >= MERGED {
            let merged = Merged::of(std::mem::take(&mut self.pieces))?;
            self.pieces.push(written(&self.aside, merged)?);
        }
        Ok(())
    }

    /// The entries by their keys, equal keys in the order in which they were pushed.
    pub(crate) fn sorted(mut self) -> io::Result<Merged> {
        if self.pieces.is_empty() {
            // What fits into memory needs no file.
            self.entries.sort_unstable();
            return Ok(Merged { whole: self.entries.into_iter(), ..Merged::of(Vec::new())? });
        }
        self.put_aside()?;
        Merged::of(self.pieces)
    }
}

fn written(aside: &Aside, entries: impl Iterator<Item = io::Result<Entry>>) -> io::Result<File> {
    let mut to = BufWriter::new(aside.file()?);
    for entry in entries {
        let (key, number, value) = entry?;
        for part in [key.as_bytes(), &value] {
            to.write_all(&(part.len() as u64).to_be_bytes())?;
            to.write_all(part)?;
        }
        to.write_all(&number.to_be_bytes())?;
    }
    let mut file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

fn number(from: &mut impl Read) -> io::Result<Option<u64>> {
    let mut bytes = [0; 8];
    match from.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(u64::from_be_bytes(bytes))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn part(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = number(from)? else { return Ok(None) };
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn entry(from: &mut impl Read) -> io::Result<Option<Entry>> {
    let Some(key) = part(from)? else { return Ok(None) };
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let value = part(from)?.ok_or_else(cut)?;
    let number = number(from)?.ok_or_else(cut)?;
    Ok(Some((String::from_utf8(key).map_err(|_| cut())?, number, value)))
}

/// Entries in the order of their keys.
pub(crate) struct Merged {
    pieces: Vec<BufReader<File>>,
    first: BinaryHeap<Reverse<(Entry, usize)>>,
    /// All of them, where no piece was put aside.
    whole: std::vec::IntoIter<Entry>,
}

impl Merged {
    fn of(pieces: Vec<File>) -> io::Result<Self> {
        let mut merged =
            Self { pieces: pieces.into_iter().map(BufReader::new).collect(), first: BinaryHeap::new(), whole: Vec::new().into_iter() };
        for piece in 0..merged.pieces.len() {
            merged.next_of(piece)?;
        }
        Ok(merged)
    }

    fn next_of(&mut self, piece: usize) -> io::Result<()> {
        if let Some(reader) = self.pieces.get_mut(piece)
            && let Some(entry) = entry(reader)?
        {
            self.first.push(Reverse((entry, piece)));
        }
        Ok(())
    }
}

impl Iterator for Merged {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.first.pop() {
            Some(Reverse((entry, piece))) => Some(self.next_of(piece).map(|()| entry)),
            None => self.whole.next().map(Ok),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_fits_comes_out_in_order() {
        let mut sorter = Sorter::default();
        // Five pieces.
        for number in 0..2500_u32 {
            sorter.push(format!("{:04}", (number * 7919) % 2500), vec![u8::try_from(number % 251).unwrap(); 64 << 10]).unwrap();
        }
        sorter.push("0007".to_owned(), b"last".to_vec()).unwrap();
        assert!(sorter.pieces.len() > 3);
        let mut keys = Vec::new();
        let mut sevens = Vec::new();
        for entry in sorter.sorted().unwrap() {
            let (key, _, value) = entry.unwrap();
            if key == "0007" {
                sevens.push(value.len());
            }
            keys.push(key);
        }
        assert!(keys.is_sorted() && keys.len() == 2501);
        assert_eq!(sevens, [64 << 10, 4], "equal keys keep their order");
    }

    #[test]
    fn what_fits_into_memory_needs_no_directory() {
        let mut sorter = Sorter::new(Aside(Some(Path::new("/nowhere/at/all").into())));
        for key in ["b", "a", "b"] {
            sorter.push(key.to_owned(), Vec::new()).unwrap();
        }
        let keys: Vec<(String, u64)> = sorter.sorted().unwrap().map(|entry| entry.map(|(key, number, _)| (key, number)).unwrap()).collect();
        assert_eq!(keys, [("a".to_owned(), 2), ("b".to_owned(), 1), ("b".to_owned(), 3)]);
    }
}
