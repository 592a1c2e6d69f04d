use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::{Authenticator, RouteScopes};
use crate::client::Scope;
use crate::credential::Challenge;

/// The parts of an OpenAPI 3.1 document that describe keys: [`Authenticator::openapi`].
///
/// OpenAPI cannot describe a bare key in `Authorization`: tools ignore its description.
///
/// Each method returns a value that serializes to one part of the document. Crates such as utoipa and aide deserialize
/// it into their own types.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, Source};
///
/// let auth = Authenticator::new(MemoryStore::new())
///     .with_sources([Source::header("x-api-key"), Source::bearer()])?;
/// let schemes = serde_json::to_value(auth.openapi().security_schemes())?;
/// assert_eq!(schemes["bearer"]["scheme"], "bearer");
/// assert_eq!(schemes["header-x-api-key"]["in"], "header");
///
/// let security = serde_json::to_value(auth.openapi().security(Some(&"orders:read".parse()?)))?;
/// assert_eq!(security[0]["header-x-api-key"][0], "orders:read");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenApi {
    /// The name and the value of each scheme.
    schemes: Vec<(String, OpenApiValue)>,
}

/// A part of an OpenAPI document, to be serialized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenApiValue(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl<S, R> Authenticator<S, R> {
    /// Returns the parts of an OpenAPI document that describe the sources and the refusals of this authenticator.
    pub fn openapi(&self) -> OpenApi {
        let descriptions = self.config().sources.descriptions();
        OpenApi { schemes: descriptions.into_iter().map(scheme).collect() }
    }
}

impl OpenApi {
    /// Returns the names of the security schemes, in the order of the sources: `bearer`, `header-x-api-key`,
    /// `query-api_key`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.schemes.iter().map(|(name, _)| &**name)
    }

    /// The `securitySchemes` of `components`: one for each source.
    pub fn security_schemes(&self) -> OpenApiValue {
        let schemes = self.schemes.iter().map(|(name, scheme)| (name.clone(), scheme.0.clone()));
        OpenApiValue(Node::Map(schemes.collect()))
    }

    /// The `security` of an operation or of the whole document: any of the sources, with the scope that the client
    /// needs.
    pub fn security(&self, scope: Option<&Scope>) -> OpenApiValue {
        let roles = Node::List(scope.into_iter().map(|scope| text(scope.as_str())).collect());
        let alternatives =
            self.names().map(|name| Node::Map(vec![(name.to_owned(), roles.clone())]));
        OpenApiValue(Node::List(alternatives.collect()))
    }

    /// The `responses` of an operation for refused requests: 401, 403, 429 and 503, with problem details (RFC 9457).
    pub fn responses(&self) -> OpenApiValue {
        OpenApiValue(map([
            ("401", refusal("The key is missing or wrong", &[("WWW-Authenticate", "string")])),
            (
                "403",
                refusal(
                    "The client lacks a scope, or the request came without TLS",
                    &[("WWW-Authenticate", "string")],
                ),
            ),
            (
                "429",
                refusal(
                    "The client has spent its quota, or too many wrong keys came from its address",
                    &[
                        ("Retry-After", "integer"),
                        ("RateLimit", "string"),
                        ("RateLimit-Policy", "string"),
                    ],
                ),
            ),
            ("503", refusal("The key could not be checked", &[("Retry-After", "integer")])),
        ]))
    }

    /// The `paths` of these routes: the security and the refusals of each operation. Merge them with your own
    /// description of the operations.
    ///
    /// ```
    /// use http::Method;
    /// use keygate::{Authenticator, MemoryStore, RouteScopes, Scope};
    ///
    /// let auth = Authenticator::new(MemoryStore::new());
    /// let read = Scope::from_static("orders:read");
    /// let scopes = RouteScopes::new().require(Method::GET, "/orders/{id}", read)?;
    /// let paths = serde_json::to_value(auth.openapi().paths(&scopes)).unwrap();
    /// let operation = &paths["/orders/{id}"]["get"];
    /// assert_eq!(operation["security"][0]["header-x-api-key"][0], "orders:read");
    /// assert_eq!(operation["responses"]["403"]["headers"]["WWW-Authenticate"]["schema"]["type"], "string");
    /// # Ok::<(), keygate::error::ConfigError>(())
    /// ```
    pub fn paths(&self, scopes: &RouteScopes) -> OpenApiValue {
        let mut paths: Vec<(String, Node)> = Vec::new();
        for (method, path, scope) in scopes.iter() {
            let operation =
                map([("security", self.security(scope).0), ("responses", self.responses().0)]);
            let operation = (method.as_str().to_ascii_lowercase(), operation);
            match paths.last_mut() {
                Some((last, Node::Map(operations))) if last == path => operations.push(operation),
                _ => paths.push((path.to_owned(), Node::Map(vec![operation]))),
            }
        }
        OpenApiValue(Node::Map(paths))
    }
}

/// The name and the security scheme of a source.
fn scheme(challenge: Challenge<'_>) -> (String, OpenApiValue) {
    let (name, scheme) = if let Some((location, name)) = challenge.location {
        let scheme = [("type", text("apiKey")), ("in", text(location)), ("name", text(name))];
        (format!("{location}-{name}"), map(scheme))
    } else {
        let name = challenge.scheme.to_ascii_lowercase();
        let scheme = [("type", text("http")), ("scheme", text(&name))];
        (name, map(scheme))
    };
    // The characters allowed in a name in `components`.
    let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
    let name = name.chars().map(|char| if allowed(char) { char } else { '_' }).collect();
    (name, OpenApiValue(scheme))
}

fn refusal(description: &str, headers: &[(&'static str, &str)]) -> Node {
    let schema = |kind: &str| map([("type", text(kind))]);
    let header = |kind: &str| map([("schema", schema(kind))]);
    let headers = headers.iter().map(|(name, kind)| ((*name).to_owned(), header(kind)));
    let properties = map([
        ("title", schema("string")),
        ("status", schema("integer")),
        ("detail", schema("string")),
    ]);
    let problem = map([("type", text("object")), ("properties", properties)]);
    map([
        ("description", text(description)),
        ("headers", Node::Map(headers.collect())),
        ("content", map([("application/problem+json", map([("schema", problem)]))])),
    ])
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::Map(entries.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
}

impl Serialize for OpenApiValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(nodes) => serializer.collect_seq(nodes),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (name, node) in entries {
                    map.serialize_entry(name, node)?;
                }
                map.end()
            }
        }
    }
}
