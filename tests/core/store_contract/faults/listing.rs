//! Stores that break a rule of lists, or of the suggestions for unknown names.

use std::time::UNIX_EPOCH;

use keygate::manage::{KeyInfo, KeyQuery, ManageError, Page};

use crate::managing::model::Model;
use crate::store_contract::naive::{Fault, Made, error};

pub(super) fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        // Revoked keys are counted.
        ("clients_are_listed_in_order", {
            let clients = |model: &Model| {
                let mut clients = model.list_clients();
                for client in &mut clients {
                    let name = client.profile.name();
                    client.keys = model.keys.iter().filter(|key| key.client == name).count();
                }
                clients
            };
            Fault { clients, ..Fault::default() }
        }),
        ("keys_are_listed_in_order", {
            let keys = |model: &Model, client: Option<&str>| {
                let mut keys = model.list_keys(client)?;
                keys.sort_by_key(|key| key.key_id);
                Ok(keys)
            };
            Fault { keys, ..Fault::default() }
        }),
        ("unknown_name_suggests_the_nearest", {
            error(|_, error| match error {
                ManageError::UnknownClient { .. } => ManageError::UnknownClient { nearest: None },
                error => error,
            })
        }),
        ("unknown_id_suggests_the_nearest", {
            error(|_, error| match error {
                ManageError::UnknownKey { key_id, .. } => {
                    ManageError::UnknownKey { key_id, nearest: None }
                }
                error => error,
            })
        }),
        ("pages_cover_the_filtered_list", {
            let page = |page: Made<Page<KeyInfo>>| {
                page.map(|mut page| {
                    page.found.sort_by_key(|key| key.label.clone());
                    page
                })
            };
            Fault { page, ..Fault::default() }
        }),
        ("every_key_is_in_one_page", {
            let keys = |model: &Model, client: Option<&str>| {
                let mut keys = model.list_keys(client)?;
                if keys.len() == 8 {
                    keys.remove(1);
                }
                Ok(keys)
            };
            Fault { keys, ..Fault::default() }
        }),
        ("invalid_query_is_refused", {
            let page = |page: Made<Page<KeyInfo>>| {
                page.or_else(|_| KeyQuery::new().page_of(vec![], &[], UNIX_EPOCH))
            };
            Fault { page, ..Fault::default() }
        }),
    ]
}
