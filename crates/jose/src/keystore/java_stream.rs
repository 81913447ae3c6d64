//! As much of Java's serialisation (Java Object Serialization Specification, chapter 6) as a sealed key needs: objects with fields, arrays of
//! bytes, texts, enum constants, references. Nothing is ever made of what a stream names; its fields are read, and that is all.
//!
//! Easiest to break: a stream stands inside a keystore without its length, so what is not understood ends the reading. Everything is bounded by
//! what is there.

use zeroize::Zeroizing;

const MAGIC: [u8; 4] = [0xac, 0xed, 0, 5];
const FIRST_HANDLE: u32 = 0x007e_0000;
/// Levels of objects inside objects.
const DEEPEST: u32 = 16;

/// A value of a stream.
#[derive(Clone)]
pub(super) enum Item {
    Null,
    Text(String),
    Bytes(Zeroizing<Vec<u8>>),
    Class(Class),
    Object(Vec<(String, Item)>),
    /// A number, which no key is.
    Other,
}

/// The description of a class.
#[derive(Clone, Default)]
pub(super) struct Class {
    name: String,
    flags: u8,
    /// The type and the name of each.
    fields: Vec<(u8, String)>,
    parent: Option<Box<Class>>,
}

impl Item {
    /// A field of an object, wherever in its line of classes it is declared.
    pub(super) fn field(&self, name: &str) -> Option<&Item> {
        match self {
            Self::Object(fields) => fields.iter().find(|(known, _)| known == name).map(|(_, item)| item),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Bytes that are read from the front.
pub(super) struct Input<'b> {
    pub(super) rest: &'b [u8],
}

impl<'b> Input<'b> {
    pub(super) fn take(&mut self, bytes: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A length of four bytes, and what it counts.
    pub(super) fn counted(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }

    /// Java's own UTF-8: what is outside of the plain characters is rare in aliases and names, and is read as far as it is UTF-8.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u16()?);
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

/// Reads one object off the front.
pub(super) fn read(input: &mut Input<'_>) -> Option<Item> {
    if input.take(4)? != MAGIC {
        return None;
    }
    Stream { input, handles: Vec::new() }.item(0)
}

struct Stream<'s, 'b> {
    input: &'s mut Input<'b>,
    /// What later parts of the stream refer to, by number.
    handles: Vec<Item>,
}

impl Stream<'_, '_> {
    fn keep(&mut self, item: Item) -> usize {
        self.handles.push(item);
        self.handles.len() - 1
    }

    fn set(&mut self, handle: usize, item: &Item) {
        if let Some(place) = self.handles.get_mut(handle) {
            *place = item.clone();
        }
    }

    fn item(&mut self, depth: u32) -> Option<Item> {
        if depth > DEEPEST {
            return None;
        }
        match self.input.u8()? {
            0x70 => Some(Item::Null),
            0x71 => {
                let handle = self.input.u32()?.checked_sub(FIRST_HANDLE)?;
                self.handles.get(usize::try_from(handle).ok()?).cloned()
            }
            0x72 => self.class(depth).map(Item::Class),
            0x73 => {
                let class = self.described(depth)?;
                let handle = self.keep(Item::Null);
                let mut fields = Vec::new();
                self.fields(&class, &mut fields, depth)?;
                let object = Item::Object(fields);
                self.set(handle, &object);
                Some(object)
            }
            0x74 => {
                let text = Item::Text(self.input.text()?);
                self.keep(text.clone());
                Some(text)
            }
            0x75 => {
                let class = self.described(depth)?;
                let handle = self.keep(Item::Null);
                // Arrays of anything but bytes hold no key.
                let bytes = if class.name == "[B" { self.input.counted()? } else { return None };
                let array = Item::Bytes(Zeroizing::new(bytes.to_vec()));
                self.set(handle, &array);
                Some(array)
            }
            0x7e => {
                self.described(depth)?;
                let handle = self.keep(Item::Null);
                let constant = self.item(depth + 1)?;
                self.set(handle, &constant);
                Some(constant)
            }
            _ => None,
        }
    }

    fn other(&mut self, bytes: usize) -> Option<Item> {
        self.input.take(bytes).map(|_| Item::Other)
    }

    /// A class that stands here, or that was described before.
    fn described(&mut self, depth: u32) -> Option<Class> {
        match self.item(depth + 1)? {
            Item::Class(class) => Some(class),
            Item::Null => Some(Class::default()),
            _ => None,
        }
    }

    fn class(&mut self, depth: u32) -> Option<Class> {
        let name = self.input.text()?;
        self.input.take(8)?;
        let handle = self.keep(Item::Null);
        let flags = self.input.u8()?;
        let count = self.input.u16()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let kind = self.input.u8()?;
            let field = self.input.text()?;
            if matches!(kind, b'[' | b'L') {
                self.item(depth + 1)?;
            }
            fields.push((kind, field));
        }
        // Annotations of a class: none that we know has any.
        if self.input.u8()? != 0x78 {
            return None;
        }
        let parent = self.described(depth)?;
        let parent = (!parent.name.is_empty()).then(|| Box::new(parent));
        let class = Class { name, flags, fields, parent };
        self.set(handle, &Item::Class(class.clone()));
        Some(class)
    }

    /// The fields of an object, those of the class above first.
    fn fields(&mut self, class: &Class, fields: &mut Vec<(String, Item)>, depth: u32) -> Option<()> {
        if let Some(parent) = &class.parent {
            self.fields(parent, fields, depth)?;
        }
        // Serializable, whether or not with a method of its own; one that wrote itself in another way cannot be read.
        if class.flags & 0x02 == 0 && !class.name.is_empty() {
            return None;
        }
        for (kind, name) in &class.fields {
            let value = match kind {
                b'B' | b'Z' => self.other(1)?,
                b'C' | b'S' => self.other(2)?,
                b'I' | b'F' => self.other(4)?,
                b'J' | b'D' => self.other(8)?,
                b'[' | b'L' => self.item(depth + 1)?,
                _ => return None,
            };
            fields.push((name.clone(), value));
        }
        if class.flags & 0x01 != 0 {
            // What a method of its own wrote ends with this mark; none of ours writes anything.
            return (self.input.u8()? == 0x78).then_some(());
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_no_stream_of_java_is_none(bytes in prop::collection::vec(prop_oneof![0x70..=0x7e_u8, 0..4_u8, any::<u8>()], 0..200)) {
            let stream = [MAGIC.as_slice(), &bytes].concat();
            let mut input = Input { rest: &stream };
            let read = read(&mut input);
            prop_assert!(input.rest.len() < stream.len());
            prop_assert!(read.is_none_or(|item| item.bytes().is_none_or(|found| found.len() <= bytes.len())));
        }
    }
}
