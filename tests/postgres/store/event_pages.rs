//! Pages of recorded changes.

use keygate::ManageKeys as _;
use keygate::manage::{ChangeAction, EventQuery};
use keygate::testing::event_contract;

use crate::servers::Postgres;
use crate::store::{migrated, store_with_key};

#[tokio::test]
async fn changes_are_recorded() {
    event_contract(async |clock| {
        migrated(&Postgres::shared().database()).await.with_clock(clock.reader())
    })
    .await;
}

#[tokio::test]
async fn change_by_hand_is_listed_with_its_role() {
    let database = Postgres::shared().database();
    let store = store_with_key(&database).await;
    database.psql("update keygate.keys set label = 'by \"hand\"'");
    let page = store.events(&EventQuery::new().with_limit(1)).await.unwrap();
    let [event] = &page.found[..] else { panic!("{page:?}") };
    assert_eq!(event.action, ChangeAction::KeyChanged);
    assert_eq!(
        (event.actor.as_deref(), event.tool.as_deref()),
        (Some("keygate_owner"), Some("psql"))
    );
    let after: serde_json::Value = serde_json::from_str(event.after.as_ref().unwrap()).unwrap();
    assert_eq!(after["label"], "by \"hand\"");
}

/// The name of an actor is part of an index, whose rows have a limit.
#[tokio::test]
async fn actor_may_have_a_long_name() {
    let name = |number: usize| format!("{}{number}", "n".repeat(10_000));
    let database = Postgres::shared().database();
    let store = migrated(&database).await;
    for number in 0..2 {
        let store = store.clone().with_actor(name(number));
        store.add_client(format!("App {number}").into()).await.unwrap();
    }
    let page = store.events(&EventQuery::new().with_actor(name(1))).await.unwrap();
    let clients: Vec<_> = page.found.iter().map(|event| event.client.as_deref()).collect();
    assert_eq!(clients, [Some("App 1")]);
}

/// The plan of each filter reads the page from an index, in its order.
#[tokio::test]
async fn pages_are_read_from_an_index() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    database.psql(
        "insert into keygate.events (at, actor, tool, action, client, key_id) \
         select now() - n * interval '1 minute', 'actor ' || n % 100, 'test', 'key.issued', \
         'App ' || n % 1000, to_hex(n) from generate_series(1, 20000) n",
    );
    database.psql("analyze keygate.events");
    for (filter, index) in [
        ("true", "events_at"),
        ("e.at >= now() - interval '1 day'", "events_at"),
        ("e.client = 'App 1'", "events_client"),
        ("e.key_id = '1f'", "events_key"),
        ("pg_catalog.left(e.actor, 128) = 'actor 1' and e.actor = 'actor 1'", "events_actor"),
        ("e.action = 'key.revoked'", "events_action"),
    ] {
        let plan = database.psql(&format!(
            "set enable_bitmapscan = off; explain select * from keygate.events e \
             where {filter} and (e.at, e.seq) < (now(), 7) order by e.at desc, e.seq desc limit 51"
        ));
        assert!(plan.contains(&format!("using {index} on")), "{filter}: {plan}");
        assert!(!plan.contains("Sort"), "{filter}: {plan}");
    }
}
