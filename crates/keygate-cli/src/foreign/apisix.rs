use super::Fault;
use super::draft::{Draft, Entry};
use super::node::{Node, at};
use super::secret::Secret;

/// The parts of the file that messages may name. In a file of another kind, other names may be keys.
const SECTIONS: [&str; 7] = [
    "consumer_groups",
    "global_rules",
    "plugin_configs",
    "routes",
    "services",
    "ssls",
    "upstreams",
];

const HEADER: &str = "apikey";

/// Parses `consumers` with the plugin `key-auth`, in the consumer itself or in its `credentials`.
pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Fault> {
    for document in Node::parse(text)? {
        for (place, consumer) in document.items("", "consumers") {
            let name = consumer.text("username");
            read_plugins(&place, consumer, name, draft);
            for (place, credential) in consumer.items(&place, "credentials") {
                read_plugins(&place, credential, name, draft);
            }
            let Some(name) = name else { continue };
            if !draft.add_client(&place, name) {
                continue;
            }
            if let Some(title) = consumer.text("desc") {
                draft.set_title(&at(&place, "desc"), name, title);
            }
            for (label, value) in consumer.get("labels").map_or(&[][..], Node::entries) {
                if let Some(value) = value.as_text() {
                    draft.add_metadata(&at(&place, "labels"), name, label, value);
                }
            }
        }
        for (name, _) in document.entries() {
            let known = SECTIONS.iter().find(|known| **known == name.as_str());
            if name.as_str() != "consumers" {
                draft.setting(known.unwrap_or(&"another part of the file"));
            }
        }
        document.visit("", &mut |_, node| {
            match node.get("key-auth") {
                // A consumer's plugin has its key.
                Some(plugin) if plugin.get("key").is_none() => {
                    draft.add_header(plugin.text("header").unwrap_or(HEADER));
                }
                _ => {}
            }
        });
    }
    draft.add_default_header(HEADER);
    Ok(())
}

fn read_plugins(place: &str, holder: &Node, name: Option<&str>, draft: &mut Draft) {
    let place = at(place, "plugins");
    for (plugin, config) in holder.get("plugins").map_or(&[][..], Node::entries) {
        let place = at(&place, plugin.as_str());
        if plugin.as_str() != "key-auth" {
            draft.setting(&format!("the plugin {}", plugin.as_str()));
        } else if config.get("_meta").is_some_and(|meta| meta.is_true("disable")) {
            draft.leave_out(place, "its plugin is disabled");
        } else if let Some(key) = config.text("key") {
            draft.add(Entry::new(place, name, Secret::plain(key)));
        } else {
            draft.fault(at(&place, "key"), "it is missing or not a string: put it in quotes");
        }
    }
}
