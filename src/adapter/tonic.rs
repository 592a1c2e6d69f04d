use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// A tonic interceptor for clients. It sends a key with each call, and marks it as sensitive, so that `Debug` of the
/// metadata hides it.
///
/// ```
/// use keygate::adapter::ApiKeyInterceptor;
/// use tonic::service::Interceptor as _;
///
/// let mut interceptor = ApiKeyInterceptor::new("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU")?;
/// // GreeterClient::with_interceptor(channel, interceptor)
/// let request = interceptor.call(tonic::Request::new(()))?;
/// assert!(format!("{request:?}").contains("\"x-api-key\": Sensitive"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ApiKeyInterceptor {
    name: HeaderName,
    value: HeaderValue,
}

impl ApiKeyInterceptor {
    /// Sends the key in `x-api-key`.
    ///
    /// # Errors
    ///
    /// The key has a character that a header cannot carry.
    pub fn new(key: impl AsRef<str>) -> Result<Self, ConfigError> {
        Self::of(HeaderName::from_static("x-api-key"), "", key.as_ref())
    }

    /// Sends the key in this header.
    ///
    /// # Errors
    ///
    /// The name is not the name of a header, or the key has a character that a header cannot carry.
    pub fn in_header(name: impl AsRef<str>, key: impl AsRef<str>) -> Result<Self, ConfigError> {
        let name = name.as_ref().parse().map_err(|_| ConfigError::HeaderName)?;
        Self::of(name, "", key.as_ref())
    }

    /// Sends the key as `Authorization: Bearer`.
    ///
    /// # Errors
    ///
    /// The key has a character that a header cannot carry.
    pub fn bearer(key: impl AsRef<str>) -> Result<Self, ConfigError> {
        Self::of(AUTHORIZATION, "Bearer ", key.as_ref())
    }

    fn of(name: HeaderName, scheme: &str, key: &str) -> Result<Self, ConfigError> {
        let text = Zeroizing::new([scheme, key].concat().into_bytes());
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        let mut value = value.map_err(|_| ConfigError::KeyValue)?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

impl Interceptor for ApiKeyInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().as_mut().insert(self.name.clone(), self.value.clone());
        Ok(request)
    }
}

impl fmt::Debug for ApiKeyInterceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyInterceptor").field("name", &self.name).finish_non_exhaustive()
    }
}
