//! TLS with a certificate that nobody signed, made at the start and never written down.

use std::{io, sync::Arc};

use rustls::{CipherSuite, ProtocolVersion, ServerConfig, ServerConnection, crypto::ring};
use tokio_rustls::TlsAcceptor;

use crate::link::Stream;

/// The server's side of handshakes.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Makes a key and a certificate for the host.
    ///
    /// # Errors
    /// A name that no certificate can hold.
    pub(super) fn throw_away(hostname: &str) -> Result<Self, String> {
        let made = rcgen::generate_simple_self_signed([hostname.to_owned()]).map_err(|error| error.to_string())?;
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into())
            })
            .map_err(|error| error.to_string())?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Shakes hands; the macros that tell of it come back.
    pub(super) async fn accept(&self, stream: Box<dyn Stream>) -> io::Result<(Box<dyn Stream>, Vec<(String, String)>)> {
        let stream = self.acceptor.accept(stream).await?;
        let values = values(stream.get_ref().1);
        Ok((Box::new(stream), values))
    }
}

/// Version and cipher as OpenSSL calls them, which both MTAs use. No certificate was asked for: its names are empty.
fn values(session: &ServerConnection) -> Vec<(String, String)> {
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLSv1.2",
    };
    let (cipher, bits) = session.negotiated_cipher_suite().map_or(("", ""), |suite| openssl_name(suite.suite()));
    [("tls_version", version), ("cipher", cipher), ("cipher_bits", bits)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// The name and the strength of every suite that goes with the certificate's kind of key.
fn openssl_name(suite: CipherSuite) -> (&'static str, &'static str) {
    match suite {
        CipherSuite::TLS13_AES_256_GCM_SHA384 => ("TLS_AES_256_GCM_SHA384", "256"),
        CipherSuite::TLS13_AES_128_GCM_SHA256 => ("TLS_AES_128_GCM_SHA256", "128"),
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => ("TLS_CHACHA20_POLY1305_SHA256", "256"),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-ECDSA-AES256-GCM-SHA384", "256"),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-ECDSA-AES128-GCM-SHA256", "128"),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => ("ECDHE-ECDSA-CHACHA20-POLY1305", "256"),
        _ => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use rustls::SupportedCipherSuite;

    use super::*;

    #[test]
    fn every_suite_that_can_be_agreed_on_has_its_name() {
        let usable = |suite: CipherSuite| !format!("{suite:?}").contains("ECDHE_RSA");
        for suite in ring::DEFAULT_CIPHER_SUITES.iter().map(SupportedCipherSuite::suite).filter(|suite| usable(*suite))
        {
            assert!(!openssl_name(suite).0.is_empty(), "{suite:?}");
        }
    }

    #[test]
    fn a_certificate_is_made_for_any_host() {
        assert!(Tls::throw_away("mx.example.com").is_ok() && Tls::throw_away("localhost").is_ok());
    }
}
