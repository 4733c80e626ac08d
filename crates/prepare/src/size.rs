//! File sizes in messages.

/// Bytes of a mebibyte.
const MIB: u64 = 1024 * 1024;

/// A size as `54.5 MiB`, rounded to one decimal; whole numbers stand without one.
#[must_use]
pub fn mib(bytes: u64) -> String {
    tenths(bytes.saturating_mul(10).saturating_add(MIB / 2) / MIB)
}

/// How far a size exceeds its limit, as `54.5 MiB; the limit is 15 MiB`. A size that would read as the limit itself is rounded up.
#[must_use]
pub fn over_limit(bytes: u64, limit: u64) -> String {
    let limit = mib(limit);
    let mut size = mib(bytes);
    if size == limit {
        size = tenths(bytes.saturating_mul(10) / MIB + 1);
    }
    format!("{size}; the limit is {limit}")
}

fn tenths(tenths: u64) -> String {
    match tenths % 10 {
        0 => format!("{} MiB", tenths / 10),
        decimal => format!("{}.{decimal} MiB", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_where_they_need_it() {
        for (bytes, expected) in [
            (0, "0 MiB"),
            (15 * MIB, "15 MiB"),
            (57_194_791, "54.5 MiB"),
            (4_000_000, "3.8 MiB"),
        ] {
            assert_eq!(mib(bytes), expected);
        }
    }

    #[test]
    fn a_size_over_its_limit_never_reads_as_the_limit() {
        let limit = 15 * MIB;
        for (bytes, expected) in [
            (57_194_791, "54.5 MiB; the limit is 15 MiB"),
            (limit + 1, "15.1 MiB; the limit is 15 MiB"),
            (limit + MIB / 2, "15.5 MiB; the limit is 15 MiB"),
        ] {
            assert_eq!(over_limit(bytes, limit), expected);
        }
    }
}
