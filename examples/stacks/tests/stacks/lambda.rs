//! Calls the function for AWS Lambda with events of API Gateway.

use http::{HeaderMap, Method, StatusCode};
use keygate_stacks::lambda;

use crate::{Case, cases, check};

/// Sends an event of API Gateway to the function, and returns its response.
async fn invoke(case: &Case, stage: &str) -> serde_json::Value {
    use lambda_http::request::LambdaRequest;
    use lambda_http::{Adapter, Context, LambdaEvent};
    let headers: serde_json::Map<_, _> = case
        .header
        .iter()
        .map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(value.clone())))
        .collect();
    let event = serde_json::json!({
        "resource": "/{proxy+}",
        "path": case.path,
        "httpMethod": Method::GET.as_str(),
        "headers": headers,
        "multiValueHeaders": {},
        "requestContext": { "stage": stage, "requestId": "r", "httpMethod": "GET", "identity": {} },
        "isBase64Encoded": false
    });
    let request: LambdaRequest = serde_json::from_value(event).unwrap();
    let mut adapter = Adapter::from(lambda::service());
    let event = LambdaEvent::new(request, Context::default());
    serde_json::to_value(tower::Service::call(&mut adapter, event).await.unwrap()).unwrap()
}

/// Without the variable that the example names, the path contains the stage, and the table does not list it.
#[tokio::test]
async fn stage_in_the_path_of_lambda_opens_no_route() {
    for case in cases().iter().filter(|case| case.status == 200) {
        assert_eq!(invoke(case, "prod").await["statusCode"], 403);
    }
}

#[tokio::test]
async fn lambda_passes() {
    let passed = check("lambda", async |case| {
        let response = invoke(case, "$default").await;
        let mut headers = HeaderMap::new();
        for (name, values) in response["multiValueHeaders"].as_object().into_iter().flatten() {
            for value in values.as_array().unwrap() {
                let name: http::HeaderName = name.parse().unwrap();
                headers.append(name, value.as_str().unwrap().parse().unwrap());
            }
        }
        for (name, value) in response["headers"].as_object().into_iter().flatten() {
            if !headers.contains_key(name) {
                let name: http::HeaderName = name.parse().unwrap();
                headers.append(name, value.as_str().unwrap().parse().unwrap());
            }
        }
        let status = response["statusCode"].as_u64().unwrap();
        let status = StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap();
        (status, headers, response["body"].as_str().unwrap_or_default().to_owned())
    });
    assert_eq!(passed.await, cases().len());
}
