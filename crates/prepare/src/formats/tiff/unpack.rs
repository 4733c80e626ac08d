//! The bytes of a strip or tile, unpacked piece by piece: however large a strip is, a row of it is enough.

use std::{
    borrow::Cow,
    io::{Cursor, Read},
};

use flate2::bufread::ZlibDecoder;
use weezl::{BitOrder, LzwStatus, decode};

use super::{
    errors::{Failure, damaged, of, unsupported},
    fax::{Fax, FaxKind},
};
use crate::error::PrepareError;

/// The compressions that are read (TIFF 6.0, "Compression"; libtiff's tiff.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
    /// One of the fax compressions.
    Fax(FaxKind),
    /// Every strip or tile is a JPEG.
    Jpeg,
    /// The whole picture is one JPEG.
    OldJpeg,
}

impl Compression {
    /// `t4_options` is the tag T4Options.
    pub(super) fn new(code: u64, t4_options: u64) -> Result<Self, PrepareError> {
        let name = match code {
            1 => return Ok(Self::None),
            2 => return Ok(Self::Fax(FaxKind::Huffman { align_bits: 8 })),
            3 => {
                let mixed = t4_options & 1 == 1;
                return Ok(Self::Fax(FaxKind::Group3 { mixed }));
            }
            4 => return Ok(Self::Fax(FaxKind::Group4)),
            5 => return Ok(Self::Lzw),
            6 => return Ok(Self::OldJpeg),
            7 => return Ok(Self::Jpeg),
            8 | 32_946 => return Ok(Self::Deflate),
            32_771 => return Ok(Self::Fax(FaxKind::Huffman { align_bits: 16 })),
            32_773 => return Ok(Self::PackBits),
            9 | 10 | 34_661 => "JBIG",
            32_766 => "NeXT",
            32_809 => "ThunderScan",
            32_909 => "PixarLog",
            33_003 | 33_005 | 34_712 => "JPEG 2000",
            34_676 | 34_677 => "SGI Log",
            34_887 => "LERC",
            34_925 => "LZMA",
            34_892 => "lossy JPEG",
            50_000 => "Zstandard",
            50_001 => "WebP",
            50_002 | 52_546 => "JPEG XL",
            other => return Err(unsupported(format!("compression method {other}"))),
        };
        Err(unsupported(format!("{name} compression")))
    }
}

/// Unpacks one strip or tile.
pub(super) enum Unpacker<'a> {
    Bytes(Cursor<Cow<'a, [u8]>>),
    Lzw(Box<Lzw<'a>>),
    Deflate(Box<ZlibDecoder<Cursor<Cow<'a, [u8]>>>>),
    PackBits(PackBits<'a>),
    Fax(Box<Fax<'a>>),
}

impl<'a> Unpacker<'a> {
    /// `width` is that of the strip or tile in pixels. JPEGs are decoded elsewhere.
    pub(super) fn new(data: Cow<'a, [u8]>, compression: Compression, width: usize) -> Self {
        match compression {
            Compression::Lzw => Self::Lzw(Box::new(Lzw::new(data))),
            Compression::Deflate => Self::Deflate(Box::new(ZlibDecoder::new(Cursor::new(data)))),
            Compression::PackBits => Self::PackBits(PackBits {
                data: Cursor::new(data),
                run: 0,
                literal: 0,
                value: 0,
            }),
            Compression::Fax(kind) => Self::Fax(Box::new(Fax::new(data, kind, width))),
            Compression::None | Compression::Jpeg | Compression::OldJpeg => {
                Self::Bytes(Cursor::new(data))
            }
        }
    }

    /// The packed bytes that have been read. None without compression: that takes no more than the unpacked bytes.
    pub(super) fn consumed(&self) -> u64 {
        match self {
            Self::Bytes(_) => 0,
            Self::Lzw(lzw) => lzw.at as u64,
            Self::Deflate(data) => data.total_in(),
            Self::PackBits(data) => data.data.position(),
            Self::Fax(fax) => fax.consumed(),
        }
    }

    /// The rows that were damaged.
    pub(super) fn damaged_rows(&self) -> u64 {
        match self {
            Self::Fax(fax) => fax.damaged_rows,
            _ => 0,
        }
    }

    /// Fills a buffer with the next bytes. For a fax it must be one row.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Failure> {
        match self {
            Self::Bytes(data) => data.read_exact(buffer).map_err(|_| Failure::End),
            Self::Lzw(lzw) => lzw.fill(buffer),
            Self::Deflate(data) => data.read_exact(buffer).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => Failure::End,
                _ => Failure::Damaged,
            }),
            Self::PackBits(data) => data.fill(buffer),
            Self::Fax(fax) => fax.fill(buffer),
        }
    }
}

/// What may be spent on reading a page.
///
/// Strips may overlap, and all compressions have codes that unpack to nothing, so that a small file could keep a decoder busy for
/// hours. Real files also use one blank tile many times; those tiles are much smaller than the pixels they unpack to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Packed bytes.
    bytes: u64,
    /// Rows of a fax that may be damaged.
    rows: u64,
}

