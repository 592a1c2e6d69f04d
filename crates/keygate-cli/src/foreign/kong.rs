use std::collections::HashMap;

use jiff::Timestamp as Now;

use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::{Secret, unix_time};
use super::{Fault, ScopesFrom};

const HEADER: &str = "apikey";

/// The fields with which other parts of a dump refer to a consumer.
const IDS: [&str; 3] = ["id", "username", "custom_id"];

/// The credentials of consumers that are not API keys.
const OTHERS: [&str; 6] = [
    "basicauth_credentials",
    "hmacauth_credentials",
    "jwt_secrets",
    "mtls_auth_credentials",
    "oauth2_credentials",
    "plugins",
];

/// The parts of the file that messages may name. In a file of another kind, other names may be keys.
const SECTIONS: [&str; 7] =
    ["certificates", "consumer_groups", "plugins", "routes", "services", "upstreams", "vaults"];

/// Parses `consumers` with their `keyauth_credentials`. In a dump, the credentials refer to their consumers instead.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    for document in Node::parse(text)? {
        let consumers = document.items("", "consumers");
        let mut names = HashMap::new();
        for (place, consumer) in &consumers {
            let name = consumer.text("username").or_else(|| consumer.text("custom_id"));
            let ids = IDS.map(|id| consumer.text(id));
            names.extend(ids.into_iter().flatten().zip(std::iter::repeat(name)));
            read_consumer(place, consumer, name, draft);
        }
        let consumer_of = |item| consumer_of(&names, item);
        for (place, credential) in document.items("", "keyauth_credentials") {
            read_credential(&place, credential, consumer_of(credential), draft);
        }
        for (place, acl) in document.items("", "acls") {
            if let (Some(name), Some(group)) = (consumer_of(acl), acl.text("group")) {
                draft.add_group(ScopesFrom::Acl, &place, name, group);
            }
        }
        for (name, _) in document.entries() {
            let name = name.as_str();
            let is_read = ["consumers", "keyauth_credentials", "acls"].contains(&name);
            if !is_read && !name.starts_with('_') {
                let known = SECTIONS.iter().find(|known| **known == name);
                draft.setting(known.unwrap_or(&"another part of the file"));
            }
        }
        document.visit("", &mut |_, node| {
            if node.text("name") == Some("key-auth") {
                let names = node.get("config").and_then(|config| config.get("key_names"));
                match names.map(Node::as_list) {
                    Some(names) => {
                        names.iter().filter_map(Node::as_text).for_each(|n| draft.add_header(n));
                    }
                    None => draft.add_header(HEADER),
                }
            }
        });
    }
    draft.add_default_header(HEADER);
    Ok(())
}

/// Returns the name of the consumer to which an item of a dump belongs.
fn consumer_of<'a>(names: &HashMap<&str, Option<&'a str>>, item: &'a Node) -> Option<&'a str> {
    let consumer = item.get("consumer")?;
    let text = consumer.as_text().or_else(|| IDS.into_iter().find_map(|id| consumer.text(id)))?;
    names.get(text).copied().unwrap_or(Some(text))
}

fn read_consumer(place: &str, consumer: &Node, name: Option<&str>, draft: &mut Draft) {
    let credentials = consumer.items(place, "keyauth_credentials");
    for (place, credential) in credentials {
        read_credential(&place, credential, name, draft);
    }
    for field in OTHERS {
        for (place, item) in consumer.items(place, field) {
            match item.text("name") {
                Some(plugin) if field == "plugins" => {
                    draft.setting(&format!("the plugin {plugin}"));
                }
                _ if field == "plugins" => {}
                _ => draft.leave_out(place, "it is not an API key"),
            }
        }
    }
    let Some(name) = name else { return };
    if !draft.add_client(place, name) {
        return;
    }
    let tags: Vec<_> = consumer
        .get("tags")
        .map_or(&[][..], Node::as_list)
        .iter()
        .filter_map(Node::as_text)
        .collect();
    if !tags.is_empty() {
        draft.add_metadata(&at(place, "tags"), name, "tags", &tags.join(", "));
    }
    if let Some(id) = consumer.text("custom_id").filter(|id| *id != name) {
        draft.add_metadata(&at(place, "custom_id"), name, "custom_id", id);
    }
    for (place, acl) in consumer.items(place, "acls") {
        if let Some(group) = acl.text("group") {
            draft.add_group(ScopesFrom::Acl, &place, name, group);
        }
    }
}

fn read_credential(place: &str, credential: &Node, name: Option<&str>, draft: &mut Draft) {
    let Some(key) = credential.text("key") else {
        return draft.fault(at(place, "key"), "it is missing or not a string: put it in quotes");
    };
    let mut entry = Entry::new(place, name, Secret::plain(key));
    let created_at = credential.number("created_at");
    if credential.get("created_at").is_some() && created_at.is_none() {
        return draft.fault(at(place, "created_at"), "it is not a number of seconds since 1970");
    }
    let created = created_at.map(unix_time);
    // The gateway counts the time to live from the creation of the key, or from loading the file.
    let from = created_at.unwrap_or_else(|| Now::now().as_duration().as_secs_f64());
    let expires = match credential.get("ttl") {
        None => None,
        Some(Node::Number(ttl)) => (*ttl > 0.0).then(|| unix_time(from + ttl)),
        Some(_) => return draft.fault(at(place, "ttl"), "it is not a number of seconds"),
    };
    match (created.transpose(), expires.transpose()) {
        (Ok(created), Ok(expires)) => (entry.created, entry.expires) = (created, expires),
        (Err(why), _) | (_, Err(why)) => return draft.fault(place, &why),
    }
    draft.add(entry);
}
