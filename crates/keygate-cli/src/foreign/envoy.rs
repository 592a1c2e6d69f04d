use super::Fault;
use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::Secret;

/// Parses every `credentials` list of keys and clients, anywhere in the configuration.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    for document in Node::parse(text)? {
        document.visit("", &mut |place, node| {
            for (place, credential) in node.items(place, "credentials") {
                read_credential(&place, credential, draft);
            }
            for (_, source) in node.items(place, "key_sources") {
                if let Some(header) = source.text("header") {
                    draft.add_header(header);
                }
            }
        });
    }
    Ok(())
}

fn read_credential(place: &str, credential: &Node, draft: &mut Draft) {
    match (credential.text("key"), credential.get("client")) {
        (Some(key), client) => {
            let client = client.and_then(Node::as_text);
            draft.add(Entry::new(place, client, Secret::plain(key)));
        }
        (None, Some(_)) => {
            draft.fault(at(place, "key"), "it is missing or not a string: put it in quotes");
        }
        // These are other credentials, such as a cluster's.
        (None, None) => {}
    }
}
