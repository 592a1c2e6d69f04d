//! Key safety: the cards with counts, and the lists behind them.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keygate::client::Network;
use keygate::manage::{Audit, AuditKind, ClientChange, Policy, PurgeKeys};
use keygate::testing::FakeClock;
use keygate::{ClientProfile, KeyDigest, MemoryStore, NewKey, YamlStore};
use keygate_admin::{HealthFuture, HealthReport, StoreHealth};

use crate::filled::send;
use crate::hooked::Hooked;
use crate::kept::{DAY, Kept};
use crate::support::{Answer, Page, Server, at};

const UNUSED: &str = "Replaced and no longer used";
const CLAIM: &str = "It has not been used since its successor began to work";

/// Creates a store with a finding for each card.
async fn unsafe_keys() -> Kept {
    let kept = Kept::since(at(0) - 200 * DAY).await;
    let limited = |name: &str| ClientProfile::new(name).with_quota("9/day".parse().unwrap());
    for name in ["Quiet", "Empty", "Gone", "Rotated", "Silent", "Long", "Expired", "Moved"] {
        kept.store.add_client(limited(name)).unwrap();
    }
    kept.key("Quiet", "forever", |key| key.with_label("forever"));
    let later = |days: u32| move |key: NewKey| key.with_expiry(at(0) + days * DAY);
    kept.key("Loose", "loose", later(10));
    kept.key("Long", "long", later(400));
    let network = |text: &str| text.parse::<Network>().unwrap();
    kept.key("Moved", "moved", |key| later(10)(key).with_networks([network("10.1.0.0/16")]));
    let moved = ClientChange::new().with_networks([network("192.168.0.0/16")]);
    kept.store.update_client("Moved", moved).unwrap();
    let gone = kept.key("Gone", "gone", later(10));
    kept.key("Gone", "stays", later(10));
    kept.store.revoke(&gone).unwrap();
    kept.key("Expired", "expired", |key| key.with_expiry(at(0) - 91 * DAY));
    kept.key("Expired", "expired yesterday", |key| key.with_expiry(at(0) - DAY));
    kept.key("Expired", "new", later(10));
    let rotated = kept.key("Rotated", "old and used", later(100));
    let silent = kept.key("Silent", "old and silent", later(100));
    kept.pass(50 * DAY).await;
    for (old, new) in [(rotated, "successor 1"), (silent, "successor 2")] {
        let new = NewKey::new(KeyDigest::of(new.as_bytes()));
        kept.store.rotate(&old, new, 250 * DAY).unwrap();
    }
    kept.pass(150 * DAY).await;
    for key in ["loose", "long", "stays", "new", "old and used", "successor 1", "successor 2"] {
        kept.calls(key, 1);
    }
    kept.flush().await;
    let policy = Policy::new().with_max_lifetime(365 * DAY);
    kept.store.update_policy(policy).unwrap();
    kept
}

/// Returns the number on a card.
fn count(page: &Answer, title: &str) -> usize {
    let (_, card) = page.body.split_once(&format!("<h2>{title}</h2>")).expect(title);
    let (number, _) = card.split_once("</p>").unwrap();
    number.rsplit_once('>').unwrap().1.parse().expect(card)
}

#[tokio::test]
async fn cards_count_what_the_audit_finds() {
    let kept = unsafe_keys().await;
    let server = Server::with(Arc::new(kept.store.clone()), kept.with_usage());
    let mut page = server.signed_in("ray").await;
    let cards = page.get("/safety").await;

    let mut keys = kept.store.list_keys(None).unwrap();
    let uses = kept.history.last_uses(None).await.unwrap();
    uses.add_to(&mut keys);
    let audit = Audit::new().with_policy(kept.store.policy()).with_watched(uses.watched());
    let findings = audit.findings(&kept.store.list_clients(), &keys, at(0));
    for (title, path, kind, client) in [
        ("Never expires", "never-expires", AuditKind::NeverExpires, "Quiet"),
        ("Unused for 90 days", "unused", AuditKind::Unused, "Quiet"),
        ("No quota", "no-quota", AuditKind::NoQuota, "Loose"),
        ("Beyond the policy", "beyond-policy", AuditKind::BeyondPolicy, "Long"),
        ("Clients without keys", "no-keys", AuditKind::NoKeys, "Empty"),
        ("Valid from nowhere", "no-networks", AuditKind::NoNetworks, "Moved"),
        ("Replaced but still in use", "replaced-but-used", AuditKind::ReplacedButUsed, "Rotated"),
        (UNUSED, "replaced-and-unused", AuditKind::ReplacedAndUnused, "Silent"),
        ("Safe to remove", "safe-to-remove", AuditKind::Removable, "Gone"),
    ] {
        let found = findings.iter().filter(|finding| finding.kind == kind).count();
        assert!(found > 0, "{title}");
        assert_eq!(count(&cards, title), found, "{title}");
        cards.says(&format!("href=\"/safety/{path}\""));
        let list = page.get(&format!("/safety/{path}")).await;
        list.says(&format!("<h1>{title}</h1>")).says(&format!("href=\"/clients/{client}\""));
        assert_eq!(list.body.matches(" scope=\"row\">").count(), found, "{title}");
    }
}

