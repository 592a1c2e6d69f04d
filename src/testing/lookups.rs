use super::ask::Subject;
use super::rule::{Rule, Violation};
use super::sample::{Sample, near, similar};
use crate::key::KeyDigest;
use crate::store::KeyStore;

/// How many samples are told from all digests that are near to them: each costs 260 questions.
const LOOKED_AROUND: usize = 3;

/// What one question after the other shows.
impl<S: KeyStore> Subject<'_, S> {
    pub(super) async fn knows_nothing_else(&self) -> Result<(), Violation> {
        for text in ["", "a key that nobody has", "another key that nobody has"] {
            let digest = KeyDigest::of(text.as_bytes());
            self.expect_none(digest, "an unknown digest", Rule::Unknown).await?;
        }
        Ok(())
    }

    pub(super) async fn takes_keys_exactly(&self) -> Result<(), Violation> {
        for sample in self.samples {
            for (how, text) in sample.key.iter().flat_map(|key| similar(key)) {
                let digest = KeyDigest::of(text.as_bytes());
                self.expect_none(digest, &format!("{sample} {how}"), Rule::ExactKey).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn keeps_records(&self) -> Result<(), Violation> {
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

    pub(super) async fn reads_whole_digests(&self) -> Result<(), Violation> {
        // The digests that were made by hand, and one that was not.
        let by_hand = self.samples.iter().filter(|sample| sample.key.is_none());
        for sample in by_hand.chain(self.samples).take(LOOKED_AROUND + 1) {
            for (how, digest) in near(sample.record.digest()) {
                let what = format!("a digest that is not that of {sample} but {how}");
                self.expect_none(digest, &what, Rule::WholeDigest).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn repeats_itself(&self) -> Result<(), Violation> {
        let unknown = KeyDigest::of(b"a key that is asked for again and again");
        for _ in 0..3 {
            for sample in self.samples {
                let again = self.expect(sample).await;
                again.map_err(|violation| violation.under(Rule::Repeatable))?;
                self.expect_none(unknown, "an unknown digest", Rule::Repeatable).await?;
            }
        }
        Ok(())
    }

    /// Asked of a store that was made without records.
    pub(super) async fn is_empty(&self) -> Result<(), Violation> {
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
