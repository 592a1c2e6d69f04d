use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderMap, Request, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tower::Service;

use super::drive::{Handler, X_API_KEY, answer};
use super::keys::{key, name};

/// The duties of the layer in straight-line code: the lower bound for the cost of a request.
#[derive(Clone)]
pub(crate) struct Limit(Arc<ArcSwap<Rows>>);

struct Rows {
    index: HashMap<[u8; 32], u32, BuildHasherDefault<Identity>>,
    rows: Vec<Row>,
}

struct Row {
    digest: [u64; 4],
    expires: bool,
    profile: Arc<str>,
}

/// The value that a handler would get.
#[derive(Clone)]
struct Caller {
    _profile: Arc<str>,
    _key_id: u64,
}

impl Limit {
    pub(crate) fn new(size: u64) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Rows::new(size))))
    }

    #[inline]
    pub(crate) fn answer<Q, B>(
        &self,
        inner: &mut Handler<B>,
        mut request: Request<Q>,
    ) -> Response<B>
    where
        B: Default + From<&'static str>,
        Handler<B>: Service<Request<Q>, Response = Response<B>, Error: std::fmt::Debug>,
    {
        let Some(caller) = self.admit(request.headers_mut()) else {
            let mut response = Response::new(B::default());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            return response;
        };
        request.extensions_mut().insert(caller);
        answer(inner, request)
    }

    #[inline]
    fn admit(&self, headers: &mut HeaderMap) -> Option<Caller> {
        let value = headers.get_mut(&X_API_KEY)?;
        value.set_sensitive(true);
        let digest = digest(value.as_bytes());
        let rows = self.0.load();
        let row = rows.row(&digest)?;
        let words = words(&digest);
        if !same(&row.digest, &words) || row.expires {
            return None;
        }
        Some(Caller { _profile: Arc::clone(&row.profile), _key_id: words[0] })
    }
}

/// Header, SHA-256, one probe, compare: the baseline of `verify`, without swapping tables and cloning profiles.
pub(crate) struct BareLimit(Rows);

impl BareLimit {
    pub(crate) fn new(size: u64) -> Self {
        Self(Rows::new(size))
    }

    #[inline]
    pub(crate) fn verify(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(&X_API_KEY) else { return false };
        let digest = digest(value.as_bytes());
        self.0.row(&digest).is_some_and(|row| same(&row.digest, &words(&digest)))
    }
}

impl Rows {
    fn new(size: u64) -> Self {
        let index = (0..).zip(0..size).map(|(row, number)| (digest(&key(number)), row));
        let rows = (0..size).map(|number| Row {
            digest: words(&digest(&key(number))),
            expires: false,
            profile: name(number).into(),
        });
        Self { index: index.collect(), rows: rows.collect() }
    }

    #[inline]
    fn row(&self, digest: &[u8; 32]) -> Option<&Row> {
        self.rows.get(usize::try_from(*self.index.get(digest)?).ok()?)
    }
}

#[inline]
fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[inline]
fn words(digest: &[u8; 32]) -> [u64; 4] {
    let (words, _) = digest.as_chunks::<8>();
    [0, 1, 2, 3].map(|word| u64::from_ne_bytes(words[word]))
}

#[inline]
fn same(ours: &[u64; 4], theirs: &[u64; 4]) -> bool {
    let words = ours.iter().zip(theirs);
    words.fold(0, |difference, (ours, theirs)| difference | (ours ^ theirs)).ct_eq(&0).into()
}

/// Uses the first word of a digest as its hash.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(word) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*word);
        }
    }

    /// Ignores the length, which all digests share.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