#[tokio::test]
async fn safe_to_remove_lists_what_a_purge_removes() {
    let kept = unsafe_keys().await;
    let mut page = Page::new(Arc::new(kept.store.clone())).await;
    let list = page.get("/safety/safe-to-remove").await;
    let limit = at(0) - 90 * DAY;
    let purge = PurgeKeys::new().revoked_before(limit).expired_before(limit).dry_run();
    let purged = kept.store.purge_keys(&purge).unwrap();
    let purged: BTreeSet<_> = purged.iter().map(|key| key.key_id.to_string()).collect();
    let ids = list.body.split("href=\"/keys/").skip(1).map(|rest| rest[..16].to_owned());
    assert_eq!(ids.collect::<BTreeSet<_>>(), purged);
    assert_eq!(purged.len(), 2);
}

#[tokio::test]
async fn card_without_data_is_not_known_instead_of_zero() {
    let kept = unsafe_keys().await;
    let store = Arc::new(kept.store.clone());
    let mut page = Page::new(store.clone()).await;
    let cards = page.get("/safety").await;
    for title in ["Unused for 90 days", "Replaced but still in use", UNUSED, "Weak or plaintext"] {
        let (_, card) = cards.body.split_once(&format!("<h2>{title}</h2>")).expect(title);
        assert!(card[..60].contains("Not known"), "{title}: {card}");
    }
    cards.says("this page was started without a usage history");
    page.get("/safety/unused").await.says("Not known").says("last use of keys");
    assert_eq!(count(&cards, "Never expires"), 1);

    // The usage history is unavailable.
    let server = Server::with(store, kept.with_usage());
    let mut page = server.signed_in("ann").await;
    let file = kept.folder.path().join("usage.db");
    fs::rename(&file, kept.folder.path().join("away.db")).unwrap();
    let cards = page.get("/safety").await;
    cards.says("The last use of keys cannot be read").says("The others are complete");
    assert_eq!((cards.status, count(&cards, "Never expires")), (200, 1));
}

#[tokio::test]
async fn unused_keys_are_not_known_before_90_days_of_usage() {
    let kept = Kept::since(at(0) - 89 * DAY).await;
    kept.key("A", "never used", |key| key);
    kept.pass(89 * DAY).await;
    let server = Server::with(Arc::new(kept.store.clone()), kept.with_usage());
    let mut page = server.signed_in("ann").await;
    let cards = page.get("/safety").await;
    cards.says("Not known without the last use of keys over 90 days");
    assert_eq!(count(&cards, UNUSED), 0);
    server.pass(2 * DAY);
    let mut page = server.signed_in("ann").await;
    assert_eq!(count(&page.get("/safety").await, "Unused for 90 days"), 1);
}

#[tokio::test]
async fn no_replaced_key_is_unused_if_usage_is_not_watched() {
    let kept = unsafe_keys().await;
    let server = Server::with(Arc::new(kept.store.clone()), kept.with_usage());
    let mut page = server.signed_in("ann").await;
    let silent = page.get("/safety/replaced-and-unused").await;
    let (_, silent) = silent.body.split_once("href=\"/keys/").unwrap();
    let silent = format!("/keys/{}", &silent[..16]);
    page.get(&silent).await.says(CLAIM);

    kept.clock.advance(2 * DAY);
    let cards = page.get("/safety").await;
    cards.says("No service has recorded usage since").says("not known which keys are unused");
    for title in ["Unused for 90 days", "Replaced but still in use", UNUSED] {
        let (_, card) = cards.body.split_once(&format!("<h2>{title}</h2>")).expect(title);
        assert!(card[..60].contains("Not known"), "{title}: {card}");
    }
    let key = page.get(&silent).await;
    key.says("No service has recorded usage since");
    assert!(!key.body.contains(CLAIM), "{}", key.body);
    page.get("/health").await.says("no service records usage now");
    page.get("/usage").await.says("No service has recorded usage since");
}

