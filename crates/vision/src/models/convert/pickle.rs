//! Reads pickles without calling anything.
//!
//! A pickle is a program for a stack machine that can call any function. This one knows the instructions that build tables,
//! lists, strings and numbers, and the two functions that PyTorch needs: an empty table and a view of a storage. Anything else
//! is an error.

use std::collections::HashMap;

/// A value on the stack. Compound values lie in the arena, so that copies are cheap and nesting costs no stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    None,
    Bool,
    Integer(i128),
    Text(String),
    /// A tuple or a list: its place in the arena.
    Sequence(usize),
    /// A table: its place in the arena.
    Table(usize),
    /// A function by name, such as `torch._utils._rebuild_tensor_v2`.
    Function(String),
    /// A storage of 32-bit floating-point numbers, by its key.
    Storage(String),
    /// A storage of another type.
    OtherStorage,
    /// A view of a storage.
    Tensor(usize),
}

/// A view of the floating-point numbers of a storage.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) key: String,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

#[derive(Default)]
pub(super) struct Arena {
    sequences: Vec<Vec<Object>>,
    pub(super) tables: Vec<Vec<(Object, Object)>>,
    pub(super) views: Vec<View>,
}

impl Arena {
    fn sequence(&mut self, items: Vec<Object>) -> Object {
        self.sequences.push(items);
        Object::Sequence(self.sequences.len() - 1)
    }

    fn table(&mut self) -> Object {
        self.tables.push(vec![]);
        Object::Table(self.tables.len() - 1)
    }

    pub(super) fn items(&self, object: &Object) -> Result<&[Object], String> {
        match object {
            Object::Sequence(place) => self.sequences.get(*place).map(Vec::as_slice),
            _ => None,
        }
        .ok_or_else(|| "a list is missing".to_owned())
    }

    fn sizes(&self, object: &Object) -> Result<Vec<usize>, String> {
        self.items(object)?.iter().map(size).collect()
    }
}

fn size(object: &Object) -> Result<usize, String> {
    match object {
        Object::Integer(value) => usize::try_from(*value).ok(),
        _ => None,
    }
    .ok_or_else(|| "a size is missing or negative".to_owned())
}

pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (own, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or("the file ends too early; fetch the package again")?;
        self.bytes = rest;
        Ok(own)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(bytes).map_err(|_| "the file ends too early".to_owned())
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.array().map(|[byte]| byte)
    }

    fn size(&mut self) -> Result<usize, String> {
        let value = u32::from_le_bytes(self.array()?);
        usize::try_from(value).map_err(|_| "a text is too long".to_owned())
    }

    fn text(&mut self, length: usize) -> Result<String, String> {
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| "a text is damaged".to_owned())
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n');
        let line = self.text(end.ok_or("the file ends too early")?)?;
        self.byte()?;
        Ok(line)
    }
}

/// The stack machine. Marks split the stack into parts.
struct Machine<'a> {
    arena: &'a mut Arena,
    stack: Vec<Object>,
    marks: Vec<Vec<Object>>,
    memo: HashMap<usize, Object>,
}

/// Reads one pickle.
pub(super) fn read(reader: &mut Reader<'_>, arena: &mut Arena) -> Result<Object, String> {
    let mut machine = Machine {
        arena,
        stack: vec![],
        marks: vec![],
        memo: HashMap::new(),
    };
    loop {
        if machine.step(reader)? {
            return machine.pop();
        }
    }
}

