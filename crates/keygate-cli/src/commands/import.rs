use std::process::ExitCode;

use keygate::manage::{Export, ImportConflict, Imported};
use serde_json::{Value, json};

use crate::args::{Globals, ImportArgs};
use crate::failure::Failure;
use crate::location::Location;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show::counted;
use crate::store::{open_at, open_to_change};

mod foreign_file;

/// The name of the target store in errors, since this command has two stores.
const INTO: &str = "the store to import into";

pub(super) fn run(args: &ImportArgs, globals: &Globals, out: &Output) -> Result<ExitCode, Failure> {
    if let Some(file) = foreign_file::open(args)? {
        return foreign_file::run(&file, args, globals, out);
    }
    let export = exported(args, globals, out)
        .map_err(|failure| failure.in_store("the store to import from"))?;
    let into = |failure: Failure| failure.in_store(INTO);
    let store = open_to_change(globals, out).map_err(into)?;
    let imported = block_on(store.import_keys(&export)).map_err(|error| into(error.into()))?;
    warn_of_refused(&imported, out);
    out.report_change(&summary(&imported), &json(&imported))?;
    Ok(ExitCode::from(u8::from(!imported.is_complete())))
}

fn exported(args: &ImportArgs, globals: &Globals, out: &Output) -> Result<Export, Failure> {
    let source = Location::parse(&args.source).map_err(Failure::usage)?;
    Ok(block_on(open_at(&source, globals, out)?.export_keys())?)
}

fn warn_of_refused(imported: &Imported, out: &Output) {
    if !out.is_json() {
        imported.refused.iter().for_each(|refused| out.warn(&format!("refused {refused}")));
    }
}

fn summary(imported: &Imported) -> String {
    let counted =
        |clients, keys| format!("{} and {}", counted(clients, "client"), counted(keys, "key"));
    let added = counted(imported.clients_added, imported.keys_added);
    let kept = counted(imported.clients_kept, imported.keys_kept);
    let is_client = |refused: &&ImportConflict| matches!(refused, ImportConflict::Client { .. });
    let is_key = |refused: &&ImportConflict| matches!(refused, ImportConflict::Key { .. });
    let clients = imported.refused.iter().filter(is_client).count();
    let refused = counted(clients, imported.refused.iter().filter(is_key).count());
    let policy = match (imported.policy_added, refused_policy(imported)) {
        (true, _) => ", added the policy",
        (_, Some(_)) => ", refused the policy",
        _ => "",
    };
    format!("added {added}, kept {kept}, refused {refused}{policy}")
}

fn refused_policy(imported: &Imported) -> Option<String> {
    imported.refused.iter().find_map(|refused| match refused {
        ImportConflict::Policy { why } => Some(why.to_string()),
        _ => None,
    })
}

fn json(imported: &Imported) -> Value {
    let clients = imported.refused.iter().filter_map(|refused| match refused {
        ImportConflict::Client { name, why } => {
            Some(json!({ "name": name, "why": why.to_string() }))
        }
        _ => None,
    });
    let keys = imported.refused.iter().filter_map(|refused| match refused {
        ImportConflict::Key { key_id, client, why } => {
            Some(json!({ "key_id": key_id, "client": client, "why": why.to_string() }))
        }
        _ => None,
    });
    let part = |added, kept, refused: Vec<Value>| json!({ "added": added, "kept": kept, "refused": refused });
    let mut json = json!({
        "clients": part(imported.clients_added, imported.clients_kept, clients.collect()),
        "keys": part(imported.keys_added, imported.keys_kept, keys.collect()),
    });
    let refused = refused_policy(imported);
    if imported.policy_added || refused.is_some() {
        json["policy"] = json!({ "added": imported.policy_added, "refused": refused });
    }
    json
}
