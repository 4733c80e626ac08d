//! Fax compressions, row by row (ITU-T T.4 and T.6; TIFF 6.0, sections 10 and 11). The code tables are those of the `fax` crate, whose
//! decoder reads neither Modified Huffman nor rows without end-of-line codes, nor goes on after a damaged row.

use std::borrow::Cow;

use fax::{
    BitReader,
    maps::{Mode, black, mode, white},
};

use super::errors::Failure;

/// The fax compressions (ITU-T T.4 and T.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaxKind {
    /// Modified Huffman: rows begin at a whole byte, or word.
    Huffman { align_bits: usize },
    /// Group 3: rows follow end-of-line codes. Some rows are stored as differences if `mixed`.
    Group3 { mixed: bool },
    /// Group 4: all rows are stored as differences.
    Group4,
}

/// Unpacks rows to one bit a pixel; black is 1.
pub(super) struct Fax<'a> {
    bits: Bits<'a>,
    kind: FaxKind,
    width: usize,
    /// The columns where the colour changes, beginning with the first black one, in the row above and in this row.
    above: Vec<usize>,
    row: Vec<usize>,
    /// Whether the data has ended in an orderly way: all further rows are white.
    ended: bool,
    /// The rows with a code that is none.
    pub(super) damaged_rows: u64,
}

impl<'a> Fax<'a> {
    pub(super) fn new(data: Cow<'a, [u8]>, kind: FaxKind, width: usize) -> Self {
        Self {
            bits: Bits { data, at: 0 },
            kind,
            width,
            above: Vec::new(),
            row: Vec::new(),
            ended: false,
            damaged_rows: 0,
        }
    }

    /// The bytes that have been read.
    pub(super) fn consumed(&self) -> u64 {
        (self.bits.at as u64).div_ceil(8)
    }

