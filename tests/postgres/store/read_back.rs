//! Changes that fail because a trigger or a rule discards or rewrites them.

use std::error::Error as _;

use keygate::ManageKeys as _;
use keygate::manage::ManageError;
use keygate::store::PostgresStore;

use crate::changes::{self, ALL};
use crate::servers::{Database, Postgres};
use crate::store::migrated;

async fn prepared(database: &Database<'_>) -> PostgresStore {
    let store = migrated(database).await;
    changes::prepare(&store).await;
    store
}

fn content(database: &Database<'_>) -> String {
    database.psql(
        "select * from keygate.clients order by 1; select * from keygate.keys order by 1; \
         select count(*) from keygate.events",
    )
}

/// Checks that each of these changes fails, names the obstacle, and changes nothing.
async fn fails(obstacle: &str, changes: &[&str]) {
    let database = Postgres::shared().database();
    let store = prepared(&database).await;
    database.psql(obstacle);
    let before = content(&database);
    for &name in changes {
        let error = changes::make(&store, name).await.expect_err(&format!("{name}: {obstacle}"));
        let ManageError::Unavailable(error) = &error else { panic!("{name}: {error:?}") };
        let shown = error.source().unwrap().to_string();
        assert!(shown.starts_with("nothing was changed: "), "{name}: {shown}");
        assert!(shown.contains("`audit` on `keygate."), "{name}: {shown}");
        assert_eq!(content(&database), before, "{name}: {obstacle}");
    }
}

