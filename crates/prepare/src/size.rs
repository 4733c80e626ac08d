//! File sizes in messages.

/// Bytes of a mebibyte.
const MIB: u64 = 1024 * 1024;

/// Bytes of a kibibyte.
const KIB: u64 = 1024;

/// A size as `54.5 MiB`, below a mebibyte as `9.8 KiB`, rounded to one decimal; whole numbers have none. Below a kibibyte it is
/// `512 bytes`.
#[must_use]
pub fn mib(bytes: u64) -> String {
    let unit = unit(bytes);
    text(tenths(bytes, unit), unit)
}

/// How far a size exceeds its limit, as `54.5 MiB; the limit is 15 MiB`. A size that would read as the limit itself is rounded up.
#[must_use]
pub fn over_limit(bytes: u64, limit: u64) -> String {
    let limit = mib(limit);
    let mut size = mib(bytes);
    if size == limit {
        let unit = unit(bytes);
        size = text(tenths(bytes, unit) + 1, unit);
    }
    format!("{size}; the limit is {limit}")
}

/// The unit in which a size is at least one and, rounded, below 1024.
const fn unit(bytes: u64) -> u64 {
    if bytes < KIB {
        1
    } else if tenths(bytes, KIB) < 10 * KIB {
        KIB
    } else {
        MIB
    }
}

const fn tenths(bytes: u64, unit: u64) -> u64 {
    bytes.saturating_mul(10).saturating_add(unit / 2) / unit
}

fn text(tenths: u64, unit: u64) -> String {
    let name = match unit {
        MIB => "MiB",
        KIB => "KiB",
        _ if tenths == 10 => "byte",
        _ => "bytes",
    };
    match tenths % 10 {
        0 => format!("{} {name}", tenths / 10),
        decimal => format!("{}.{decimal} {name}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_where_they_need_it() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (10_000, "9.8 KiB"),
            (MIB - 1, "1 MiB"),
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
        assert_eq!(over_limit(10_001, 10_000), "9.9 KiB; the limit is 9.8 KiB");
        assert_eq!(over_limit(101, 100), "101 bytes; the limit is 100 bytes");
    }
}