    /// Unpacks the next row.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Failure> {
        buffer.fill(0);
        if self.ended {
            return Ok(());
        }
        self.row.clear();
        let read = match self.kind {
            FaxKind::Huffman { .. } => self.runs(),
            FaxKind::Group3 { mixed } => {
                let ends = self.skip_ends_of_lines(mixed);
                // Six in a row end the data; some writers store fewer.
                if ends >= 6 || ends > 1 && self.bits.is_at_end() {
                    self.ended = true;
                    return Ok(());
                }
                let differences = mixed && ends > 0 && self.bits.take(1) == 0;
                if differences {
                    self.differences().map(|_| ())
                } else {
                    self.runs()
                }
            }
            FaxKind::Group4 => match self.differences() {
                Ok(false) => {
                    self.ended = true;
                    return Ok(());
                }
                read => read.map(|_| ()),
            },
        };
        // As in libtiff, a damaged row is white from there on.
        match read {
            Err(Failure::Damaged) => {
                self.damaged_rows += 1;
                if self.row.len() % 2 == 1 {
                    self.row.pop();
                }
            }
            read => read?,
        }
        match self.kind {
            FaxKind::Huffman { align_bits } => {
                self.bits.at = self.bits.at.next_multiple_of(align_bits);
            }
            // The next row follows the next end-of-line code.
            FaxKind::Group3 { .. } if read.is_err() => {
                self.bits.skip_to_end_of_line();
            }
            _ => {}
        }
        blacken(&self.row, self.width, buffer);
        std::mem::swap(&mut self.above, &mut self.row);
        Ok(())
    }

    /// Skips end-of-line codes and the fill bits before them, and counts them.
    fn skip_ends_of_lines(&mut self, mixed: bool) -> usize {
        let mut count = 0;
        loop {
            let zeros = self.bits.zeros();
            if zeros < 11 || self.bits.is_past_end(zeros) {
                return count;
            }
            self.bits.at += zeros + 1;
            count += 1;
            // The bit that says how the row is stored follows each code; it is read with the row.
            if mixed && self.bits.peek_bit() == 1 && self.bits.zeros_after(1) >= 11 {
                self.bits.at += 1;
            }
        }
    }

    /// Reads a row of alternating white and black runs.
    fn runs(&mut self) -> Result<(), Failure> {
        let (mut at, mut is_black) = (0, false);
        while at < self.width {
            at += self.run(is_black)?;
            change(&mut self.row, at.min(self.width));
            is_black = !is_black;
        }
        Ok(())
    }

    /// Reads a row as differences from the row above. `false` at the end of the data.
    fn differences(&mut self) -> Result<bool, Failure> {
        let width = self.width;
        let (mut at, mut is_black) = (0, false);
        let mut first = true;
        let mut index = 0;
        while at < width {
            // The first change above to the right of `at` that has the opposite colour, and the change behind it.
            while index > 0 && self.above.get(index - 1).is_some_and(|change| *change > at) {
                index -= 1;
            }
            while self
                .above
                .get(index)
                .is_some_and(|change| *change < at || *change == at && !first)
            {
                index += 1;
            }
            if (index % 2 == 1) != is_black {
                index += 1;
            }
            let below = self.above.get(index).copied().unwrap_or(width);
            let behind = self.above.get(index + 1).copied().unwrap_or(width);
            // The crate takes any seven zeros for the end of the data.
            let is_end = self.bits.peek(12) == Some(1);
            let Some(mode) = mode::decode(&mut self.bits) else {
                return Err(self.bits.failure());
            };
            match mode {
                Mode::Pass => at = behind,
                Mode::Vertical(delta) => {
                    let to = below
                        .checked_add_signed(isize::from(delta))
                        .filter(|to| *to >= at)
                        .ok_or(Failure::Damaged)?;
                    at = to.min(width);
                    change(&mut self.row, at);
                    is_black = !is_black;
                }
                Mode::Horizontal => {
                    for colour in [is_black, !is_black] {
                        at = (at + self.run(colour)?).min(width);
                        change(&mut self.row, at);
                    }
                }
                Mode::EOF if first && is_end => return Ok(false),
                Mode::EOF | Mode::Extension => return Err(self.bits.failure()),
            }
            first = false;
        }
        Ok(true)
    }

    /// Reads the length of a run: any number of codes for multiples of 64, then one for the rest.
    fn run(&mut self, is_black: bool) -> Result<usize, Failure> {
        let mut length = 0;
        loop {
            let code = if is_black {
                black::decode(&mut self.bits)
            } else {
                white::decode(&mut self.bits)
            };
            let part = code.map(usize::from).ok_or_else(|| self.bits.failure())?;
            length += part;
            if part < 64 {
                return Ok(length);
            }
            // A longer row than any picture's.
            if length > usize::from(u16::MAX) * 64 {
                return Err(Failure::Damaged);
            }
        }
    }
}

/// Adds a change of colour. Two in one column are none.
fn change(row: &mut Vec<usize>, at: usize) {
    if row.last() == Some(&at) {
        row.pop();
    } else {
        row.push(at);
    }
}

/// Sets the bits of the black runs.
fn blacken(row: &[usize], width: usize, buffer: &mut [u8]) {
    for run in row.chunks(2) {
        let (start, end) = match run {
            [start, end] => (*start, (*end).min(width)),
            [start] => (*start, width),
            _ => continue,
        };
        let mut at = start;
        while at < end {
            if at.is_multiple_of(8) && end - at >= 8 {
                let whole = buffer.get_mut(at / 8..end / 8);
                whole.unwrap_or_default().fill(0xFF);
                at = end / 8 * 8;
            } else {
                if let Some(byte) = buffer.get_mut(at / 8) {
                    *byte |= 0x80 >> (at % 8);
                }
                at += 1;
            }
        }
    }
}

/// Bits, the highest of a byte first. Zeros follow the last one.
struct Bits<'a> {
    data: Cow<'a, [u8]>,
    /// The position in bits.
    at: usize,
}

