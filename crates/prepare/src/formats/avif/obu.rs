//! The open bitstream units (OBUs) of AV1 data (AV1 Bitstream & Decoding Process Specification, 5.3 "OBU syntax").

/// What the OBUs of one tile say about the cost of decoding it.
pub(super) struct Cost {
    /// The most bytes a pixel may have in its planes, by the profile in the sequence header (6.4.1 "General sequence header OBU
    /// semantics"): profile 0 has 4:2:0 in up to 10 bits, the others up to 4:4:4 in 12 bits.
    pub(super) plane_bytes: u64,
    /// Coded frames, shown or not.
    pub(super) frames: u64,
}

impl Cost {
    pub(super) fn of(mut data: &[u8]) -> Self {
        let (mut highest_profile, mut frames) = (0, 0);
        while let Some((header, mut rest)) = data.split_first() {
            let (has_extension, has_size) = (header & 4 != 0, header & 2 != 0);
            if has_extension {
                rest = rest.get(1..).unwrap_or_default();
            }
            let length = if has_size {
                leb128(&mut rest)
            } else {
                rest.len()
            };
            match header >> 3 & 15 {
                // Sequence header.
                1 => {
                    let profile = rest.first().map_or(0, |byte| byte >> 5);
                    highest_profile = highest_profile.max(profile);
                }
                // Frame header; frame.
                3 | 6 => frames += 1,
                _ => {}
            }
            data = rest.get(length..).unwrap_or_default();
        }
        Self {
            plane_bytes: if highest_profile == 0 { 3 } else { 6 },
            frames,
        }
    }
}

/// Reads a number of up to eight groups of seven bits, the lowest first (4.10.5).
fn leb128(bytes: &mut &[u8]) -> usize {
    let mut number = 0;
    for group in 0..8 {
        let Some((byte, rest)) = bytes.split_first() else {
            break;
        };
        *bytes = rest;
        number |= usize::from(byte & 0x7F) << (7 * group);
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_frames_that_are_shown_and_not() {
        let sequence = [0x0A, 1, 0x20];
        let frame = [0x32, 3, 1, 2, 3];
        let header = [0x1A, 0];
        let cost = Cost::of(&[&sequence[..], &frame, &header, &frame].concat());
        assert_eq!((cost.frames, cost.plane_bytes), (3, 6));
        // Without a length a unit extends to the end.
        assert_eq!(Cost::of(&[0x30, 0x32, 0, 0x32, 0]).frames, 1);
    }
}
