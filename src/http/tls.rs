//! What the server shows to those who connect by TLS, read anew when its files change.

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at. What changed is taken over at the second look that finds it the same, so that
/// files which are being written are left alone.
const LOOKS: Duration = Duration::from_secs(2);

/// Why files are no certificate that can be shown.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("{file}: cannot be read: {reason}")]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        reason: String,
    },
    /// A file without what it should hold.
    #[error("{file}: holds no {what} as PEM")]
    Empty {
        /// Which.
        file: String,
        /// What it should hold.
        what: &'static str,
    },
    /// A key that does not belong to the certificate, or that cannot be used.
    #[error("{key}: is not the private key of the certificate in {certificate}: {reason}")]
    Mismatch {
        /// The file with the key.
        key: String,
        /// The file with the certificate.
        certificate: String,
        /// What TLS says of it.
        reason: String,
    },
    /// TLS itself cannot be had.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// A certificate with its key, in two files that may change.
#[derive(Debug, Clone)]
pub struct Certificate {
    files: Files,
    shown: Arc<Shown>,
    loaded: Contents,
}

#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// Hashes of what the files held.
type Contents = [blake3::Hash; 2];

/// What is shown at this moment.
#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificate {
    /// Reads the certificate, with those between it and an authority, and its key.
    ///
    /// # Errors
    /// [`TlsError`] with the file at fault.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files { certificate: certificate.to_path_buf(), key: key.to_path_buf() };
        let (certified, loaded) = files.read()?;
        Ok(Self { files, shown: Arc::new(Shown(ArcSwap::from_pointee(certified))), loaded })
    }

    /// TLS 1.2 and 1.3 with what rustls holds safe; HTTP/2 before HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError::Setup`].
    pub(super) fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let mut config =
            builder.with_no_client_auth().with_cert_resolver(Arc::clone(&self.shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Takes over what the files hold whenever it changes; what cannot be used is told once, and the old certificate
    /// is shown on. Never ends.
    pub async fn keep_current(mut self) {
        let mut seen = self.loaded;
        let mut unreadable: u64 = 0;
        loop {
            tokio::time::sleep(LOOKS).await;
            let files = self.files.clone();
            let Ok(read) = tokio::task::spawn_blocking(move || (files.contents(), files.read())).await else { return };
            let (contents, read) = match read {
                (Ok(contents), read) => {
                    unreadable = 0;
                    (contents, read)
                }
                (Err(error), _) => {
                    unreadable += 1;
                    // At the second look: files may be about to be replaced.
                    if unreadable == 2 {
                        tracing::error!(%error, "the certificate's files cannot be read; the old one is shown on");
                    }
                    continue;
                }
            };
            if contents == self.loaded || contents != seen {
                seen = contents;
                continue;
            }
            self.loaded = contents;
            let certificate = self.files.certificate.display();
            match read {
                Ok((certified, _)) => {
                    self.shown.0.store(Arc::new(certified));
                    tracing::info!(%certificate, "the new certificate is shown from now on");
                }
                Err(error) => tracing::error!(%error, "the new certificate cannot be used; the old one is shown on"),
            }
        }
    }
}

impl Files {
    fn contents(&self) -> Result<Contents, TlsError> {
        Ok([hash(&self.certificate)?, hash(&self.key)?])
    }

    fn read(&self) -> Result<(CertifiedKey, Contents), TlsError> {
        let contents = self.contents()?;
        let name = |file: &Path| file.display().to_string();
        let unreadable = |file: &Path, reason: String| TlsError::Unreadable { file: name(file), reason };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
            .map_err(|error| unreadable(&self.certificate, error.to_string()))?;
        if chain.is_empty() {
            return Err(TlsError::Empty { file: name(&self.certificate), what: "certificate" });
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => {
                TlsError::Empty { file: name(&self.key), what: "private key" }
            }
            other => unreadable(&self.key, other.to_string()),
        })?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
            let (key, certificate) = (name(&self.key), name(&self.certificate));
            TlsError::Mismatch { key, certificate, reason: error.to_string() }
        })?;
        Ok((certified, contents))
    }
}

fn hash(file: &Path) -> Result<blake3::Hash, TlsError> {
    let unreadable =
        |error: std::io::Error| TlsError::Unreadable { file: file.display().to_string(), reason: error.to_string() };
    std::fs::read(file).map(|bytes| blake3::hash(&bytes)).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A certificate for `name` and its key, as PEM.
    fn pem(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// What is said of files with this in them, without their folder.
    fn mistake(certificate: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let [certificate_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        fs::write(&certificate_file, certificate).unwrap();
        fs::write(&key_file, key).unwrap();
        let error = Certificate::load(&certificate_file, &key_file).err().unwrap();
        error.to_string().replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn files_that_are_no_certificate_with_its_key_are_named() {
        let (certificate, key) = pem("a.example.com");
        let (_, other_key) = pem("a.example.com");
        let message = mistake(&certificate, &other_key);
        assert!(message.starts_with("key.pem: is not the private key of the certificate in cert.pem"), "{message}");
        assert_eq!(mistake("nothing", &key), "cert.pem: holds no certificate as PEM");
        assert_eq!(mistake(&certificate, ""), "key.pem: holds no private key as PEM");
        assert_eq!(mistake(&certificate, &certificate), "key.pem: holds no private key as PEM");
        let error = Certificate::load(Path::new("/nowhere/cert.pem"), Path::new("/nowhere/key.pem")).err().unwrap();
        assert!(error.to_string().starts_with("/nowhere/cert.pem: cannot be read"), "{error}");
    }

    #[test]
    fn a_certificate_with_its_key_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        let (certificate, key) = pem("a.example.com");
        fs::write(&certificate_file, certificate).unwrap();
        fs::write(&key_file, key).unwrap();
        let config = Certificate::load(&certificate_file, &key_file).unwrap().server_config().unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }
}
