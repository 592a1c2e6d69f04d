//! After stripping, no part of a key is left in the request, and everything else is unchanged.

use http::{HeaderMap, Request, Uri};
use keygate::{ApiKeyLayer, Authenticator, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::common::polling::at_once;
use crate::common::services::seen_behind;
use crate::common::sources::all;
use crate::common::stores::Anyone;
use crate::sources::writing::{
    OTHER_COOKIES, OTHER_PARAMETERS, OTHER_PROTOCOLS, SEPARATORS, request,
};

const KEY: &str = "KEYGATEKEY";
/// Part of the key, and of `:KEY` in base64. Every spelling of the key has one of them, texts that must stay have none.
const PARTS_OF_KEY: [&str; 2] = ["GATE", "WUdBVEVL"];

/// A part of a request, which stripping must either remove or keep.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    goes: bool,
}

fn piece(
    goes: &'static [&'static str],
    stays: &'static [&'static str],
) -> impl Strategy<Value = Piece> {
    prop_oneof![
        1 => select(goes).prop_map(|text| Piece { text: text.replace("KEY", KEY), goes: true }),
        2 => select(stays).prop_map(|text| Piece { text: text.to_owned(), goes: false }),
    ]
}

fn parameter() -> impl Strategy<Value = Piece> {
    let goes =
        &["key=KEY", "%6b%65%79=KEY", "k%65y=KEY=KEY", "key", "key=", "key=%20%4BEYGATE%4b+"];
    piece(goes, OTHER_PARAMETERS)
}

fn cookie() -> impl Strategy<Value = Piece> {
    piece(&["key=KEY", "key=\"KEY\"", "key=", "key = KEY", "key=KEY=KEY"], OTHER_COOKIES)
}

fn protocol() -> impl Strategy<Value = Piece> {
    piece(&["keygate.KEY", "keygate.", "keygate.keygate.KEY"], OTHER_PROTOCOLS)
}

/// A header without a list, by name and value.
fn field() -> impl Strategy<Value = (&'static str, Piece)> {
    prop_oneof![
        select(&["KEY", "", "Bearer KEY", "  "][..])
            .prop_map(|text| ("x-key", Piece { text: text.replace("KEY", KEY), goes: true })),
        piece(
            &[
                "Bearer KEY",
                "bearer  KEY",
                "BEARER",
                "Bearer \t",
                "Bearer KEY KEY",
                "KEY",
                " KEY ",
                "Negotiate",
                "Bearer:KEY",
                "Bearer: KEY",
                "\"Bearer KEY\"",
                "Basic OktFWUdBVEVLRVk=",
                "basic \tOktFWUdBVEVLRVk",
                "Basic",
                "Basic: OktFWUdBVEVLRVk=",
            ],
            &["Hawk a2V5", "Bearers key", "", "Digest username=\"Bearer key\""],
        )
        .prop_map(|piece| ("authorization", piece)),
        (select(&["accept", "x-keys", "x-ke", "set-cookie"][..]), select(OTHER_COOKIES))
            .prop_map(|(name, text)| (name, Piece { text: text.to_owned(), goes: false })),
    ]
}

fn kept<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> Vec<&'a str> {
    pieces.into_iter().filter(|piece| !piece.goes).map(|piece| &*piece.text).collect()
}

fn texts(pieces: &[Piece]) -> Vec<&str> {
    pieces.iter().map(|piece| &*piece.text).collect()
}

/// Returns the URI and headers that the service sees. The first source reads a header of its own, which admits every
/// request.
fn stripped(mut request: Request<()>) -> (Uri, HeaderMap) {
    let sources = [Source::header("x-decides")].into_iter();
    let sources = sources.chain(all().into_iter().map(|case| case.source));
    let auth = Authenticator::new(Anyone::default()).with_sources_in_parts(sources).unwrap();
    request.headers_mut().insert("x-decides", KEY.parse().unwrap());
    let layer = ApiKeyLayer::from(auth).strip_credentials();
    let seen = at_once(seen_behind(&layer, request)).expect("the request is admitted");
    (seen.uri, seen.headers)
}

/// The lines of a header, in order.
fn lines<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

