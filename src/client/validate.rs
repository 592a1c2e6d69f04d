use super::{ClientProfile, MAX_METADATA_BYTES, ProfileError, label};
use crate::key::invisible;

impl ClientProfile {
    /// Checks the rules for profiles, as every store does.
    ///
    /// # Errors
    ///
    /// The name is empty, is longer than [`MAX_NAME_CHARS`](crate::client::MAX_NAME_CHARS), is a generated key, or has
    /// control characters, invisible characters, or blanks at either end. Or the title breaks one of these rules. Or the
    /// metadata is longer than
    /// [`MAX_METADATA_BYTES`], has a zero character, or has a name with an invisible character.
    pub fn validate(&self) -> Result<(), ProfileError> {
        label::check(self.name()).map_err(ProfileError::Name)?;
        self.title().map_or(Ok(()), label::check).map_err(ProfileError::Title)?;
        let bytes = self.metadata().iter().map(|(name, value)| name.len() + value.len());
        if bytes.sum::<usize>() > MAX_METADATA_BYTES {
            return Err(ProfileError::MetadataTooLong);
        }
        let mut texts = self.metadata().iter().flat_map(|(name, value)| [name, value]);
        if texts.any(|text| text.contains('\0')) {
            return Err(ProfileError::MetadataZero);
        }
        if let Some(found) = self.metadata().keys().find_map(|name| invisible::in_name(name)) {
            return Err(ProfileError::MetadataInvisible(found));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{LabelError, MAX_NAME_CHARS};
    use crate::key::InvisibleChar;

    #[test]
    fn names_and_metadata_are_validated() {
        let long = "n".repeat(MAX_NAME_CHARS + 1);
        let key = crate::ApiKey::generate("kg").unwrap();
        let cases = [
            ("", Err(ProfileError::Name(LabelError::Empty))),
            (" \u{a0}", Err(ProfileError::Name(LabelError::Empty))),
            (&long, Err(ProfileError::Name(LabelError::TooLong))),
            (&long[1..], Ok(())),
            ("User\n1", Err(ProfileError::Name(LabelError::Control))),
            ("User\u{85}1", Err(ProfileError::Name(LabelError::Control))),
            (" User 1", Err(ProfileError::Name(LabelError::OuterBlank))),
            ("User 1 ", Err(ProfileError::Name(LabelError::OuterBlank))),
            ("Größe 1", Ok(())),
            (
                "User \u{202e}1",
                Err(ProfileError::Name(LabelError::Invisible(InvisibleChar {
                    character: '\u{202e}',
                    position: 6,
                }))),
            ),
            (key.expose(), Err(ProfileError::Name(LabelError::Key))),
        ];
        for (name, expected) in cases {
            assert_eq!(ClientProfile::from(name).validate(), expected, "{name:?}");
        }
        for (title, expected) in [
            (&long[1..], Ok(())),
            (&long, Err(LabelError::TooLong)),
            ("", Err(LabelError::Empty)),
            (" Shop", Err(LabelError::OuterBlank)),
            ("Shop\n", Err(LabelError::Control)),
            (key.expose(), Err(LabelError::Key)),
        ] {
            let titled = ClientProfile::new("n").with_title(title);
            assert_eq!(titled.title(), Some(title));
            assert_eq!(titled.validate(), expected.map_err(ProfileError::Title), "{title:?}");
        }
        let full =
            ClientProfile::new("n").with_metadata([("k", "v".repeat(MAX_METADATA_BYTES - 1))]);
        assert_eq!(full.validate(), Ok(()));
        let over = ClientProfile::new("n").with_metadata([("k", "v".repeat(MAX_METADATA_BYTES))]);
        assert_eq!(over.validate(), Err(ProfileError::MetadataTooLong));
        for pair in [("k", "v\0"), ("\0", "v")] {
            let zero = ClientProfile::new("n").with_metadata([pair]);
            assert_eq!(zero.validate(), Err(ProfileError::MetadataZero));
        }
        let unseen = ClientProfile::new("n").with_metadata([("te\u{2060}am", "x")]);
        let found = InvisibleChar { character: '\u{2060}', position: 3 };
        assert_eq!(unseen.validate(), Err(ProfileError::MetadataInvisible(found)));
        let family = ClientProfile::new("n").with_metadata([("team", "👨\u{200d}👩")]);
        assert_eq!(family.validate(), Ok(()));
    }
}
