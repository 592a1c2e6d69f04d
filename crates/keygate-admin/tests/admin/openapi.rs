use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::{ann, issued, server};
use super::documented::Documented;
use super::support::Server;
use keygate::MemoryStore;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Returns the operations of a document, each with its path, its method and its description.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (path.clone(), method.clone(), operation.clone()))
    });
    operations.collect()
}

/// Fills in the parameters of a path with existing names and IDs.
fn filled(path: &str, key: &str) -> String {
    path.replace("{name}", "App%201").replace("{key_id}", key)
}

async fn both() -> (Server, Documented, Documented, String) {
    let store = MemoryStore::new();
    store.add_client("App 1").unwrap();
    let own = keygate_admin::self_service(std::sync::Arc::new(store.clone()), |_| {
        Some(keygate_admin::Caller::signed_in("App 1"))
    });
    let server = server(store);
    let ann = ann(&server).await;
    let key = ann.post("/clients/App%201/keys", json!({})).await.expect(201);
    let own = Documented::new(own, "").await;
    (server, ann, own, issued(&key).to_owned())
}

#[tokio::test]
async fn document_is_openapi_3_1_and_its_references_resolve() {
    let (_server, ann, own, _) = both().await;
    for api in [ann, own] {
        let document = &*api.document;
        assert_eq!(document["openapi"], "3.1.0");
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        let ids: Vec<_> = operations(document)
            .into_iter()
            .map(|(_, _, operation)| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
        for (path, method, operation) in operations(document) {
            assert!(operation["summary"].is_string(), "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{method} {path} {parameter}");
            }
        }
        // Each schema in the document is a valid JSON schema.
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            let schema =
                json!({ "anyOf": [{ "$ref": format!("#/components/schemas/{name}") }, {}] });
            api.validate(&schema, &Value::Null, name);
        }
    }
}

#[tokio::test]
async fn document_lists_exactly_the_existing_operations() {
    let (_server, ann, own, key) = both().await;
    for api in [ann, own] {
        let documented: BTreeSet<_> =
            operations(&api.document).into_iter().map(|(path, method, _)| (path, method)).collect();
        let paths: BTreeSet<_> = documented.iter().map(|(path, _)| path.clone()).collect();
        for path in &paths {
            for method in METHODS {
                // An unknown field or parameter is refused before anything is done.
                let target = format!("{}?unknown=1", filled(path, &key));
                let body = (method != "get").then(|| json!({ "unknown": 1 }).to_string());
                let api = api.with_header("if-match", "*");
                let answer = api.send(&method.to_uppercase(), &target, body).await;
                let is_there = answer.problem() != "method-not-allowed";
                let is_documented = documented.contains(&(path.clone(), method.to_owned()));
                assert_eq!(is_there, is_documented, "{method} {path}: {}", answer.text);
                assert_ne!(answer.status, 404, "{method} {path}");
                assert!(answer.status < 500, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn every_documented_parameter_is_accepted() {
    let (_server, ann, own, key) = both().await;
    for api in [ann, own] {
        let mut all = 0;
        for (path, method, operation) in operations(&api.document) {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] != "query" {
                    continue;
                }
                all += 1;
                let name = parameter["name"].as_str().unwrap();
                let target = format!("{}?{name}=", filled(&path, &key));
                let answer = api.send(&method.to_uppercase(), &target, None).await;
                assert!(!answer.text.contains("is not a parameter"), "{target}: {}", answer.text);
            }
        }
        assert!(all > 5, "{all}");
    }
}

#[tokio::test]
async fn every_documented_field_is_accepted() {
    let (_server, ann, own, key) = both().await;
    for api in [ann, own] {
        let api = api.with_header("if-match", "*");
        let mut all = 0;
        for (path, method, operation) in operations(&api.document) {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            for name in fields(&api.document, schema) {
                all += 1;
                let body = json!({ &name: { "wrong": true }, "unknown": 1 }).to_string();
                let answer =
                    api.send(&method.to_uppercase(), &filled(&path, &key), Some(body)).await;
                let refused = answer.refused(422, "invalid-fields");
                let place = format!("#/{name}");
                assert!(
                    refused.places().contains(&&*place),
                    "{method} {path} {name}: {}",
                    refused.text
                );
                let is_unknown = refused.text.matches("is not a field of this request").count() > 1;
                assert!(!is_unknown, "{method} {path} {name}: {}", refused.text);
            }
        }
        assert!(all > 5, "{all}");
    }
}

/// Returns the names of a schema's properties.
fn fields(document: &Value, schema: &Value) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let parts = schema["allOf"].as_array().into_iter().flatten();
    own.chain(parts.flat_map(|part| fields(document, part))).collect()
}
