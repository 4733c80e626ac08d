//! Reads the table of tensors that PyTorch saved before version 1.6: five pickles and the storages' bytes.

use std::collections::{HashMap, HashSet};

use super::constant::{Constant, count};
use super::pickle::{Arena, Object, Reader, read};
use super::weights::{Weights, numbers};

/// The first pickle of such a file is this number, the second the version of the format.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

/// The tensors of floating-point numbers in the file, by name. Tensors of other types, such as counters, are left out.
///
/// # Errors
/// If the file is damaged, of another format, or asks for anything but tensors.
pub(super) fn tensors(file: &[u8]) -> Result<Weights, String> {
    let mut reader = Reader { bytes: file };
    let mut arena = Arena::default();
    if read(&mut reader, &mut arena)? != Object::Integer(MAGIC)
        || read(&mut reader, &mut arena)? != Object::Integer(VERSION)
    {
        return Err("the file is not in PyTorch's older format".to_owned());
    }
    // The sizes of numbers on the machine that wrote the file. They have been the same everywhere for long.
    read(&mut reader, &mut arena)?;
    let table = read(&mut reader, &mut arena)?;
    let keys = read(&mut reader, &mut arena)?;

    let wanted: HashSet<&str> = arena.views.iter().map(|view| view.key.as_str()).collect();
    let mut storages = HashMap::new();
    for key in arena.items(&keys)? {
        let Object::Text(key) = key else {
            return Err("the name of a storage is missing".to_owned());
        };
        let length = u64::from_le_bytes(reader.array()?);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        // The width of other types is not stored. PyTorch's counters have 8 bytes.
        let is_float = wanted.contains(key.as_str());
        let width = if is_float { 4 } else { 8 };
        let bytes = reader.take(length.saturating_mul(width))?;
        if is_float {
            let values = numbers(bytes, f32::from_le_bytes);
            storages.insert(key.clone(), Constant::floats(&[length], values)?);
        }
    }

    let Object::Table(table) = table else {
        return Err("the file has no table of tensors".to_owned());
    };
    let mut tensors = Weights::new();
    for (name, tensor) in arena.tables.get(table).into_iter().flatten() {
        if let (Object::Text(name), Object::Tensor(view)) = (name, tensor) {
            let view = arena.views.get(*view).ok_or("a tensor is missing")?;
            let storage = storages.get(&view.key).ok_or("a storage is missing")?;
            if count(&view.shape)? > count(storage.shape())? {
                return Err(format!("\"{name}\" is larger than its storage"));
            }
            let tensor = storage
                .strided(&view.shape, view.offset, &view.strides)
                .map_err(|reason| format!("\"{name}\": {reason}"))?;
            tensors.insert(name.clone(), tensor);
        }
    }
    Ok(tensors)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn text(pickle: &mut Vec<u8>, text: &str) {
        pickle.push(b'X');
        pickle.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        pickle.extend(text.as_bytes());
    }

    fn integer(pickle: &mut Vec<u8>, value: usize) {
        pickle.push(b'J');
        pickle.extend(i32::try_from(value).unwrap().to_le_bytes());
    }

    fn tuple(pickle: &mut Vec<u8>, values: &[usize]) {
        pickle.push(b'(');
        for value in values {
            integer(pickle, *value);
        }
        pickle.push(b't');
    }

    /// A file with the tensors, each in a storage of its own, as PyTorch writes it.
    pub(in super::super) fn file(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
        let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
        file.extend(b"\x80\x02M\xe9\x03.\x80\x02}q\x00.");
        file.extend(b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(");
        for (at, (name, shape, _)) in tensors.iter().enumerate() {
            text(&mut file, name);
            file.extend(b"ctorch._utils\n_rebuild_tensor_v2\nr\x00\x01\x00\x00((");
            text(&mut file, "storage");
            file.extend(b"ctorch\nFloatStorage\n");
            text(&mut file, &at.to_string());
            text(&mut file, "cpu");
            file.extend(b"K\x01NtQK\x00");
            tuple(&mut file, shape);
            tuple(&mut file, &super::super::constant::strides(shape));
            file.extend(b"\x89h\x00)RtR");
        }
        text(&mut file, "counter");
        file.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut file, "storage");
        file.extend(b"ctorch\nLongStorage\n");
        text(&mut file, "counter");
        file.extend(b"tQK\x00))\x89h\x00)RtRu}b.");
        file.extend(b"\x80\x02](");
        text(&mut file, "counter");
        for at in 0..tensors.len() {
            text(&mut file, &at.to_string());
        }
        file.extend(b"e.");
        file.extend(1u64.to_le_bytes());
        file.extend(7u64.to_le_bytes());
        for (_, _, values) in tensors {
            file.extend(u64::try_from(values.len()).unwrap().to_le_bytes());
            file.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        }
        file
    }

    fn example() -> Vec<u8> {
        file(&[
            (
                "matrix".to_owned(),
                vec![2, 3],
                vec![1., 2., 3., 4., 5., 6.],
            ),
            ("list".to_owned(), vec![2], vec![-1.5, 2.5]),
        ])
    }

    #[test]
    fn tensors_are_read_and_counters_left_out() {
        let tensors = tensors(&example()).unwrap();
        assert_eq!(tensors.len(), 2);
        assert_eq!(tensors["matrix"].shape(), [2, 3]);
        assert_eq!(
            tensors["matrix"].as_floats().unwrap(),
            [1., 2., 3., 4., 5., 6.]
        );
        assert_eq!(tensors["list"].as_floats().unwrap(), [-1.5, 2.5]);
    }

    #[test]
    fn damaged_files_are_errors_and_never_panics() {
        let whole = example();
        for end in 0..whole.len() {
            assert!(tensors(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                // A flip in a value is a value; anything else may be an error.
                let _ = tensors(&flipped);
            }
        }
    }
}
