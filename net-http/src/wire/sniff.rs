//! What kind of content some bytes are (the MIME Sniffing Standard, as far as Go follows it).

use super::ascii::same;

/// The media type of a content that starts with `data`, of which at most 512 bytes count.
///
/// What nothing else is known about is `text/plain; charset=utf-8` if it has no binary control
/// bytes, and `application/octet-stream` otherwise.
#[must_use]
pub fn detect_content_type(data: &[u8]) -> &'static str {
    let data = data.get(..SNIFFED).unwrap_or(data);
    let first = data.iter().position(|byte| !b"\t\n\x0C\r ".contains(byte)).unwrap_or(data.len());
    let text = data.get(first..).unwrap_or_default();
    if TAGS.iter().any(|tag| is_tag(text, tag)) {
        return "text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    if let Some((_, _, kind)) =
        SIGNATURES.iter().find(|(start, rest, _)| matches(data, start, rest))
    {
        return kind;
    }
    if is_mp4(data) {
        return "video/mp4";
    }
    let binary = |byte: &u8| matches!(byte, 0..=8 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F);
    if text.iter().any(binary) { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}

/// How many bytes of a content are looked at.
pub(crate) const SNIFFED: usize = 512;

fn is_tag(text: &[u8], tag: &[u8]) -> bool {
    text.split_at_checked(tag.len())
        .is_some_and(|(start, rest)| same(start, tag) && matches!(rest.first(), Some(b' ' | b'>')))
}

fn matches(data: &[u8], start: &[u8], rest: &Rest) -> bool {
    let Some(behind) = data.strip_prefix(start) else { return false };
    match *rest {
        Rest::Any => true,
        Rest::Longer(bytes) => behind.len() >= bytes,
        Rest::At(skip, part) => behind.get(skip..).is_some_and(|later| later.starts_with(part)),
    }
}

fn is_mp4(data: &[u8]) -> bool {
    let Some((size, rest)) = data.split_first_chunk() else { return false };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    let sound = data.len() >= 12 && data.len() >= size && size % 4 == 0;
    let brands = data.get(8..size).unwrap_or_default();
    sound
        && rest.starts_with(b"ftyp")
        && brands.chunks(4).enumerate().any(|(at, brand)| at != 1 && brand.starts_with(b"mp4"))
}

enum Rest {
    Any,
    /// So many bytes must follow.
    Longer(usize),
    /// Behind a gap of so many bytes this must follow.
    At(usize, &'static [u8]),
}

const TAGS: [&[u8]; 17] = [
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

const SIGNATURES: &[(&[u8], Rest, &str)] = &[
    (b"%PDF-", Rest::Any, "application/pdf"),
    (b"%!PS-Adobe-", Rest::Any, "application/postscript"),
    (b"\xFE\xFF", Rest::Longer(2), "text/plain; charset=utf-16be"),
    (b"\xFF\xFE", Rest::Longer(2), "text/plain; charset=utf-16le"),
    (b"\xEF\xBB\xBF", Rest::Longer(1), "text/plain; charset=utf-8"),
    (b"\0\0\x01\0", Rest::Any, "image/x-icon"),
    (b"\0\0\x02\0", Rest::Any, "image/x-icon"),
    (b"BM", Rest::Any, "image/bmp"),
    (b"GIF87a", Rest::Any, "image/gif"),
    (b"GIF89a", Rest::Any, "image/gif"),
    (b"RIFF", Rest::At(4, b"WEBPVP"), "image/webp"),
    (b"\x89PNG\r\n\x1A\n", Rest::Any, "image/png"),
    (b"\xFF\xD8\xFF", Rest::Any, "image/jpeg"),
    (b"FORM", Rest::At(4, b"AIFF"), "audio/aiff"),
    (b"ID3", Rest::Any, "audio/mpeg"),
    (b"OggS\0", Rest::Any, "application/ogg"),
    (b"MThd\0\0\0\x06", Rest::Any, "audio/midi"),
    (b"RIFF", Rest::At(4, b"AVI "), "video/avi"),
    (b"RIFF", Rest::At(4, b"WAVE"), "audio/wave"),
    (b"\x1A\x45\xDF\xA3", Rest::Any, "video/webm"),
    (b"", Rest::At(34, b"LP"), "application/vnd.ms-fontobject"),
    (b"\0\x01\0\0", Rest::Any, "font/ttf"),
    (b"OTTO", Rest::Any, "font/otf"),
    (b"ttcf", Rest::Any, "font/collection"),
    (b"wOFF", Rest::Any, "font/woff"),
    (b"wOF2", Rest::Any, "font/woff2"),
    (b"\x1F\x8B\x08", Rest::Any, "application/x-gzip"),
    (b"PK\x03\x04", Rest::Any, "application/zip"),
    (b"Rar!\x1A\x07\0", Rest::Any, "application/x-rar-compressed"),
    (b"Rar!\x1A\x07\x01\0", Rest::Any, "application/x-rar-compressed"),
    (b"\0asm", Rest::Any, "application/wasm"),
];

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::{self, Value};
    use std::string::{String, ToString};

    pub(crate) fn difference(case: &Value) -> Option<String> {
        let kind = detect_content_type(&vectors::raw(&case["in"], "data_b64"));
        (case["out"]["content_type"] != kind).then(|| kind.to_string())
    }
}