impl Machine<'_> {
    fn pop(&mut self) -> Result<Object, String> {
        self.stack
            .pop()
            .ok_or_else(|| "the pickle is damaged".to_owned())
    }

    /// What was put on the stack since the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Object>, String> {
        let below = self.marks.pop().ok_or("the pickle is damaged")?;
        Ok(std::mem::replace(&mut self.stack, below))
    }

    fn remember(&mut self, place: usize) -> Result<(), String> {
        let top = self.stack.last().ok_or("the pickle is damaged")?;
        self.memo.insert(place, top.clone());
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), String> {
        let object = self.memo.get(&place).ok_or("the pickle is damaged")?;
        self.stack.push(object.clone());
        Ok(())
    }

    fn push_tuple(&mut self, length: usize) -> Result<(), String> {
        let start = self
            .stack
            .len()
            .checked_sub(length)
            .ok_or("the pickle is damaged")?;
        let items = self.stack.split_off(start);
        let tuple = self.arena.sequence(items);
        self.stack.push(tuple);
        Ok(())
    }

    fn set(&mut self, key: Object, value: Object) -> Result<(), String> {
        match self.stack.last() {
            Some(Object::Table(place)) => self.arena.tables.get_mut(*place),
            _ => None,
        }
        .ok_or("the pickle is damaged")?
        .push((key, value));
        Ok(())
    }

    fn append(&mut self, items: Vec<Object>) -> Result<(), String> {
        match self.stack.last() {
            Some(Object::Sequence(place)) => self.arena.sequences.get_mut(*place),
            _ => None,
        }
        .ok_or("the pickle is damaged")?
        .extend(items);
        Ok(())
    }

    /// Carries out one instruction. True if it was the last. The letters are those of Python's `pickletools`.
    fn step(&mut self, reader: &mut Reader<'_>) -> Result<bool, String> {
        match reader.byte()? {
            b'.' => return Ok(true),
            0x80 => drop(reader.byte()?),
            b'(' => self.marks.push(std::mem::take(&mut self.stack)),
            b'N' => self.stack.push(Object::None),
            0x88 | 0x89 => self.stack.push(Object::Bool),
            b'K' => {
                let value = reader.byte()?;
                self.stack.push(Object::Integer(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(reader.array()?);
                self.stack.push(Object::Integer(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(reader.array()?);
                self.stack.push(Object::Integer(value.into()));
            }
            0x8a => {
                let length = usize::from(reader.byte()?);
                let value = long(reader.take(length)?)?;
                self.stack.push(Object::Integer(value));
            }
            b'X' => {
                let length = reader.size()?;
                let text = reader.text(length)?;
                self.stack.push(Object::Text(text));
            }
            b'q' => {
                let place = usize::from(reader.byte()?);
                self.remember(place)?;
            }
            b'r' => {
                let place = reader.size()?;
                self.remember(place)?;
            }
            b'h' => {
                let place = usize::from(reader.byte()?);
                self.recall(place)?;
            }
            b'j' => {
                let place = reader.size()?;
                self.recall(place)?;
            }
            b')' => self.push_tuple(0)?,
            0x85 => self.push_tuple(1)?,
            0x86 => self.push_tuple(2)?,
            0x87 => self.push_tuple(3)?,
            b't' => {
                let items = self.pop_mark()?;
                let tuple = self.arena.sequence(items);
                self.stack.push(tuple);
            }
            b']' => {
                let list = self.arena.sequence(vec![]);
                self.stack.push(list);
            }
            b'}' => {
                let table = self.arena.table();
                self.stack.push(table);
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.append(items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(key, value)?;
            }
            b'u' => {
                let mut items = self.pop_mark()?.into_iter();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    self.set(key, value)?;
                }
            }
            b'c' => {
                let function = format!("{}.{}", reader.line()?, reader.line()?);
                self.stack.push(Object::Function(function));
            }
            b'Q' => {
                let description = self.pop()?;
                let storage = self.storage(&description)?;
                self.stack.push(storage);
            }
            b'R' => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                let result = self.call(&function, &arguments)?;
                self.stack.push(result);
            }
            // Attributes of the table, such as the versions of its layers.
            b'b' => drop(self.pop()?),
            other => {
                return Err(format!(
                    "the pickle's instruction {other:#04x} is not allowed"
                ));
            }
        }
        Ok(false)
    }

    /// A storage from its description: "storage", type, key, device, length, view.
    fn storage(&self, description: &Object) -> Result<Object, String> {
        match self.arena.items(description)? {
            [
                Object::Text(kind),
                Object::Function(of),
                Object::Text(key),
                ..,
            ] if kind == "storage" => Ok(match of.as_str() {
                "torch.FloatStorage" => Object::Storage(key.clone()),
                _ => Object::OtherStorage,
            }),
            _ => Err("a storage is damaged".to_owned()),
        }
    }

    fn call(&mut self, function: &Object, arguments: &Object) -> Result<Object, String> {
        match function {
            Object::Function(name) if name == "collections.OrderedDict" => Ok(self.arena.table()),
            Object::Function(name) if name == "torch._utils._rebuild_tensor_v2" => {
                match self.arena.items(arguments)? {
                    [Object::Storage(key), offset, shape, strides, ..] => {
                        let view = View {
                            key: key.clone(),
                            offset: size(offset)?,
                            shape: self.arena.sizes(shape)?,
                            strides: self.arena.sizes(strides)?,
                        };
                        self.arena.views.push(view);
                        Ok(Object::Tensor(self.arena.views.len() - 1))
                    }
                    [Object::OtherStorage, ..] => Ok(Object::None),
                    _ => Err("a tensor is damaged".to_owned()),
                }
            }
            Object::Function(name) => Err(format!(
                "the file asks to call {name}, which a table of tensors does not need"
            )),
            _ => Err("the pickle is damaged".to_owned()),
        }
    }
}

/// A little-endian integer of up to 16 bytes.
fn long(bytes: &[u8]) -> Result<i128, String> {
    let mut wide = match bytes.last() {
        Some(last) if last & 0x80 != 0 => [0xff; 16],
        _ => [0; 16],
    };
    wide.get_mut(..bytes.len())
        .ok_or("a number is too long")?
        .copy_from_slice(bytes);
    Ok(i128::from_le_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_called() {
        let evil = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.";
        let mut reader = Reader { bytes: evil };
        assert_eq!(
            read(&mut reader, &mut Arena::default()).unwrap_err(),
            "the file asks to call posix.system, which a table of tensors does not need"
        );
        let mut reader = Reader {
            bytes: b"\x80\x04\x93.",
        };
        assert_eq!(
            read(&mut reader, &mut Arena::default()).unwrap_err(),
            "the pickle's instruction 0x93 is not allowed"
        );
    }
}
