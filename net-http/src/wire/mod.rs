//! HTTP/1.1 on the wire, pure: bytes in, values out. No I/O, no allocation.

pub(crate) mod ascii;
pub mod chunked;
pub(crate) mod date;
pub(crate) mod fields;
pub(crate) mod head;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod sniff;
pub(crate) mod target;
pub(crate) mod version;

#[cfg(test)]
pub(crate) mod vectors {
    use super::{chunked, date, head, request, response, sniff, version};
    use crate::vectors::{Group, group};
    use crate::{files, header, query, status};

    pub(crate) static GROUPS: [Group; 14] = [
        group!("read_request", request::tests::difference),
        group!("read_response", response::tests::difference),
        group!("mime_header", head::tests::difference),
        group!("chunked_decode", chunked::tests::decode_difference),
        group!("chunked_encode", chunked::tests::encode_difference),
        group!("sniff", sniff::tests::difference),
        group!("mime_ext", files::mime::tests::difference),
        group!("parse_time", date::tests::difference),
        group!("http_version", version::tests::difference),
        group!("status_text", status::tests::difference),
        group!("header_key", header::tests::key_difference),
        group!("header_write", header::tests::write_difference),
        group!("query_parse", query::tests::difference),
        group!("response_write", response::tests::write_difference),
    ];

    #[test]
    fn the_wire_is_as_recorded() {
        GROUPS.iter().for_each(Group::check);
    }
}
