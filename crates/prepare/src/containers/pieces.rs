//! A file made of pieces of another one, without a copy of them.

use std::{
    borrow::Cow,
    io::{BufRead, Error, ErrorKind, Read, Result, Seek, SeekFrom},
};

/// Reads the pieces one after the other.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    /// Each piece and where it starts.
    pieces: Vec<(u64, Cow<'a, [u8]>)>,
    length: u64,
    position: u64,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(pieces: impl IntoIterator<Item = Cow<'a, [u8]>>) -> Self {
        let mut length = 0;
        let pieces = pieces
            .into_iter()
            .map(|piece| {
                let start = length;
                length += piece.len() as u64;
                (start, piece)
            })
            .collect();
        Self {
            pieces,
            length,
            position: 0,
        }
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        let rest = self.pieces.iter().rev().find_map(|(start, piece)| {
            let offset = usize::try_from(self.position.checked_sub(*start)?).ok()?;
            Some(piece.get(offset..).unwrap_or_default())
        });
        Ok(rest.unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount as u64;
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl Seek for Pieces<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_read_as_one_file() {
        let mut pieces = Pieces::new([
            Cow::Borrowed(&b"ab"[..]),
            Cow::Borrowed(b""),
            Cow::Owned(b"cdef".to_vec()),
        ]);
        let mut all = Vec::new();
        assert_eq!(pieces.read_to_end(&mut all).unwrap(), 6);
        assert_eq!(all, b"abcdef");
        let mut two = [0; 2];
        for (to, expected) in [
            (SeekFrom::Start(1), b"bc"),
            (SeekFrom::End(-2), b"ef"),
            (SeekFrom::Current(-4), b"cd"),
        ] {
            pieces.seek(to).unwrap();
            pieces.read_exact(&mut two).unwrap();
            assert_eq!(two, *expected);
        }
        pieces.seek(SeekFrom::Start(99)).unwrap();
        assert_eq!(pieces.read(&mut two).unwrap(), 0);
        assert!(pieces.seek(SeekFrom::Current(-100)).is_err());
    }
}
