use super::case::Case;
use super::facts::differing;
use super::sample::{Sample, near, similar};
use crate::key::KeyDigest;
use crate::store::{KeyRecord, KeyStore, LookupResult};

/// The number of samples whose similar digests are looked up, with 260 lookups each.
const NEIGHBORS: usize = 3;

impl<S: KeyStore> Case<S> {
    pub(super) async fn lookup(&self, digest: KeyDigest) -> LookupResult {
        self.wait("a lookup", self.store.lookup(digest)).await
    }

    /// Checks that the record of a sample, or of an unknown digest, is found as it was stored.
    pub(super) async fn finds(&self, sample: Option<&Sample>, digest: KeyDigest) {
        self.check(sample, self.lookup(digest).await);
    }

    async fn finds_nothing(&self, what: &str, digest: KeyDigest) {
        let found = self.found(what, self.lookup(digest).await);
        assert!(found.is_none(), "{self}: {what} is found");
    }

    fn found(&self, what: &str, result: LookupResult) -> Option<KeyRecord> {
        result.unwrap_or_else(|error| panic!("{self}: the lookup of {what} failed: {error:?}"))
    }

    /// Checks the result of looking up a sample, or an unknown digest.
    pub(super) fn check(&self, sample: Option<&Sample>, result: LookupResult) {
        let what = sample.map_or("an unknown digest", |sample| &*sample.what);
        match (sample, self.found(what, result)) {
            (None, None) => {}
            (None, Some(_)) => panic!("{self}: {what} is found"),
            (Some(_), None) => panic!("{self}: {what} is not found"),
            (Some(Sample { record: stored, .. }), Some(record)) => {
                let status = (stored.state(), stored.is_replaced());
                let differing = differing(stored.profile(), &stored.facts(), status, &record);
                assert!(differing.is_empty(), "{self}: {differing:?} of {what} are not kept");
            }
        }
    }
}

pub(super) async fn unknown_digest_is_none(case: &Case<impl KeyStore>, _: &[Sample]) {
    // The first lookup may have stored something.
    for text in ["", "a key that nobody has", "a key that nobody has"] {
        case.finds_nothing("an unknown digest", KeyDigest::of(text.as_bytes())).await;
    }
}

pub(super) async fn key_is_found_by_its_exact_text(case: &Case<impl KeyStore>, samples: &[Sample]) {
    for sample in samples {
        for (how, text) in sample.key.iter().flat_map(|key| similar(key)) {
            let what = format!("{} {how}", sample.what);
            case.finds_nothing(&what, KeyDigest::of(text.as_bytes())).await;
        }
    }
}

pub(super) async fn record_is_kept(case: &Case<impl KeyStore>, samples: &[Sample]) {
    // A cache may lose a key or a field after the first lookup.
    for sample in samples.iter().chain(samples) {
        case.finds(Some(sample), sample.record.digest()).await;
    }
}

pub(super) async fn whole_digest_is_compared(case: &Case<impl KeyStore>, samples: &[Sample]) {
    // Some handmade digests, and the digest of one key.
    let by_hand = samples.iter().filter(|sample| sample.key.is_none());
    for sample in by_hand.chain(samples).take(NEIGHBORS + 1) {
        for (how, digest) in near(sample.record.digest()) {
            let what = format!("a digest that {how} {}", sample.what);
            case.finds_nothing(&what, digest).await;
        }
    }
}

pub(super) async fn empty_store_has_no_keys(case: &Case<impl KeyStore>, samples: &[Sample]) {
    for sample in samples {
        case.finds_nothing(&sample.what, sample.record.digest()).await;
    }
}
