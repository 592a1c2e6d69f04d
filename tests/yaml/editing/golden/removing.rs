//! Clients that are removed.

use super::edited;

fn remove(
    store: &keygate::YamlStore,
) -> Result<keygate::manage::ClientInfo, keygate::manage::ManageError> {
    store.remove_client("A")
}

#[test]
fn only_the_removed_client_and_its_keys_are_gone() {
    edited(
        "# Head.\nclients:\n  # About A.\n  A:   # a\n    enabled: false\n    # Deep.\n    keys:\n      - digest: DIGEST_A\n        # Deeper.\n\n  # About B.\n  B:\n    keys:\n      - digest: DIGEST_B\n# Tail.\n",
        remove,
        "# Head.\nclients:\n  # About A.\n        # Deeper.\n\n  # About B.\n  B:\n    keys:\n      - digest: DIGEST_B\n# Tail.\n",
    );
    edited(
        "clients:\n  B: {}\n  A: {enabled: false}   # a\n\n# Tail.\n",
        remove,
        "clients:\n  B: {}\n\n# Tail.\n",
    );
}

#[test]
fn removing_the_last_client_keeps_the_field() {
    edited("clients:   # all\n  A:\n    enabled: false\n", remove, "clients:   # all\n");
}

#[test]
fn client_in_both_forms_is_removed_from_both() {
    edited(
        "api_keys:\n  KEY_A: A   # one\n  KEY_B: B   # two\n  KEY_C: 'A'\nclients:\n  A:\n    enabled: false\n  B:\n",
        remove,
        "api_keys:\n  KEY_B: B   # two\nclients:\n  B:\n",
    );
    edited(
        "api_key: KEY_A\nclients:\n  default:\n    enabled: false\n",
        |store| store.remove_client("default"),
        "clients:\n",
    );
}

#[test]
fn client_in_flow_style_is_removed_with_its_lines() {
    edited(
        "clients:\n  # About A.\n  A: {\n    enabled: false   # off\n  }   # a\n  # About B.\n  B: {}   # b\n",
        remove,
        "clients:\n  # About A.\n  # About B.\n  B: {}   # b\n",
    );
}

#[test]
fn explicit_client_is_removed() {
    edited(
        "clients:\n  ? A\n  : enabled: false\n  ? B\n  : enabled: true\n",
        remove,
        "clients:\n  ? B\n  : enabled: true\n",
    );
}
