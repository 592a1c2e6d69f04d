//! The types for managing keys, made with the canary.

use std::fs;
use std::path::Path;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use keygate::key::KeyFormat;
use keygate::manage::{
    Audit, AuditFinding, AuditKind, ChangeAction, ChangeContext, ChangeEvent, ClientChange,
    ClientFacts, ClientQuery, EventQuery, KeyChange, KeyFacts, KeyQuery, KeySort, ManageError,
    PartialList, Policy, PolicyChange, PolicyError, PurgeKeys, Purged, RotationConflict, Version,
    rules,
};
use keygate::{ApiKey, KeyDigest, KeyRecord, MemoryStore, NewKey, YamlStore};

use crate::redaction::canary::{CANARY, debug, error, text};
use crate::redaction::types::{Shown, digest, profile};

pub(crate) fn all() -> Vec<Shown> {
    let key = ApiKey::generate("kg").unwrap();
    let shown = debug(&key);
    assert!(!shown.contains(key.expose()), "{shown}");
    assert!(!shown.contains(&key.expose()[key.expose().len() - 8..]), "{shown}");

    let store = MemoryStore::new();
    let client = store.add_client(profile()).unwrap();
    let issued = store.issue("User 1", NewKey::new(digest())).unwrap();
    let successor = NewKey::from(&key).with_label("production");
    let rotated = store.rotate(&issued.key_id, successor.clone(), Duration::ZERO).unwrap();

    let prefix = KeyFormat::new(CANARY).unwrap_err();
    let generate = ApiKey::generate(CANARY).unwrap_err();
    let label =
        store.issue("User 1", NewKey::new(KeyDigest::of(b"x")).with_label(CANARY.repeat(4)));
    let ManageError::Label(label) = label.unwrap_err() else { panic!("the label was taken") };
    let errors = refusals(&store);
    let conflicts = errors.iter().filter_map(|error| match error {
        ManageError::Conflict { conflict, .. } => Some(conflict),
        _ => None,
    });
    let conflicts = conflicts.map(|conflict: &RotationConflict| error(conflict)).collect();
    let changes = (
        ClientChange::new().set_metadata("secret", CANARY).with_metadata([("secret", CANARY)]),
        KeyChange::new().with_label("production").with_expiry(UNIX_EPOCH),
    );
    let findings =
        Audit::new().findings(slice::from_ref(&client), slice::from_ref(&issued), UNIX_EPOCH);
    let kinds = findings.iter().map(|finding: &AuditFinding| finding.kind);
    let kinds = kinds.map(|kind: AuditKind| text(&kind)).collect::<String>();
    let (health, reload, lint) = file();
    let moved = moved();
    vec![
        ("ApiKey", shown),
        ("KeyFormat", debug(&KeyFormat::default())),
        ("InvalidPrefix", error(&prefix)),
        ("GenerateError", error(&generate)),
        ("ClientInfo", debug(&client)),
        ("ClientChange", debug(&changes.0)),
        ("ClientQuery", debug(&ClientQuery::new())),
        ("KeyQuery", debug(&KeyQuery::new())),
        ("EventQuery", debug(&EventQuery::new())),
        ("ChangeEvent", debug(&ChangeEvent::new(UNIX_EPOCH, ChangeAction::KeyIssued))),
        ("ChangeAction", text(&ChangeAction::KeyIssued)),
        ("ParseActionError", error(&CANARY.parse::<ChangeAction>().unwrap_err())),
        ("KeySort", debug(&KeySort::Expires)),
        ("Page", debug(&store.keys(&KeyQuery::new()).unwrap())),
        ("KeyChange", debug(&changes.1)),
        ("Audit", debug(&Audit::new())),
        ("AuditFinding", debug(&findings)),
        ("AuditKind", kinds),
        ("Policy", debug(&Policy::new().require_expiry())),
        ("PolicyChange", debug(&PolicyChange::new().require_expiry())),
        ("PolicyError", error(&PolicyError::NoExpiry)),
        ("PurgeKeys", debug(&PurgeKeys::new().revoked_before(UNIX_EPOCH))),
        ("Purged", debug(&purged())),
        ("Version", text(&client.version()) + &debug(&client.version())),
        ("ParseVersionError", error(&CANARY.parse::<Version>().unwrap_err())),
        ("ChangeContext", debug(&ChangeContext::default().for_actor("ann").unwrap())),
        ("ClientFacts", debug(&ClientFacts::new(profile()))),
        ("KeyFacts", debug(&KeyFacts::new(digest(), "User 1"))),
        ("Lifetime", debug(&issued.lifetime)),
        ("KeyInfo", debug(&issued)),
        ("LastUsed", text(&issued.last_used)),
        ("KeyStatus", text(&issued.status(std::time::UNIX_EPOCH))),
        ("NewKey", debug(&successor) + &debug(&NewKey::new(digest()))),
        ("Expiry", debug(&successor.expiry())),
        ("Rotated", debug(&rotated)),
        ("PartialList", debug(&PartialList::from(vec![issued.clone()]))),
        ("RotationConflict", conflicts),
        ("Export", moved.0),
        ("Imported", moved.1),
        ("ImportConflict", moved.2),
        ("ConflictReason", moved.3),
        ("LabelError", error(&label)),
        ("ManageError", errors.iter().map(|cause| error(cause)).collect()),
        ("KeyFileHealth", health),
        ("ReloadError", reload),
        ("YamlLint", lint),
    ]
}

