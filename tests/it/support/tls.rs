//! An authority of a test's own, and the certificate of a server.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Who signs the certificates of a test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    folder: TempDir,
}

impl Authority {
    /// A new authority, with a certificate for this machine.
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &pem).unwrap();
        let authority = Self { issuer: Issuer::new(params, key), pem, folder };
        authority.renew();
        authority
    }

    /// Puts a new certificate for this machine, with a new key, in the place of the one before; answers it.
    pub fn renew(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let [certificate_file, key_file] = self.files();
        std::fs::write(key_file, key.serialize_pem()).unwrap();
        std::fs::write(certificate_file, certificate.pem()).unwrap();
        certificate.der().clone()
    }

    /// The files with certificate and key.
    pub fn files(&self) -> [PathBuf; 2] {
        ["cert.pem", "key.pem"].map(|name| self.folder.path().join(name))
    }

    /// The authority's own certificate, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The file it is in.
    pub fn file(&self) -> PathBuf {
        Path::new(self.folder.path()).join("ca.pem")
    }

    /// A connection to a server that shows a certificate of this authority, on which `protocol` is to be spoken.
    pub async fn connect(&self, server: SocketAddr, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(server).await?;
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST)), stream)
            .await
    }
}