/// The target with these parameters as its query, or without a query if there are none.
fn target(base: &str, parameters: &[&str]) -> String {
    if parameters.is_empty() {
        return base.to_owned();
    }
    format!("{base}?{}", parameters.join("&"))
}

/// The members of a list, regardless of how its lines join them.
fn members<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let members = lines.iter().flat_map(|line| line.split([';', ','])).map(str::trim);
    members.filter(|member| !member.is_empty()).collect()
}

/// A line of a header with a list.
#[derive(Clone, Debug)]
struct Line {
    name: &'static str,
    members: Vec<Piece>,
    separator: &'static str,
}

impl Line {
    fn text(&self) -> String {
        texts(&self.members).join(self.separator)
    }
}

fn line() -> impl Strategy<Value = Line> {
    let cookies = (Just("cookie"), vec(cookie(), 1..5), select(SEPARATORS));
    let separators = select(&[", ", ",", " , "][..]);
    let protocols = (Just("sec-websocket-protocol"), vec(protocol(), 1..5), separators);
    prop_oneof![cookies, protocols].prop_map(|(name, members, separator)| Line {
        name,
        members,
        separator,
    })
}

proptest! {
    #[test]
    fn parameters_keep_their_order_and_spelling(
        pieces in vec(parameter(), 0..8),
        base in select(&["/", "/a/b%2Fc", "http://example.com/", "https://user@e.org:8443/~a"][..]),
    ) {
        let (uri, headers) = stripped(request::<&str>(&target(base, &texts(&pieces)), &[]));
        prop_assert_eq!(uri.to_string(), target(base, &kept(&pieces)));
        prop_assert!(headers.is_empty());
    }

    #[test]
    fn headers_keep_their_order(fields in vec(field(), 0..8)) {
        let written: Vec<_> = fields.iter().map(|(name, piece)| (*name, &piece.text)).collect();
        let (_, headers) = stripped(request("/", &written));
        let mut left = 0;
        for name in ["x-key", "authorization", "accept", "x-keys", "x-ke", "set-cookie"] {
            let of_name = fields.iter().filter(|field| field.0 == name).map(|field| &field.1);
            let here = lines(&headers, name);
            prop_assert_eq!(&here, &kept(of_name), "{}", name);
            left += here.len();
        }
        prop_assert_eq!(headers.len(), left);
    }

    #[test]
    fn lists_keep_their_order(written in vec(line(), 0..6)) {
        let texts: Vec<_> = written.iter().map(|line| (line.name, line.text())).collect();
        let (_, headers) = stripped(request("/", &texts));
        for name in ["cookie", "sec-websocket-protocol"] {
            let of_name = || written.iter().filter(|line| line.name == name);
            let left = lines(&headers, name);
            let expected: Vec<_> = of_name().flat_map(|line| kept(&line.members)).collect();
            prop_assert_eq!(members(&left), members(&expected));

            for line in of_name().filter(|line| !line.members.iter().any(|piece| piece.goes)) {
                prop_assert!(left.contains(&&*line.text()), "{:?} in {:?}", line, left);
            }
        }
    }

    #[test]
    fn no_part_of_the_key_is_left_anywhere(
        fields in vec(field(), 0..5),
        lists in vec(line(), 0..4),
        parameters in vec(parameter(), 1..5),
        place in any::<Index>(),
        writers in vec(any::<Index>(), 0..5),
    ) {
        let mut written: Vec<_> =
            fields.into_iter().map(|(name, piece)| (name, piece.text)).collect();
        let place = place.index(written.len() + 1);
        written.splice(place..place, lists.iter().map(|line| (line.name, line.text())));
        let mut request = request(&target("/", &texts(&parameters)), &written);
        let expected = stripped(request.clone());
        let cases = all();
        for case in writers.iter().map(|index| index.get(&cases)) {
            (case.write)(&mut request, KEY.as_bytes());
        }
        let (uri, headers) = stripped(request);
        let has_part = |text: &str| PARTS_OF_KEY.iter().any(|part| text.contains(part));
        prop_assert!(!has_part(&uri.to_string()), "{}", uri);
        let left = headers.values().filter(|value| has_part(value.to_str().unwrap()));
        prop_assert_eq!(left.count(), 0, "{:?}", headers);
        prop_assert_eq!((uri, headers), expected);
    }
}