/// Returns the statements for a row trigger with this body.
fn trigger(when: &str, body: &str) -> String {
    format!(
        "create function audit() returns trigger language plpgsql as $$ begin {body} end $$; \
         create trigger audit {when} for each row execute function audit()"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_discarded_by_a_trigger_fail() {
    for (when, body, changes) in [
        ("before insert on keygate.clients", "return null;", &["add", "import"][..]),
        ("before update on keygate.clients", "return null;", &["enable", "disable"]),
        ("before update on keygate.clients", "return old;", &["enable", "disable"]),
        ("before delete on keygate.clients", "return null;", &["remove", "remove without keys"]),
        ("before delete on keygate.keys", "return null;", &["remove"]),
        ("before insert on keygate.keys", "return null;", &["issue", "rotate", "import"]),
        ("before update on keygate.keys", "return null;", &["revoke", "rotate"]),
        ("before update on keygate.keys", "return old;", &["revoke", "rotate"]),
    ] {
        fails(&trigger(when, body), changes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_rewritten_by_a_trigger_fail() {
    for (when, body, changes) in [
        (
            "before insert on keygate.clients",
            "new.scopes = '{a}'; return new;",
            &["add", "import"][..],
        ),
        (
            "before insert on keygate.keys",
            "new.label = 'x'; return new;",
            &["issue", "rotate", "import"],
        ),
        ("before update on keygate.keys", "new.expires = null; return new;", &["rotate"]),
        ("before update on keygate.keys", "new.label = 'x'; return new;", &["revoke", "rotate"]),
        (
            "before update on keygate.clients",
            "new.scopes = '{*}'; return new;",
            &["enable", "disable"],
        ),
    ] {
        fails(&trigger(when, body), changes).await;
    }
    let undo = "if new.revoked is not null then
        update keygate.keys set revoked = null where digest = new.digest; end if; return null;";
    let after = trigger("after update of revoked on keygate.keys", undo);
    fails(&after, &["revoke"]).await;
    let deferred = after
        .replace("create trigger", "create constraint trigger")
        .replace("for each row", "deferrable initially deferred for each row");
    fails(&deferred, &["revoke"]).await;
    let undo = "if pg_trigger_depth() = 1 then update keygate.clients
        set enabled = not new.enabled where name = new.name; end if; return null;";
    let after = trigger("after update on keygate.clients", undo);
    fails(&after, &["enable", "disable"]).await;
}

/// A trigger may defer others again after keygate ran them early.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_undone_by_newly_deferred_triggers_fail() {
    for (table, event, undo, changes) in [
        (
            "keys",
            "update",
            "if new.revoked is not null then
                update keygate.keys set revoked = null where digest = new.digest; end if;
            if new.replaced_by is not null then
                update keygate.keys set replaced_by = null where digest = new.digest; end if;",
            &["revoke", "rotate"][..],
        ),
        (
            "keys",
            "insert",
            "update keygate.keys set label = 'x' where digest = new.digest;",
            &["issue", "import"],
        ),
        (
            "clients",
            "update",
            "if pg_trigger_depth() = 1 then update keygate.clients
                set enabled = not new.enabled where name = new.name; end if;",
            &["enable", "disable"],
        ),
        (
            "clients",
            "insert",
            "update keygate.clients set scopes = '{a}' where name = new.name;",
            &["add", "import"],
        ),
    ] {
        let defer = format!(
            "create function defer() returns trigger language plpgsql as $$
                begin set constraints all deferred; return new; end $$;
             create trigger defer before {event} on keygate.{table}
                for each row execute function defer();"
        );
        let undo = trigger(
            &format!("after {event} on keygate.{table} deferrable initially deferred"),
            &format!("{undo} return null;"),
        );
        let undo = undo.replace("create trigger", "create constraint trigger");
        fails(&format!("{defer} {undo}"), changes).await;
    }
}

/// A deferred trigger for this event that runs early and defers another one until the commit, which then runs `body`.
fn at_the_commit(trigger: &str, event: &str, body: &str) -> String {
    format!(
        "create table public.queue ();
         create function audit() returns trigger language plpgsql security definer as $$ begin
            if current_query() = 'commit' then
                {body}
            else
                set constraints all deferred;
                insert into public.queue default values;
            end if;
            return null; end $$;
         create constraint trigger {trigger} after {event}
            deferrable initially deferred for each row execute function audit();
         create constraint trigger requeue after insert on public.queue
            deferrable initially deferred for each row execute function audit();"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_undone_at_the_commit_fail() {
    let undo_keys = "update keygate.keys set revoked = null, replaced_by = null, label = 'x';";
    let undo_clients = "update keygate.clients set scopes = '{a}', enabled = not enabled;";
    let restore =
        "insert into keygate.clients (name) values ('App 2'), ('App 6') on conflict do nothing;";
    for (trigger, table, event, undo, changes) in [
        ("audit", "keys", "update", undo_keys, &["revoke", "rotate"][..]),
        ("audit", "keys", "insert", undo_keys, &["issue", "import"]),
        ("audit", "clients", "update", undo_clients, &["disable", "enable"]),
        ("audit", "clients", "insert", undo_clients, &["add", "import"]),
        ("audit", "clients", "delete", restore, &["remove", "remove without keys"]),
        // This name belongs to a trigger of keygate on another table.
        ("woken", "keys", "update", undo_keys, &["revoke"]),
    ] {
        for name in changes {
            let database = Postgres::shared().database();
            let store = prepared(&database).await;
            let undo = format!("if tg_table_name = 'queue' then {undo} end if;");
            database.psql(&at_the_commit(trigger, &format!("{event} on keygate.{table}"), &undo));
            let error = changes::make(&store, name).await.expect_err(name);
            let ManageError::Unavailable(error) = &error else { panic!("{name}: {error:?}") };
            let shown = error.source().unwrap().to_string();
            let found = "the change was committed and then read back differently: ";
            assert!(shown.starts_with(found), "{name}: {shown}");
            let suspect = format!("the trigger `{trigger}` on `keygate.{table}` may undo");
            assert!(shown.contains(&suspect), "{name}: {shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_whose_events_are_deleted_at_the_commit_fail() {
    for name in ["revoke", "disable"] {
        let database = Postgres::shared().database();
        let store = prepared(&database).await;
        let delete = "perform set_config('session_replication_role', 'replica', true);
                      delete from keygate.events;";
        database.psql(&at_the_commit("audit", "insert on keygate.events", delete));
        let error = changes::make(&store, name).await.expect_err(name);
        let found = "the change was committed and then read back differently: the change was not \
                     recorded in `keygate.events`; the trigger `audit` on `keygate.events` may undo";
        assert!(error.to_string().starts_with(found), "{error}");
        assert_eq!(database.psql("select count(*) from keygate.events"), "0");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_cannot_be_read_after_the_commit_fail() {
    let database = Postgres::shared().database();
    let store = prepared(&database).await;
    let rename = "alter table keygate.migrations rename to moved;";
    database.psql(&at_the_commit("audit", "update on keygate.keys", rename));
    let error = changes::make(&store, "revoke").await.unwrap_err().to_string();
    let found = "the change was committed, but triggers may have undone it, and it could not be read back: \
                 PostgreSQL: relation \"keygate.migrations\" does not exist (42P01); list keys";
    assert!(error.starts_with(found), "{error}");
    assert_ne!(database.psql("select revoked from keygate.keys where client = 'App 1'"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_discarded_by_a_rule_fail() {
    for (rule, changes) in [
        ("update to keygate.clients", &["enable", "disable"][..]),
        ("delete to keygate.clients", &["remove"]),
        ("update to keygate.keys", &["revoke"]),
    ] {
        fails(&format!("create rule audit as on {rule} do instead nothing"), changes).await;
    }
}

/// Replicas only learn of changes from events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_without_events_fail() {
    fails(&trigger("before insert on keygate.events", "return null;"), &ALL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_whose_events_are_rewritten_fail() {
    let of_clients = ["import", "add", "enable", "disable", "remove", "remove without keys"];
    let redact = "if new.key_id is null then new.client := 'redacted';
        else new.key_id := left(md5(new.key_id), 16); end if;";
    let removed = "if new.action = 'key.removed' then new.key_id := null; end if;";
    for (body, changes) in [
        (redact, &ALL[..]),
        ("new.key_id := repeat('0', 16);", &ALL),
        ("new.txid := '3';", &ALL),
        ("new.client := 'x';", &of_clients),
        (removed, &["remove"]),
    ] {
        let body = format!("{body} return new;");
        fails(&trigger("before insert on keygate.events", &body), changes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_clients_whose_names_need_quotes_are_kept() {
    let database = Postgres::shared().database();
    let store = prepared(&database).await;
    for name in [r#"a"b"#, r"a\b", "a'b", "a,b", "{a}", "null", r#"\"',{}"#] {
        store.add_client(name.into()).await.unwrap();
        store.disable_client(name).await.unwrap();
        store.remove_client(name).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triggers_that_only_read_are_allowed() {
    let database = Postgres::shared().database();
    let store = prepared(&database).await;
    database.psql(
        "create table seen (what text);
         create function audit() returns trigger language plpgsql security definer as $$
         begin insert into public.seen values (tg_op); return null; end $$;
         create trigger audit after insert or update or delete on keygate.keys
         for each row execute function audit();
         create trigger audit after insert or update or delete on keygate.clients
         for each row execute function audit()",
    );
    for name in ALL {
        changes::make(&store, name).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    assert_ne!(database.psql("select count(*) from seen"), "0");
}
