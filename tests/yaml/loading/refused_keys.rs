use keygate::KeyDigest;

use super::check::refused;
use super::refused_clients::{DIGEST, key, refused_in, wrong};

const TIME: &str = "this is not a time: write it as in `2027-01-31T00:00:00Z`, with an offset (RFC 3339), or remove the line";

#[test]
fn duplicate_key_is_refused_in_every_form() {
    let digest = KeyDigest::of(b"c4n4ry-0123456789").to_text();
    let second = |line| {
        format!("this key is already in the file, on line {line}: give each client its own key")
    };
    let upper = digest.to_uppercase().replace("SHA256", "sha256");
    let long = format!("clients:\n  App 1:\n    keys:\n      - digest: {digest}\n");
    refused(&[
        (&format!("{long}      - digest: {upper}\n"), "5:17", &second(4)),
        (&format!("{long}  App 2: {{keys: [{{digest: '{digest}'}}]}}\n"), "5:27", &second(4)),
        (&format!("{long}api_key: c4n4ry-0123456789\n"), "5:10", &second(4)),
        (&format!("api_keys:\n  c4n4ry-0123456789: App 1\n{long}"), "6:17", &second(2)),
        (
            &format!("{long}        revoked: 2026-11-01T12:00:00Z\napi_key: c4n4ry-0123456789\n"),
            "6:10",
            &second(4),
        ),
        (
            &format!("{long}      - digest: {}\n", last_digit_changed(&digest)),
            "5:17",
            "this key has the same id as the one on line 4: generate a new key",
        ),
    ]);
}

/// The digest with its last digit changed, so that the ids are the same.
fn last_digit_changed(digest: &str) -> String {
    let (others, last) = digest.split_at(digest.len() - 1);
    format!("{others}{}", if last == "0" { "1" } else { "0" })
}

#[test]
fn invalid_digests_are_refused_and_never_shown() {
    let message = |what| {
        format!(
            "{what}: `keygate key issue` writes digests, and a plaintext key belongs below `api_keys:` (the value is not shown, since it may be a key)"
        )
    };
    let algorithm = message(
        "a digest is written with its algorithm, such as `sha256:` and 64 hexadecimal digits",
    );
    let unknown =
        message("this algorithm is not supported: write `sha256:` and 64 hexadecimal digits");
    let digits = message("a SHA-256 digest has 64 hexadecimal digits");
    let way = "write `sha256:` and 64 hexadecimal digits";
    let item = |field: &str| format!("clients:\n  App 1:\n    keys:\n      - {field}\n");
    let (_, hex) = DIGEST.split_once(':').unwrap();
    refused_in(
        item,
        &[
            ("digest: c4n4ry-08zEk8IC0le3I0kPwSF1g4XU9R5", "4:17", &algorithm),
            (&format!("digest: {hex}"), "4:17", &algorithm),
            ("digest: ''", "4:17", &algorithm),
            (&format!("digest: sha512:{hex}"), "4:17", &unknown),
            (&format!("digest: SHA256:{hex}"), "4:17", &unknown),
            (&format!("digest: 'hmac-sha256:1:{hex}'"), "4:17", &unknown),
            ("digest: sha256:c4n4ry", "4:17", &digits),
            (&format!("digest: sha256:{}", &hex[1..]), "4:17", &digits),
            (&format!("digest: sha256:{hex}0"), "4:17", &digits),
            (&format!("digest: 'sha256: {hex}'"), "4:17", &digits),
            ("digest:", "4:15", &wrong("a digest", "nothing", way)),
            ("digest: [c4n4ry]", "4:17", &wrong("a digest", "a list", way)),
            (
                "label: c4n4ry",
                "4:9",
                "the key has no `digest`: write `digest: sha256:` and 64 hexadecimal digits",
            ),
            (
                "{}",
                "4:9",
                "the key has no `digest`: write `digest: sha256:` and 64 hexadecimal digits",
            ),
        ],
    );
}

#[test]
fn times_have_a_date_a_clock_and_an_offset() {
    let way = "write it as in `2027-01-31T00:00:00Z`, or remove the line";
    for field in ["created", "expires", "revoked"] {
        let column = format!("5:{}", 9 + field.len() + 2);
        for text in [
            "2027-01-31",
            "2027-01-31T00:00:00",
            "2027-01-31 00:00:00Z",
            "90d",
            "tomorrow",
            "''",
            "1800000000",
            "2027-02-29T00:00:00Z",
            "c4n4ry",
        ] {
            refused_in(key, &[(&format!("{field}: {text}"), &column, TIME)]);
        }
        let nothing = format!("5:{}", 9 + field.len());
        refused_in(
            key,
            &[
                (&format!("{field}:"), &nothing, &wrong("a time", "nothing", way)),
                (&format!("{field}: {{c4n4ry: x}}"), &column, &wrong("a time", "a mapping", way)),
            ],
        );
    }
}

#[test]
fn successors_are_named_by_their_id() {
    let message = "a key id has 16 hexadecimal digits";
    for id in ["c4n4ry", "1f0c2b7a9d3e4c5", "1f0c2b7a9d3e4c580", "1f0c2b7a9d3e4c5g", "''", DIGEST] {
        refused_in(key, &[(&format!("replaced_by: {id}"), "5:22", message)]);
    }
    refused_in(
        key,
        &[(
            "replaced_by:",
            "5:20",
            &wrong("the id of a key", "nothing", "write its 16 hexadecimal digits"),
        )],
    );
}