impl Budget {
    /// For a file and a picture of this many bytes. A tenth of the rows may be damaged: with more, it would be another picture than
    /// the one that was uploaded.
    pub(super) const fn new(file: u64, unpacked: u64, rows: u64) -> Self {
        Self {
            bytes: (unpacked / 8).saturating_add(file.saturating_mul(2)),
            rows: rows / 10,
        }
    }

    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), PrepareError> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or_else(|| unsupported("overlapping strips or tiles of this size"))?;
        Ok(())
    }

    /// Fills a buffer as [`Unpacker::fill`] does.
    pub(super) fn fill(
        &mut self,
        unpacker: &mut Unpacker<'_>,
        is_cut: bool,
        buffer: &mut [u8],
    ) -> Result<(), PrepareError> {
        let (consumed, rows) = (unpacker.consumed(), unpacker.damaged_rows());
        let filled = unpacker.fill(buffer);
        filled.map_err(|failure| of(failure, is_cut))?;
        let left = self.rows.checked_sub(unpacker.damaged_rows() - rows);
        self.rows = left.ok_or_else(damaged)?;
        self.spend(unpacker.consumed() - consumed)
    }
}

/// LZW as in TIFF 6.0, or as older programs wrote it: with the lowest bits first, and longer codes one code later.
pub(super) struct Lzw<'a> {
    data: Cow<'a, [u8]>,
    at: usize,
    decoder: decode::Decoder,
    /// What is unpacked and not yet taken, from `taken` to `ready`.
    unpacked: Vec<u8>,
    taken: usize,
    ready: usize,
}

/// The most clear codes in a row. Real files have one or two, and each takes the decoder as long as many bytes.
const MAX_CLEAR_CODES: usize = 64;

/// The bytes of LZW that are unpacked at once.
const LZW_BYTES: usize = 16 * 1024;

impl<'a> Lzw<'a> {
    fn new(data: Cow<'a, [u8]>) -> Self {
        // A clear code of nine bits comes first: 0x80 0x00 with the highest bits first (as libtiff tells them apart).
        let old = matches!(&*data, [0, second, ..] if second & 1 == 1);
        Self {
            data,
            at: 0,
            decoder: if old {
                decode::Decoder::new(BitOrder::Lsb, 8)
            } else {
                decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
            },
            unpacked: vec![0; LZW_BYTES],
            taken: 0,
            ready: 0,
        }
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), Failure> {
        while !buffer.is_empty() {
            if self.taken == self.ready {
                self.unpack()?;
            }
            let ready = self
                .unpacked
                .get(self.taken..self.ready)
                .unwrap_or_default();
            let length = ready.len().min(buffer.len());
            let (part, rest) = buffer.split_at_mut(length);
            part.iter_mut()
                .zip(ready)
                .for_each(|(to, from)| *to = *from);
            self.taken += length;
            buffer = rest;
        }
        Ok(())
    }

    /// Unpacks at least one more byte.
    fn unpack(&mut self) -> Result<(), Failure> {
        // A call may end at a clear code, which the decoder may have held since the last one.
        for _ in 0..MAX_CLEAR_CODES {
            let input = self.data.get(self.at..).unwrap_or_default();
            let result = self.decoder.decode_bytes(input, &mut self.unpacked);
            self.at += result.consumed_in;
            (self.taken, self.ready) = (0, result.consumed_out);
            match result.status {
                _ if result.consumed_out > 0 => return Ok(()),
                Ok(LzwStatus::Done) => return Err(Failure::End),
                Ok(_) => {}
                Err(_) => return Err(Failure::Damaged),
            }
        }
        Err(if self.at == self.data.len() {
            Failure::End
        } else {
            Failure::Damaged
        })
    }
}

