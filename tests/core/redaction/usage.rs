//! The types of the usage history, made with requests of the canary.

use crate::redaction::types::Shown;

#[cfg(feature = "sqlite")]
pub(crate) fn all() -> Vec<Shown> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(kept())
}

#[cfg(feature = "sqlite")]
async fn kept() -> Vec<Shown> {
    use keygate::Usage;
    use keygate::observe::{UsageBucket, UsageHistory, UsageQuery, UsageWriter};

    use crate::redaction::canary::debug;
    use crate::redaction::types::{headers, store};

    let folder = tempfile::tempdir().unwrap();
    let history = UsageHistory::in_folder(folder.path()).await.unwrap();
    let usage = Usage::new();
    let writer = UsageWriter::start(&usage, &history).unwrap();
    for known in [store(), keygate::MemoryStore::new()] {
        let auth = keygate::Authenticator::new(known).add_observer(usage.clone());
        let _ = auth.verify(&headers());
    }
    writer.flush().await.unwrap();
    let query = UsageQuery::new().for_client("User 1");
    let keys = history.keys(&query).await.unwrap();
    let clients = history.top(&query, 1).await.unwrap();
    let points = history.series(&query, UsageBucket::Hour).await.unwrap();
    let series = history.series_by_client(&query, UsageBucket::Hour).await.unwrap();
    let last_uses = history.clients_by_last_use(1, None).await.unwrap();
    assert_eq!((series.len(), last_uses.len()), (1, 1));
    let json = serde_json::json!([keys, clients, points, series]).to_string();
    assert!(json.contains("User 1"), "{json}");
    vec![
        ("UsageWriter", debug(&writer)),
        ("UsageWriterHealth", debug(&writer.health())),
        ("UsageHistory", debug(&history)),
        ("UsageQuery", debug(&query)),
        ("KeyTotals", debug(&keys) + &json),
        ("UsageTotals", debug(&keys[0].totals)),
        ("ClientTotals", debug(&clients)),
        ("ClientSeries", debug(&series)),
        ("ClientLastUse", debug(&last_uses)),
        ("UsagePoint", debug(&points)),
        ("UsageBucket", debug(&points[0].bucket)),
        ("LastUses", debug(&history.last_uses(None).await.unwrap())),
        ("UsageWatch", debug(&history.watch().await.unwrap())),
    ]
}

#[cfg(not(feature = "sqlite"))]
pub(crate) fn all() -> Vec<Shown> {
    let names = [
        "ClientLastUse",
        "ClientSeries",
        "ClientTotals",
        "KeyTotals",
        "LastUses",
        "UsageBucket",
        "UsageHistory",
        "UsagePoint",
        "UsageQuery",
        "UsageTotals",
        "UsageWatch",
        "UsageWriter",
        "UsageWriterHealth",
    ];
    names.map(|name| (name, "not built".to_owned())).to_vec()
}