#[tokio::test]
async fn slow_counts_are_reused_until_a_change_or_a_request() {
    let store = MemoryStore::new();
    for name in ["A", "B", "C"] {
        store.add_client(ClientProfile::new(name)).unwrap();
    }
    let clock = FakeClock::at(at(0));
    let millis = Arc::new(AtomicU64::new(0));
    let (slow, took) = (clock.clone(), Arc::clone(&millis));
    let hooked = Hooked::new(Box::new(store.clone()), move |method, is_before| {
        if method == "list_keys" && is_before {
            slow.advance(Duration::from_millis(took.load(Ordering::Relaxed)));
        }
        Box::pin(async { Ok(()) })
    });
    // As with the system's clock, no two readings are the same.
    let ticking = clock.clone();
    let tick = move || {
        ticking.advance(Duration::from_micros(1));
        ticking.now()
    };
    let server = Server::with(hooked, move |admin| admin.with_clock(tick));
    let [mut page, mut other] = [server.signed_in("ann").await, server.signed_in("ann").await];
    let mut no_quota = async |path: &str, is_kept| {
        let cards = page.get(path).await;
        assert_eq!(cards.body.contains("Count again"), is_kept, "{path}");
        count(&cards, "No quota")
    };

    assert_eq!(no_quota("/safety", false).await, 3);
    store.disable_client("A").unwrap();
    assert_eq!(no_quota("/safety", false).await, 2, "quick counts were kept");
    millis.store(3_000, Ordering::Relaxed);
    assert_eq!(no_quota("/safety", false).await, 2);

    // Changes of others are seen on request.
    store.enable_client("A").unwrap();
    clock.advance(Duration::from_secs(20));
    assert_eq!(no_quota("/safety", true).await, 2);
    assert_eq!(no_quota("/safety?count=again", false).await, 3);
    assert_eq!(no_quota("/safety", true).await, 3);

    // Changes on the page are seen at once.
    let confirm = other.get("/clients/A/disable").await;
    let done = send(&mut other, "/clients/A/disable", &confirm, &[]).await;
    assert_eq!(done.status, 303);
    assert_eq!(no_quota("/safety", false).await, 2);
    assert_eq!(no_quota("/safety", true).await, 2);
}

struct FileHealth(YamlStore, std::path::PathBuf);

impl StoreHealth for FileHealth {
    fn report(&self) -> HealthFuture<'_> {
        let report = HealthReport::new("Key file").read(self.0.health().loaded);
        let report = report.with_findings(YamlStore::lint(&self.1).findings());
        Box::pin(async { report })
    }
}

#[tokio::test]
async fn weak_keys_of_a_file_are_listed_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.yml");
    fs::write(&path, "allow_weak_keys: true\napi_keys:\n  hunter2: A\n").unwrap();
    let store = YamlStore::open(&path).unwrap();
    let health = FileHealth(store.clone(), path);
    let server = Server::with(Arc::new(store), |admin| admin.with_health(health));
    let mut page = server.signed_in("ann").await;
    let cards = page.get("/safety").await;
    assert_eq!(count(&cards, "Weak or plaintext"), 2);
    let list = page.get("/safety/weak").await;
    list.says("keys.yml:3</code>").says("The key is shorter than 16 characters");
    list.says("Holds 1 key in plaintext");
    assert!(!list.body.contains("hunter2") && !cards.body.contains("hunter2"));
}

#[tokio::test]
async fn list_is_paged_and_its_names_are_escaped() {
    let store = MemoryStore::new();
    for number in 0..250 {
        store.add_client(ClientProfile::new(format!("<i>{number:03}/x"))).unwrap();
    }
    let mut page = Page::new(Arc::new(store)).await;
    let first = page.get("/safety/no-quota").await;
    first.says("250 found, page 1 of 3").says("&lt;i&gt;000/x").says("%3Ci%3E000%2Fx");
    assert!(!first.body.contains("<i>"));
    first.says("href=\"/safety/no-quota?page=2\"");
    let last = page.get("/safety/no-quota?page=3").await;
    assert_eq!(last.body.matches(" scope=\"row\">").count(), 50);
    for (query, shown) in
        [("?page=99", "page 3 of 3"), ("?page=x", "page 1 of 3"), ("?page=0", "page 1 of 3")]
    {
        page.get(&format!("/safety/no-quota{query}")).await.says(shown);
    }
    let unknown = page.get("/safety/nothing").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn empty_store_needs_no_attention() {
    let mut page = Page::new(Arc::new(MemoryStore::new())).await;
    let cards = page.get("/safety").await;
    assert_eq!((count(&cards, "No quota"), count(&cards, "Safe to remove")), (0, 0));
    assert!(!cards.body.contains("href=\"/safety/no-quota\""));
    page.get("/safety/no-quota").await.says("No findings.");
}
