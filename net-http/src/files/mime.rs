//! Media types by the extension of a file.

use crate::wire::ascii::same;

/// The media type of files with this extension (which starts with a dot), in any case; `None` if it is
/// not known. Go's `mime.TypeByExtension`, with its built-in table.
#[must_use]
pub fn type_by_extension(extension: &str) -> Option<&'static str> {
    let wanted = extension.strip_prefix('.')?.as_bytes();
    let known = |(names, _): &&(&str, &str)| {
        !wanted.is_empty() && names.split(' ').any(|name| same(name.as_bytes(), wanted))
    };
    TYPES.iter().find(known).map(|(_, kind)| *kind)
}

/// The extension of a path, with its dot.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default()
}

const TYPES: &[(&str, &str)] = &[
    ("html htm shtml ehtml", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js mjs", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("jpg jpeg jfif pjp pjpeg", "image/jpeg"),
    ("svg", "image/svg+xml"),
    ("ico", "image/vnd.microsoft.icon"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("txt text", "text/plain; charset=utf-8"),
    ("xml xbl xsl", "text/xml; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("ics", "text/calendar; charset=utf-8"),
    ("vtt", "text/vtt; charset=utf-8"),
    ("apng", "image/apng"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("tif tiff", "image/tiff"),
    ("xbm", "image/x-xbitmap"),
    ("flac", "audio/flac"),
    ("m4a", "audio/mp4"),
    ("mp3", "audio/mpeg"),
    ("ogg oga opus", "audio/ogg"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
    ("ogv", "video/ogg"),
    ("webm", "video/webm"),
    ("xhtml xht", "application/xhtml+xml"),
    ("rdf", "application/rdf+xml"),
    ("rtf", "application/rtf"),
    ("ai eps ps", "application/postscript"),
    ("bin com exe", "application/octet-stream"),
    ("apk", "application/vnd.android.package-archive"),
    ("eml", "message/rfc822"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::Value;
    use std::string::{String, ToString};

    pub(crate) fn difference(case: &Value) -> Option<String> {
        let kind = type_by_extension(case["in"]["ext"].as_str().unwrap()).unwrap_or_default();
        (case["out"]["type"] != kind).then(|| kind.to_string())
    }

    #[test]
    fn the_extension_is_behind_the_last_dot_of_the_name() {
        assert_eq!(extension("a.b/c.tar.gz"), ".gz");
        assert_eq!(extension("a.b/c"), "");
    }
}
