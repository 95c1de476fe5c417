//! TLS with a certificate that nobody signed, made at the start and never written down.

use std::{io, path::Path, sync::Arc};

use rustls::{
    CipherSuite, DigitallySignedStruct, DistinguishedName, Error, ProtocolVersion, RootCertStore, ServerConfig,
    ServerConnection, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime, pem::PemObject as _},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use tokio_rustls::TlsAcceptor;

use super::certificate::Certificate;
use crate::{link::Stream, profile::Personality};

/// The server's side of handshakes.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    authorities: Arc<Authorities>,
}

/// Who may sign the certificates of clients.
#[derive(Debug, Default)]
pub(super) struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl Authorities {
    /// Reads a file of certificates in PEM.
    ///
    /// # Errors
    /// The file cannot be read, or what is in it is no certificate.
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = read.map_err(|error| error.to_string())?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| error.to_string())?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Ok(Self { certificates, verifier: Some(verifier.map_err(|error| error.to_string())?) })
    }

    /// Whether one of them has signed the first certificate, maybe over the others, or it is one of them.
    fn have_signed(&self, chain: &[CertificateDer<'_>]) -> bool {
        let (Some((first, others)), Some(verifier)) = (chain.split_first(), &self.verifier) else { return false };
        let is_one = self.certificates.iter().any(|known| known == first);
        is_one || verifier.verify_client_cert(first, others, UnixTime::now()).is_ok()
    }
}

impl Tls {
    /// Makes a key and a certificate for the host. With `authorities` clients are asked for a certificate, and may have any or none.
    ///
    /// # Errors
    /// A name that no certificate can hold.
    pub(super) fn throw_away(hostname: &str, authorities: Option<Authorities>) -> Result<Self, String> {
        let made = rcgen::generate_simple_self_signed([hostname.to_owned()]).map_err(|error| error.to_string())?;
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match &authorities {
            Some(_) => builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider()))),
            None => builder.with_no_client_auth(),
        };
        let config =
            builder.with_single_cert(vec![made.cert.der().clone()], key.into()).map_err(|error| error.to_string())?;
        let authorities = Arc::new(authorities.unwrap_or_default());
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), authorities })
    }

    /// Shakes hands; the macros that tell of it come back.
    pub(super) async fn accept(
        &self,
        stream: Box<dyn Stream>,
        personality: Personality,
    ) -> io::Result<(Box<dyn Stream>, Vec<(String, String)>)> {
        let stream = self.acceptor.accept(stream).await?;
        let session = stream.get_ref().1;
        let mut values = values(session);
        let chain = session.peer_certificates().unwrap_or_default();
        if let Some(mut certificate) = chain.first().and_then(Certificate::parse) {
            certificate.is_verified = self.authorities.have_signed(chain);
            values.extend(certificate.macros(personality));
        }
        Ok((Box::new(stream), values))
    }
}

/// Takes any certificate whose key the client has: what it is worth is for the filters to say.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Version and cipher as OpenSSL calls them, which both MTAs use.
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
        assert!(Tls::throw_away("mx.example.com", None).is_ok() && Tls::throw_away("localhost", None).is_ok());
    }
}
