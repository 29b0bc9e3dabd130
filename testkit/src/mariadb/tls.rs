//! Certificates for a MariaDB with TLS, created by `openssl`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::temp::TempDir;

/// A certificate authority and a server certificate for `localhost`, 127.0.0.1 and ::1, valid for a day.
#[derive(Clone, Debug)]
pub struct Tls {
    dir: Arc<TempDir>,
    required: bool,
}

impl Tls {
    /// Creates the keys and certificates.
    ///
    /// # Errors
    /// When `openssl` is missing or fails, with its output.
    pub fn new() -> Result<Self> {
        let tls = Self { dir: Arc::new(TempDir::new()?), required: false };
        tls.authority("ca")?;
        tls.authority("other-ca")?;
        tls.server_certificate()?;
        Ok(tls)
    }

    /// The server rejects TCP connections without TLS.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The authority's certificate (PEM), for clients to trust.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.file("ca.crt")
    }

    /// The certificate of an authority that has signed nothing. A client that trusts only this one must reject the
    /// server.
    #[must_use]
    pub fn other_ca(&self) -> PathBuf {
        self.file("other-ca.crt")
    }

    pub(super) fn options(&self) -> Vec<String> {
        let file = |name: &str| self.file(name).display().to_string();
        let mut options = vec![
            format!("--ssl-ca={}", file("ca.crt")),
            format!("--ssl-cert={}", file("server.crt")),
            format!("--ssl-key={}", file("server.key")),
        ];
        if self.required {
            options.push("--require-secure-transport=ON".to_owned());
        }
        options
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn authority(&self, name: &str) -> Result<()> {
        self.openssl(&format!(
            "req -x509 {KEY} -keyout {name}.key -out {name}.crt -days 1 -subj /CN=testkit-{name} \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        ))
    }

    fn server_certificate(&self) -> Result<()> {
        self.openssl(&format!(
            "req -x509 {KEY} -keyout server.key -out server.crt -days 1 -subj /CN=localhost -CA ca.crt -CAkey ca.key \
             -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
        ))
    }

    fn openssl(&self, arguments: &str) -> Result<()> {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(self.dir.path());
        let output = command.output().context("cannot run openssl")?;
        if !output.status.success() {
            bail!("openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

/// An unencrypted P-256 key, created in a millisecond.
const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MariaDb;

    #[test]
    fn a_server_that_requires_tls_has_a_valid_certificate_and_rejects_plain_tcp() -> Result<()> {
        let tls = Tls::new()?.required();
        let db = MariaDb::builder().tls(&tls).start()?;
        let ask = |options: &[&str]| {
            let port = format!("--port={}", db.port());
            let base = ["--no-defaults", "--protocol=tcp", "--host=localhost", "--user=root", "-eSELECT 1", &port];
            Command::new("mariadb").args(base).args(options).output().map(|output| output.status.success())
        };
        let by = |ca: PathBuf| format!("--ssl-ca={}", ca.display());
        assert!(!ask(&["--skip-ssl"])?);
        assert!(ask(&["--ssl-verify-server-cert", &by(tls.ca())])?);
        assert!(!ask(&["--ssl-verify-server-cert", &by(tls.other_ca())])?);
        Ok(())
    }
}
