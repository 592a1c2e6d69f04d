//! Stores that break one rule of managing, even for sequential changes.

use keygate::KeyId;
use keygate::manage::{ClientFacts, KeyFacts};
use keygate::testing::manage_contract;

use crate::managing::model::Model;
use crate::store_contract::failure;
use crate::store_contract::naive::{Fault, Naive};

mod changing;
mod issuing;
mod listing;
mod rotating;

/// Stores with one fault, and the start of the message.
pub(crate) fn faults() -> Vec<(&'static str, Fault)> {
    [issuing::faults(), rotating::faults(), changing::faults(), listing::faults()].concat()
}

fn key(model: &mut Model, id: KeyId) -> Option<&mut KeyFacts> {
    model.keys.iter_mut().find(|key| key.key_id() == id)
}

fn client<'a>(model: &'a mut Model, name: &str) -> Option<&'a mut ClientFacts> {
    model.clients.iter_mut().find(|client| client.profile.name() == name)
}

#[tokio::test]
async fn faulty_store_fails_with_the_name_of_the_rule() {
    for (rule, fault) in faults() {
        let contract = manage_contract(async |clock| Naive::new(fault.clone(), clock));
        let message = failure(contract).await;
        assert!(message.starts_with(rule), "{rule} expected: {message}");
    }
}