/// The facts of a key, and of the one that it replaced.
fn purged() -> Purged {
    let mut new = KeyFacts::new(digest(), "User 1");
    assert!(rules::revoke(&mut new, UNIX_EPOCH));
    let mut old = KeyFacts::new(KeyDigest::of(b"old"), "User 1");
    old.replaced_by = Some(new.key_id());
    assert!(rules::revoke(&mut old, UNIX_EPOCH + Duration::from_secs(1)));
    let purged =
        rules::purge(vec![old, new], &PurgeKeys::new().revoked_before(UNIX_EPOCH), UNIX_EPOCH);
    assert_eq!((purged.removed.len(), purged.changed.len()), (1, 1));
    purged
}

/// Exports, the outcomes of imports, and their conflicts.
fn moved() -> (String, String, String, String) {
    use keygate::manage::{ConflictReason, ImportConflict, TransferKeys as _};

    let (old, new) = (MemoryStore::new(), MemoryStore::new());
    old.insert_record(KeyRecord::new(digest(), profile())).unwrap();
    let key_id = new.insert_record(KeyRecord::new(digest(), profile())).unwrap();
    new.revoke(&key_id).unwrap();
    new.disable_client("User 1").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let holdings = runtime.block_on(old.export_keys()).unwrap();
    let imported = runtime.block_on(new.import_keys(&holdings)).unwrap();
    assert_eq!(imported.refused.len(), 2);
    let refused = imported.refused.iter().map(|refused: &ImportConflict| error(refused)).collect();
    let why = [
        ConflictReason::Revoked,
        ConflictReason::IdConflict,
        ConflictReason::Client,
        ConflictReason::Disabled,
    ];
    let why = why.map(|why| error(&why)).concat();
    (debug(&holdings), debug(&imported), refused, why)
}

/// Refusals with the canary as a name, as an id, and as the key itself.
fn refusals(store: &MemoryStore) -> Vec<ManageError> {
    let keys = store.list_keys(None).unwrap();
    let id = keys.iter().find(|key| key.replaced_by.is_some()).unwrap().key_id;
    let unknown = "0123456789abcdef".parse().unwrap();
    let again = NewKey::new(digest());
    let old = "0123456789abcdef".parse().unwrap();
    vec![
        store.disable_client(CANARY).unwrap_err(),
        store.enable_client(&CANARY[..8]).unwrap_err(),
        store.list_keys(Some(CANARY)).unwrap_err(),
        store.issue(CANARY, again.clone()).unwrap_err(),
        store.issue("User 1", again.clone()).unwrap_err(),
        store.issue("User 1", again.clone().with_expiry(UNIX_EPOCH)).unwrap_err(),
        store.revoke(&unknown).unwrap_err(),
        store.rotate(&id, again, Duration::ZERO).unwrap_err(),
        store.for_actor(&CANARY.repeat(4)).unwrap_err(),
        store.if_version(old).disable_client("User 1").unwrap_err(),
        store.if_version(old).revoke(&id).unwrap_err(),
        store.add_client("User 1").unwrap_err(),
        store.remove_client("User 1").unwrap_err(),
        "".parse::<YamlStore>().unwrap().add_client(CANARY).unwrap_err(),
        YamlStore::create("/nowhere/keys.yml").unwrap_err(),
    ]
}

/// Errors and warnings about a file that contains the canary, whole and in parts.
fn file() -> (String, String, String) {
    // Several tests check all types at the same time.
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shown {number}.yml"));
    fs::write(&path, format!("api_key: {CANARY}\n")).unwrap();
    let store = YamlStore::open(&path).unwrap();
    // A comment that contains the key prevents hashing it, and is not shown.
    fs::write(&path, format!("api_key: {CANARY}\n# was {CANARY}\n")).unwrap();
    let hash = store.hash_keys().unwrap_err();

    fs::write(
        &path,
        format!(
            "{CANARY}: 1\nclients:\n  {CANARY}:\n    {CANARY}: 1\n    scopes: [{CANARY}]\n    quota: {CANARY}\n    \
             keys:\n    - digest: {CANARY}\n    - {{expires: {CANARY}, replaced_by: {CANARY}}}\n"
        ),
    )
    .unwrap();
    let reload = store.reload().unwrap_err();
    let lint = YamlStore::lint(&path);
    assert!(lint.errors.len() >= 5, "{lint:?}");
    let lines = lint.errors.iter().map(|cause| error(cause)).collect::<String>();
    (debug(&store.health()), error(&reload), debug(&lint) + &lines + &text(&hash))
}