impl Bits<'_> {
    fn byte(&self, index: usize) -> u32 {
        self.data.get(index).copied().map_or(0, u32::from)
    }

    fn peek_bit(&self) -> u16 {
        self.peek(1).unwrap_or(0)
    }

    fn take(&mut self, bits: u8) -> u16 {
        let value = self.peek(bits).unwrap_or(0);
        self.at += usize::from(bits);
        value
    }

    const fn end(&self) -> usize {
        self.data_len() * 8
    }

    const fn data_len(&self) -> usize {
        match &self.data {
            Cow::Borrowed(data) => data.len(),
            Cow::Owned(data) => data.len(),
        }
    }

    const fn is_at_end(&self) -> bool {
        self.at >= self.end()
    }

    const fn is_past_end(&self, bits: usize) -> bool {
        self.at + bits >= self.end()
    }

    /// The number of zeros that follow, up to the end.
    fn zeros(&self) -> usize {
        self.zeros_after(0)
    }

    fn zeros_after(&self, skip: usize) -> usize {
        let start = self.at + skip;
        let mut at = start;
        while at < self.end() {
            if at.is_multiple_of(8) && self.byte(at / 8) == 0 {
                at += 8;
            } else if self.byte(at / 8) & (0x80 >> (at % 8)) == 0 {
                at += 1;
            } else {
                break;
            }
        }
        at.min(self.end()).saturating_sub(start)
    }

    /// Moves to the next end-of-line code, or to the end.
    fn skip_to_end_of_line(&mut self) {
        while !self.is_at_end() {
            let zeros = self.zeros();
            if zeros >= 11 && !self.is_past_end(zeros) {
                return;
            }
            self.at += zeros + 1;
        }
    }

    /// Why a code could not be read.
    const fn failure(&self) -> Failure {
        // A code has at most 13 bits.
        if self.is_past_end(13) {
            Failure::End
        } else {
            Failure::Damaged
        }
    }
}

