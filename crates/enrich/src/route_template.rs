//! Routes found automatically: `/orders/7/items/x.jpg` is `/orders/{id}/items/x.jpg`.
//!
//! Without route patterns, metrics would have a series per id. A rule per segment, decided from the
//! segment alone, folds what no developer would name a route after. Learning from traffic (fold a
//! place once it has shown many values) was refused: the same line would then count under another
//! route tomorrow, and in a different order of arrival. The price is that a rule can be wrong; then
//! the owner writes a pattern.
//!
//! Two mistakes are possible and not equally bad. A missed id makes a series, which the series
//! budget bounds. Two routes folded into one cannot be told apart again. So what reads like a word
//! stays, and one kind of id should always get one name: 32 hex digits are `{uuid}`, never
//! sometimes `{hash}`, and eight are `{id}`, since one in forty is all digits by chance.
//!
//! | segment | becomes | stays |
//! |---|---|---|
//! | `12345`, `-7`, `52.5200`, `10:30`, `1,2,3` | `{id}` | `1.0` (a version of an API) |
//! | 6 to 15 hex digits, letters among them: `3f2a1b9c` | `{id}`; `{hash}` in a file name, from 8 | `cafe`, `decade9` |
//! | 16 or more: `9f86d081884c7d65` | `{hash}` | |
//! | 32 hex digits, dashed or not, any case | `{uuid}` | |
//! | `2026-11-20`, `20261120`, `2026-11`, `2026-11-20T10:15:30Z` | `{date}` | |
//! | 16 or more letters and digits that do not read like words: ULID, KSUID, base64url, JWT | `{token}` | `getUserPreferencesV2` |
//! | fewer, mixed beyond a word: `dQw4w9WgXcQ` | `{token}` | `oauth2`, `s3`, `i18n`, `sha256`, `page2`, `24h` |
//! | a word and two or more digits, or any number behind a dash: `ord123456`, `item-12345`, `user_4` | `ord{id}`, `item-{id}`, `user_{id}` | `v1`, `v12`, `v1beta1` |
//! | a word and an id: `order-<uuid>`, `card_1MvoiELkdIwHu7ix` | `order-{uuid}`, `card_{token}` | |
//! | three words or more and five digits or more: `red-shoes-for-men-48213` | `{slug}` | `terms-and-conditions` |
//! | capitals and digits with dashes: `INV-2026-0017` | `{id}` | `README`, `SHA256` |
//! | `800x600` | `{size}` | |
//! | `3.6.0`, `v1.2.3` | `{version}` | `v1.1` |
//! | `10.0.0.1`, `2001:db8::1` | `{ip}` | |
//! | `ann@example.com` | `{email}` | `@babel` |
//! | `12345.jpg`, `main-3f2a1b9c.css`, `app.0005…c3.js`, `index-BxK3_9aZ.js` | `{id}.jpg`, `main-{hash}.css`, `app.{hash}.js`, `index-{hash}.js` | `jquery.min.js` |
//! | anything with bytes beyond printable ASCII, also as `%D7%90` or `\xD7`; `%20`, `%2F`, quotes | `{text}` | `%41` and other plain characters |
//! | `cart;jsessionid=0A1B` (parameters) | `cart` | |
//! | more than 64 bytes after folding | `{token}` | |
//! | the 13th segment and all behind it | `**` | |
//!
//! Ids in a list of commas fold to one. Braces in a path are text like any other: `/orders/{id}`
//! sent by a client counts as the route it names, and folding a template changes nothing.

use crate::placeholder::Placeholder;
use crate::segment::{self, CLASS, Classes, PARAMETERS, PLAIN};

/// Of longer paths only this much is read, in bytes.
pub(crate) const MAX_PATH: usize = 2048;
const MAX_SEGMENTS: usize = 12;
const MAX_SEGMENT: usize = 64;

/// The template of `path`: `path` itself if nothing folds, else text in `out`.
///
/// The result is at most 12 segments of 64 bytes and `/**`, and it is ASCII where it is not `path`.
pub(crate) fn template<'s>(path: &'s [u8], out: &'s mut Vec<u8>) -> &'s [u8] {
    out.clear();
    let path = path.get(..MAX_PATH).unwrap_or(path);
    let mut copied = 0;
    let mut start = usize::from(path.first() == Some(&b'/'));
    for _ in 0..MAX_SEGMENTS {
        let (segment, classes) = next_segment(path, start);
        let end = start + segment.len();
        if classes & !PLAIN != 0 || segment.len() >= segment::LONG_WORD {
            let mark = out.len();
            out.extend_from_slice(path.get(copied..start).unwrap_or_default());
            if fold(segment, classes, out) {
                copied = end;
            } else {
                out.truncate(mark);
            }
        }
        if end >= path.len() {
            return finished(path, copied, out);
        }
        start = end + 1;
    }
    out.extend_from_slice(path.get(copied..start).unwrap_or_default());
    out.extend_from_slice(b"**");
    out
}

/// The segment that begins at `start`, and the union of its bytes' classes.
fn next_segment(path: &[u8], start: usize) -> (&[u8], Classes) {
    let rest = path.get(start..).unwrap_or_default();
    let mut classes = 0;
    let mut len = 0;
    for &byte in rest {
        if byte == b'/' {
            break;
        }
        classes |= CLASS[usize::from(byte)];
        len += 1;
    }
    (rest.get(..len).unwrap_or(rest), classes)
}

