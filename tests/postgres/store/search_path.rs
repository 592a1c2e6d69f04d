//! Functions and operators of other roles, which keygate must never run.

use keygate::manage::TransferKeys as _;
use keygate::observe::{UsageBucket, UsageHistory, UsageQuery, UsageWatch, UsageWriter};
use keygate::store::{PostgresStore, Replica};
use keygate::{AuthError, KeyDigest, ManageKeys as _, NewKey};

use crate::counted::{Counted, at, requests};
use crate::servers::{Database, Postgres, query};
use crate::store::{KEY, OTHER_KEY, PATIENCE, options, request};

/// Creates a function in `public` for each one in `pg_catalog`, as far as a trusted language can, with an operator if
/// there is one. All of them raise an exception.
const TRAPS: &str = r#"
grant create on schema public to public;
set role mallory;
do $$
declare
    f record;
    o record;
begin
    for f in
        select p.proname, p.proretset, pg_get_function_identity_arguments(p.oid) as arguments,
            format_type(p.prorettype, null) as result
        from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f'
    loop
        begin
            execute format('create function public.%I(%s) returns %s %s language plpgsql as
                $trap$ begin raise exception ''a trap: %s''; end $trap$',
                f.proname, f.arguments, case when f.proretset then 'setof' end, f.result, f.proname);
        exception when others then null;
        end;
    end loop;
    for o in
        select oprname, format_type(oprleft, null) as l, format_type(oprright, null) as r,
            p.proname
        from pg_operator join pg_proc p on p.oid = oprcode
        where oprkind = 'b' and oprleft in ('text'::regtype, 'name'::regtype, 'bytea'::regtype,
            'int4'::regtype, 'int8'::regtype, 'oid'::regtype, '"char"'::regtype, 'xid8'::regtype)
    loop
        begin
            execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.%I)',
                o.oprname, o.l, o.r, o.proname);
        exception when others then null;
        end;
    end loop;
end $$;
create function public.concat_ws(text, variadic text[]) returns text language plpgsql as
    $$ begin raise exception 'a trap: concat_ws'; end $$;
create function public.concat_ws(text, text, text, oid, oid, oid, oid) returns text
    language plpgsql as $$ begin raise exception 'a trap: concat_ws'; end $$;
"#;

/// A role whose search path begins with `public`.
fn trapped(database: &Database<'_>, role: &str, grants: &str) -> String {
    database.psql(&grants.replace("'...'", "'c4n4ry'"));
    database.psql(&format!("alter role {role} set search_path = public, pg_catalog"));
    database.url_as(role, "c4n4ry")
}

/// Writes and reads one request of usage, after which there are `count`.
async fn count_usage(history: &UsageHistory, count: u64) {
    let counted = Counted::new();
    let writer = UsageWriter::start(&counted.usage, history).unwrap();
    counted.calls("a 1", 1);
    writer.stop().await.unwrap();
    assert_eq!(requests(history).await, count);
    let series = history.series(&UsageQuery::new().since(at(0)), UsageBucket::Hour).await.unwrap();
    assert_eq!(series.len(), 1);
    assert_ne!(history.last_uses(Some("A")).await.unwrap().watch(), UsageWatch::Never);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_of_other_roles_are_never_run() {
    let server = Postgres::start();
    let database = server.database();
    database.psql("create role mallory");
    database.psql(TRAPS);
    let traps = "select count(*) from pg_proc where proowner = 'mallory'::regrole";
    assert!(database.psql(traps).parse::<u32>().unwrap() > 1000);
    let owner = format!(
        "create role tables login password '...'; alter database {} owner to tables",
        database.name()
    );
    let owner = trapped(&database, "tables", &owner);
    let error = query(&owner, "select now()").unwrap_err();
    assert!(error.contains("a trap: now"), "{error}");
    let store = PostgresStore::migrate(&owner).await.unwrap();
    store.schema_version().await.unwrap();

    let managing = include_str!("../../../src/store/postgres/grants/managing.sql");
    let managing = trapped(&database, "keygate_managing", managing);
    let serving = include_str!("../../../src/store/postgres/grants/serving.sql");
    let serving = trapped(&database, "keygate_serving", serving);
    for pooled in [false, true] {
        let options = |url: &str| {
            let options = options(url);
            if pooled { options.through_pooler() } else { options }
        };
        let changing = options(&managing).connect().await.unwrap().with_actor("ada");
        let key = if pooled { OTHER_KEY } else { KEY };
        let name = format!("App {pooled}");
        changing.add_client((&*name).into()).await.unwrap();
        let new = NewKey::new(KeyDigest::of(key.as_bytes()));
        let key_id = changing.issue(&name, new).await.unwrap().key_id;

        let store = options(&serving).connect().await.unwrap();
        assert_eq!(request(&store, key).await.unwrap().name(), name);
        count_usage(&store.usage_history(), if pooled { 2 } else { 1 }).await;
        let replica = Replica::options(&serving).unwrap();
        let replica = if pooled { replica.through_pooler() } else { replica };
        let replica = replica.connect().await.unwrap();
        let request_key = async || {
            let authenticator = keygate::Authenticator::new(replica.clone());
            authenticator.authenticate_key(key.as_bytes()).await
        };
        assert_eq!(request_key().await.unwrap().name(), name);
        changing.disable_client(&name).await.unwrap();
        changing.enable_client(&name).await.unwrap();
        changing.revoke(&key_id).await.unwrap();
        let revoked = |result: Result<keygate::Client, AuthError>| {
            result.is_err_and(|error| error.reason() == Some(keygate::WrongReason::Revoked))
        };
        assert!(revoked(request(&store, key).await));
        let since = std::time::Instant::now();
        while !revoked(request_key().await) {
            assert!(since.elapsed() < PATIENCE, "{:?}", replica.health());
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        assert!(replica.health().error.is_none(), "{:?}", replica.health());
        changing.list_clients().await.unwrap();
        let held = changing.export_keys().await.unwrap();
        changing.import_keys(&held).await.unwrap();
    }
}
