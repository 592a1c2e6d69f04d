use super::rule::{Rule, Violation};
use super::sample::{Sample, near, similar};
use super::subject::Subject;
use crate::key::KeyDigest;
use crate::store::KeyStore;

/// The number of samples whose similar digests are looked up, with 260 lookups each.
const NEIGHBORS: usize = 3;

/// Checks with one lookup after the other.
impl<S: KeyStore> Subject<'_, S> {
    pub(super) async fn check_unknown(&self) -> Result<(), Violation> {
        for text in ["", "a key that nobody has", "another key that nobody has"] {
            let digest = KeyDigest::of(text.as_bytes());
            self.expect_none(digest, "an unknown digest", Rule::Unknown).await?;
        }
        Ok(())
    }

    pub(super) async fn check_exact_keys(&self) -> Result<(), Violation> {
        for sample in self.samples {
            for (how, text) in sample.key.iter().flat_map(|key| similar(key)) {
                let digest = KeyDigest::of(text.as_bytes());
                self.expect_none(digest, &format!("{sample} {how}"), Rule::ExactKey).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn check_records(&self) -> Result<(), Violation> {
        for sample in self.samples {
            let Err(violation) = self.expect(sample).await else { continue };
            if matches!(violation.rule(), Rule::Found | Rule::Name) {
                for sibling in self.samples.iter().filter(|other| is_sibling(sample, other)) {
                    if self.expect(sibling).await.is_ok() {
                        return Err(violation.under(Rule::SharedClient));
                    }
                }
            }
            return Err(violation);
        }
        Ok(())
    }

    pub(super) async fn check_whole_digests(&self) -> Result<(), Violation> {
        // The handmade digests, and the digest of a key.
        let by_hand = self.samples.iter().filter(|sample| sample.key.is_none());
        for sample in by_hand.chain(self.samples).take(NEIGHBORS + 1) {
            for (how, digest) in near(sample.record.digest()) {
                let what = format!("a digest that differs from {sample} and {how}");
                self.expect_none(digest, &what, Rule::WholeDigest).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn check_repeated_lookups(&self) -> Result<(), Violation> {
        let unknown = KeyDigest::of(b"a key that is looked up repeatedly");
        for _ in 0..3 {
            for sample in self.samples {
                let again = self.expect(sample).await;
                again.map_err(|violation| violation.under(Rule::Repeatable))?;
                self.expect_none(unknown, "an unknown digest", Rule::Repeatable).await?;
            }
        }
        Ok(())
    }

    /// Checks a store that was created without records.
    pub(super) async fn check_empty(&self) -> Result<(), Violation> {
        for sample in self.samples {
            let what = format!("in a store without keys, {sample}");
            self.expect_none(sample.record.digest(), &what, Rule::Empty).await?;
        }
        Ok(())
    }
}

fn is_sibling(sample: &Sample, other: &Sample) -> bool {
    sample.record.profile().name() == other.record.profile().name()
        && sample.record.digest() != other.record.digest()
}