/// PackBits (TIFF 6.0, section 9). Runs may go on from row to row.
pub(super) struct PackBits<'a> {
    data: Cursor<Cow<'a, [u8]>>,
    /// How many more times the value is repeated.
    run: usize,
    value: u8,
    /// How many more bytes are stored as they are.
    literal: usize,
}

impl PackBits<'_> {
    fn byte(&mut self) -> Result<u8, Failure> {
        let mut byte = [0];
        self.data.read_exact(&mut byte).map_err(|_| Failure::End)?;
        Ok(byte[0])
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), Failure> {
        while !buffer.is_empty() {
            let length = self.run.max(self.literal).min(buffer.len());
            let (part, rest) = buffer.split_at_mut(length);
            if self.run > 0 {
                part.fill(self.value);
                self.run -= length;
            } else if self.literal > 0 {
                self.data.read_exact(part).map_err(|_| Failure::End)?;
                self.literal -= length;
            } else {
                match self.byte()? {
                    code @ 0..=127 => self.literal = usize::from(code) + 1,
                    128 => {}
                    code => {
                        self.run = 257 - usize::from(code);
                        self.value = self.byte()?;
                    }
                }
            }
            buffer = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(data: &[u8], compression: Compression, step: usize) -> Vec<u8> {
        let mut unpacker = Unpacker::new(Cow::Borrowed(data), compression, 0);
        let mut all = Vec::new();
        let mut part = vec![0; step];
        while unpacker.fill(&mut part).is_ok() {
            all.extend_from_slice(&part);
        }
        all
    }

    #[test]
    fn runs_and_literals_continue_in_the_next_piece() {
        let data = [0xFE, 7, 0x80, 2, 1, 2, 3, 0xFF, 9, 0];
        for step in [1, 2, 4, 8] {
            let all = unpacked(&data, Compression::PackBits, step);
            assert_eq!(all, [7, 7, 7, 1, 2, 3, 9, 9], "{step}");
        }
    }

    #[test]
    fn codes_that_unpack_to_nothing_are_paid_for() {
        let mut deflate = vec![0x78, 1];
        deflate.extend([0, 0, 0, 0xFF, 0xFF].repeat(200));
        deflate.extend([1, 1, 0, 0xFE, 0xFF, 7, 0, 8, 0, 8]);
        // Clear codes of nine bits, then 7 and the end.
        let mut lzw = [0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1, 0].repeat(7);
        lzw.extend([0x80, 1, 0xE0, 0x20]);
        let packbits = [&[0x80; 1000][..], &[0, 7]].concat();
        for (data, compression) in [
            (deflate, Compression::Deflate),
            (lzw, Compression::Lzw),
            (packbits, Compression::PackBits),
        ] {
            let read = |budget: &mut Budget| {
                let mut unpacker = Unpacker::new(Cow::Borrowed(&data), compression, 0);
                let mut byte = [0];
                let filled = budget.fill(&mut unpacker, false, &mut byte);
                filled.map(|()| byte[0])
            };
            // Twice the file is enough for two strips that overlap, but not for three.
            let mut budget = Budget::new(data.len() as u64, 1, 0);
            for _ in 0..2 {
                let read = read(&mut budget);
                assert!(matches!(read, Ok(7)), "{compression:?}: {read:?}");
            }
            let error = read(&mut budget).unwrap_err();
            assert!(error.to_string().contains("overlapping"), "{error}");
        }
    }

    #[test]
    fn both_kinds_of_lzw_are_read() {
        let plain: Vec<u8> = (0..5000_u32).map(|n| ((n * n) >> 3) as u8 & 31).collect();
        for old in [false, true] {
            let mut encoder = if old {
                weezl::encode::Encoder::new(BitOrder::Lsb, 8)
            } else {
                weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
            };
            let packed = encoder.encode(&plain).unwrap();
            for step in [1, 50, 1000] {
                let found = unpacked(&packed, Compression::Lzw, step);
                assert!(found == plain, "{old} {step}: {} bytes", found.len());
            }
        }
    }
}