fn finished<'s>(path: &'s [u8], copied: usize, out: &'s mut Vec<u8>) -> &'s [u8] {
    if copied == 0 {
        return path;
    }
    out.extend_from_slice(path.get(copied..).unwrap_or_default());
    out
}

/// Writes what `segment` becomes; `false`, with rubbish behind the old end, if it stays as it is.
fn fold(segment: &[u8], classes: Classes, out: &mut Vec<u8>) -> bool {
    let mark = out.len();
    let changed = if classes & PARAMETERS == 0 {
        segment::fold(segment, classes, out)
    } else {
        without_parameters(segment, out)
    };
    let len = if changed { out.len() - mark } else { segment.len() };
    if len > MAX_SEGMENT {
        out.truncate(mark);
        out.extend_from_slice(Placeholder::Token.text());
        return true;
    }
    changed
}

fn without_parameters(segment: &[u8], out: &mut Vec<u8>) -> bool {
    let segment = segment.split(|&byte| byte == b';').next().unwrap_or_default();
    let mark = out.len();
    if !segment::fold(segment, segment::classes(segment), out) {
        out.truncate(mark);
        out.extend_from_slice(segment);
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(path: &[u8]) -> Vec<u8> {
        template(path, &mut Vec::new()).to_vec()
    }

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (path, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&folded(path.as_bytes())), *expected, "{path}");
        }
    }

    #[test]
    fn a_path_in_which_nothing_folds_is_borrowed() {
        let path = b"/api/v1/orders/search";
        assert_eq!(template(path, &mut Vec::new()).as_ptr(), path.as_ptr());
    }

    #[test]
    fn segments_fold_one_by_one() {
        check(&[
            ("/", "/"),
            ("*", "*"),
            ("/api/1.0/orders", "/api/1.0/orders"),
            ("/api/v1/users/42/orders/7", "/api/v1/users/{id}/orders/{id}"),
            ("/orders/7/", "/orders/{id}/"),
            ("//orders//7", "//orders//{id}"),
            ("/7", "/{id}"),
            ("/a/../b/.env", "/a/../b/.env"),
            ("/example.brain.hello.v1.HelloService/Hello", "/example.brain.hello.v1.HelloService/Hello"),
            ("/api/deposits/transactions:search", "/api/deposits/transactions:search"),
            (
                "/wp-content/plugins/wp-file-manager/readme.txt",
                "/wp-content/plugins/wp-file-manager/readme.txt",
            ),
            (
                "/arcgis/rest/services/geodata/Parkering/MapServer/3",
                "/arcgis/rest/services/geodata/Parkering/MapServer/{id}",
            ),
            ("/index.php/\\x5Cthink", "/index.php/{text}"),
            ("example.com:443", "example.com:{id}"),
        ]);
    }

    #[test]
    fn parameters_of_segments_are_left_out() {
        check(&[
            ("/cart;jsessionid=0A1B2C/items;v=1/7;w", "/cart/items/{id}"),
            ("/;x", "/"),
            ("/a;b%zz/c", "/a/c"),
        ]);
    }

    #[test]
    fn long_paths_and_segments_are_bounded() {
        let twelve = "/a".repeat(12);
        check(&[
            (&twelve, &twelve),
            (&format!("{twelve}/7/8"), &format!("{twelve}/**")),
            (&format!("/1{twelve}"), &format!("/{{id}}{}/**", "/a".repeat(11))),
            (&format!("/{}", "a".repeat(64)), "/{token}"),
            (&format!("/{}", "a-".repeat(32)), &format!("/{}", "a-".repeat(32))),
            (&format!("/{}/b", "a-".repeat(33)), "/{token}/b"),
            (&format!("/{}", "1,".repeat(1500)), "/{id}"),
            (&format!("/app.{}.js", "0005c3".repeat(11)), "/app.{hash}.js"),
        ]);
    }

    #[test]
    fn a_template_sent_by_a_client_is_the_route_it_names() {
        check(&[
            ("/orders/{id}", "/orders/{id}"),
            ("/orders/{id}/**", "/orders/{id}/**"),
            ("/{id}/{{}}/{7}", "/{id}/{{}}/{id}"),
        ]);
    }

    /// Pieces of segments that meet most rules, in odd combinations too.
    fn segment() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z]{1,12}",
            "[0-9]{1,10}",
            "[0-9a-f]{1,40}",
            "[A-Za-z0-9_-]{1,30}",
            "[A-Z0-9]{2,10}",
            "(19|20)[0-9]{2}[-_.]?(0|1)[0-9][-_.]?[0-3][0-9](T[0-9:.Z]{0,9})?",
            "v?[0-9]{1,2}(\\.[0-9]{1,3}){1,3}",
            "[0-9]{1,3}x[0-9]{1,3}",
            "\\{(id|token|hash|uuid|date|version)\\}",
            "%[0-9A-F]{2}",
            "[-_.,;:@%{}~+=!]{1,2}",
            "\\.(js|css|js\\.map|png|html)",
            Just("0f8fad5b-d9cb-469f-a165-70867728950e".to_owned()),
        ];
        proptest::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_bytes_give_a_short_ascii_template(path in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let template = folded(&path);
            prop_assert!(template.len() <= 1 + 12 * 65 + 2);
            prop_assert!(template.iter().all(|byte| (0x20..0x7f).contains(byte)));
        }

        #[test]
        fn folding_a_template_changes_nothing(segments in proptest::collection::vec(segment(), 1..4)) {
            let once = folded(format!("/{}", segments.join("/")).as_bytes());
            let twice = folded(&once);
            prop_assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice));
        }
    }
}
