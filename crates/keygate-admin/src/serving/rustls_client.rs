use std::io;
use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore, crypto};

/// Starts TLS, with the system's trusted certificates.
pub(super) async fn connect(host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| "The host name is not valid for TLS.".to_owned())?;
    let connected = TlsConnector::from(config()?).connect(name, stream).await;
    connected.map_err(|error| why(&error))
}

/// Describes why TLS failed and, if the certificate is not trusted, what is wrong with it.
fn why(error: &io::Error) -> String {
    let source = error.get_ref().and_then(|source| source.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(why)) = source else {
        return format!("TLS failed: {error}.");
    };
    let why = match why {
        CertificateError::UnknownIssuer => {
            "it was not issued by an authority that this system trusts".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        other => format!("{other:?}"),
    };
    format!(
        "The certificate of this address is not trusted: {why}. Renew it, or add its issuer to the system's certificates \
         or to the file in SSL_CERT_FILE. Then restart this process."
    )
}

fn config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("The system has no trusted certificates.".to_owned());
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| format!("TLS failed: {error}."))?;
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    Ok(Arc::clone(CONFIG.get_or_init(|| config)))
}
