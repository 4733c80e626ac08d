//! The file name of an image. It is shown to people and is not part of any key.

use percent_encoding::utf8_percent_encode;
use sightline_pipeline::percent::RESERVED;

/// The longest stored name, in bytes of UTF-8: the usual limit of file systems. Percent-encoded it is at most three times as
/// long, well within the 2 KB that S3 allows for all user metadata of an object (Amazon S3 User Guide, "Working with object
/// metadata").
pub(crate) const MAX_BYTES: usize = 255;

/// The name without folders, control characters and characters that change the direction of text (they make `gpj.exe` look
/// like `exe.jpg`), cut to [`MAX_BYTES`]. `None` if nothing remains.
pub(crate) fn clean(name: &str) -> Option<String> {
    let name: String = name
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| {
            !c.is_control()
                && !matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        })
        .collect();
    let name = name.trim();
    let name = name
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| *end <= MAX_BYTES)
        .last()
        .and_then(|end| name.get(..end))
        .unwrap_or_default()
        .trim_end();
    (!matches!(name, "" | "." | "..")).then(|| name.to_owned())
}

/// Percent-encoded UTF-8, because S3's user metadata is ASCII.
pub(crate) fn encode(name: &str) -> String {
    utf8_percent_encode(name, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_unsafe_characters_are_removed() {
        for (given, kept) in [
            ("cat.jpg", Some("cat.jpg")),
            ("  Käthe +1.png ", Some("Käthe +1.png")),
            ("C:\\Users\\me\\cat.jpg", Some("cat.jpg")),
            ("/etc/passwd", Some("passwd")),
            ("../../cat.jpg", Some("cat.jpg")),
            (
                "cat\r\nx-amz-acl: public\0.jpg",
                Some("catx-amz-acl: public.jpg"),
            ),
            ("cat\u{202E}gpj.exe", Some("catgpj.exe")),
            ("猫.jpg", Some("猫.jpg")),
            ("", None),
            ("  ", None),
            ("folder/", None),
            ("..", None),
            ("\u{0}", None),
        ] {
            assert_eq!(clean(given).as_deref(), kept, "{given:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters_and_fit_the_metadata() {
        for long in ["a".repeat(1000), "é".repeat(500), "a🐈".repeat(200)] {
            let name = clean(&long).unwrap();
            assert!(name.len() <= MAX_BYTES && name.len() > MAX_BYTES - 4);
            assert!(long.starts_with(&name));
            let longest_analyses = 80;
            assert!(
                "filename".len() + encode(&name).len() + "analyses".len() + longest_analyses < 2048
            );
        }
    }

    #[test]
    fn the_encoding_is_ascii_and_reversible() {
        assert_eq!(encode("Käthe +1%.png"), "K%C3%A4the%20%2B1%25.png");
        let name = "猫 \"~\".jpg";
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(&encode(name)).collect();
        assert!(encode(name).is_ascii() && decoded == name.as_bytes());
    }
}
