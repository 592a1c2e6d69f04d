use http::{Extensions, HeaderMap};

/// What a door sees of a request besides its key, which may tell where it came from.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(feature = "throttle"),
    expect(dead_code, reason = "only failures are counted by it")
)]
pub(crate) enum Caller<'a> {
    Unseen,
    Headers(&'a HeaderMap),
    Request(&'a HeaderMap, &'a Extensions),
}