impl BitReader for Bits<'_> {
    type Error = ();

    fn peek(&self, bits: u8) -> Option<u16> {
        let first = self.at / 8;
        let three = self.byte(first) << 16 | self.byte(first + 1) << 8 | self.byte(first + 2);
        let shifted = three >> (24 - self.at % 8 - usize::from(bits));
        Some((shifted & ((1 << bits) - 1)) as u16)
    }

    fn consume(&mut self, bits: u8) -> Result<(), ()> {
        self.at += usize::from(bits);
        if self.at > self.end() {
            Err(())
        } else {
            Ok(())
        }
    }

    fn bits_to_byte_boundary(&self) -> u8 {
        (self.at.next_multiple_of(8) - self.at) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits given as text.
    fn bits(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
        digits
            .chunks(8)
            .map(|eight| {
                let byte = eight
                    .iter()
                    .fold(0, |byte, digit| byte << 1 | (digit - b'0'));
                byte << (8 - eight.len())
            })
            .collect()
    }

    fn rows(text: &str, kind: FaxKind, count: usize) -> Vec<Result<u8, Failure>> {
        let mut fax = Fax::new(Cow::Owned(bits(text)), kind, 8);
        (0..count)
            .map(|_| {
                let mut row = [0xAA];
                fax.fill(&mut row).map(|()| row[0])
            })
            .collect()
    }

    // Three white (1000), two black (11), three white; eight white (10011); a black row begins with no white (00110101).
    const STRIPE: &str = "1000 11 1000";
    const BLACK: &str = "00110101 000101";
    const EOL: &str = "000000000001";

    #[test]
    fn rows_of_modified_huffman_begin_at_a_byte() {
        let huffman = FaxKind::Huffman { align_bits: 8 };
        let text = format!("{STRIPE} 000000 {BLACK} 00 10011 000");
        assert_eq!(rows(&text, huffman, 3), [Ok(0x18), Ok(0xFF), Ok(0)]);
        let word = FaxKind::Huffman { align_bits: 16 };
        assert_eq!(rows(&text, word, 2), [Ok(0x18), Ok(0xFF)]);
        assert_eq!(rows(&text, huffman, 4)[3], Err(Failure::End));
    }

    #[test]
    fn group_3_goes_on_after_a_damaged_row_and_without_end_of_line_codes() {
        let group3 = FaxKind::Group3 { mixed: false };
        let clean = format!("{EOL}{STRIPE} 0000{EOL}{BLACK}{}", EOL.repeat(6));
        assert_eq!(rows(&clean, group3, 3), [Ok(0x18), Ok(0xFF), Ok(0)]);
        let without = format!("{STRIPE}{BLACK}{STRIPE}");
        assert_eq!(rows(&without, group3, 3), [Ok(0x18), Ok(0xFF), Ok(0x18)]);
        // 0000 0000 1 is the start of no code.
        let damaged = format!("{EOL}{STRIPE}{EOL}1000 000000001{EOL}{BLACK}");
        assert_eq!(rows(&damaged, group3, 3), [Ok(0x18), Ok(0), Ok(0xFF)]);
    }

    #[test]
    fn rows_are_differences_from_the_row_above() {
        // Horizontal mode with the stripe's first two runs, then the white rest; then the same row; then one column further; the
        // end of the data.
        let first = "001 1000 11 1";
        let text = format!("{first} 1 1 1 011 011 1 {}", EOL.repeat(2));
        let expected = [Ok(0x18), Ok(0x18), Ok(0x0C), Ok(0), Ok(0)];
        assert_eq!(rows(&text, FaxKind::Group4, 5), expected);
        // A pass over the stripe; everything below is white.
        let text = format!("{first} 0001 1 {}", EOL.repeat(2));
        assert_eq!(rows(&text, FaxKind::Group4, 2), [Ok(0x18), Ok(0)]);
        // In mixed rows a bit behind the end-of-line code says which kind follows.
        let text = format!("{EOL}1{STRIPE}{EOL}0 1 1 1 {EOL}1{BLACK}");
        let mixed = FaxKind::Group3 { mixed: true };
        assert_eq!(rows(&text, mixed, 3), [Ok(0x18), Ok(0x18), Ok(0xFF)]);
    }

    #[test]
    fn damaged_rows_are_counted_and_the_next_ones_read() {
        // 0000 0000 1 is no code, and 0000 0001 1 the start of no mode.
        let huffman = FaxKind::Huffman { align_bits: 8 };
        for (kind, text) in [
            (
                huffman,
                format!("1000 000000001 000 {BLACK} 00 {}", EOL.repeat(2)),
            ),
            (
                FaxKind::Group4,
                format!("001 1000 11 000000011 {}", "1".repeat(40)),
            ),
        ] {
            let data = bits(&text);
            let mut fax = Fax::new(Cow::Borrowed(&data), kind, 8);
            let mut row = [0];
            assert_eq!(fax.fill(&mut row), Ok(()), "{kind:?}");
            assert_eq!(fax.damaged_rows, 1, "{kind:?}");
            assert_eq!(fax.fill(&mut row), Ok(()), "{kind:?}");
        }
    }

    #[test]
    fn no_bits_cause_a_panic() {
        let mut seed = 7_u32;
        for round in 0..3000 {
            let data: Vec<u8> = (0..40)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8 & (seed >> 16) as u8
                })
                .collect();
            let kind = [
                FaxKind::Group4,
                FaxKind::Group3 {
                    mixed: round % 2 == 0,
                },
                FaxKind::Huffman { align_bits: 8 },
            ][round % 3];
            let mut fax = Fax::new(Cow::Borrowed(&data), kind, 1 + round % 50);
            let mut row = [0; 7];
            for _ in 0..30 {
                if fax.fill(&mut row).is_err() {
                    break;
                }
            }
        }
    }
}
