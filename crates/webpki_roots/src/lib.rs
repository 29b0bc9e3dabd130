//! The certificate authorities that the database driver trusts.
//!
//! mysql_async reads a CA file with `tokio::fs`, which needs threads: in wasm that ends the process. But the driver
//! also asks the crate `webpki-roots` for the authorities that are always trusted. This crate replaces the published
//! one (`[patch.crates-io]`; the version line and the interface are the same). It returns the authorities given to
//! [`trust_only`], or Mozilla's without such a call.
//!
//! With [`trust_only`] no other authority is trusted. The driver alone cannot do that: it adds a CA file's authorities
//! to Mozilla's.

use std::sync::OnceLock;

/// A trust anchor, as DER (RFC 5280).
#[derive(Debug, Clone, Copy)]
pub struct TrustAnchor<'a> {
    /// The subject.
    pub subject: &'a [u8],
    /// The public key.
    pub spki: &'a [u8],
    /// The names that it may certify; None: any.
    pub name_constraints: Option<&'a [u8]>,
}

/// The authorities of a PEM file.
#[derive(Debug, Clone)]
pub struct Authorities(Vec<TrustAnchor<'static>>);

impl Authorities {
    /// Reads the certificates in a PEM file.
    ///
    /// # Errors
    /// The problem, in words that continue "the file …".
    pub fn from_pem(mut pem: &[u8]) -> Result<Self, &'static str> {
        let certificates = rustls_pemfile::certs(&mut pem).map_err(|_| "is not PEM")?;
        if certificates.is_empty() {
            return Err("holds no certificate");
        }
        certificates.into_iter().map(anchor).collect::<Result<_, _>>().map(Self)
    }
}

fn anchor(certificate: Vec<u8>) -> Result<TrustAnchor<'static>, &'static str> {
    // A process reads it once and needs it until its end.
    let certificate: &'static [u8] = Vec::leak(certificate);
    let anchor =
        webpki::TrustAnchor::try_from_cert_der(certificate).map_err(|_| "holds a certificate that cannot be read")?;
    Ok(TrustAnchor { subject: anchor.subject, spki: anchor.spki, name_constraints: anchor.name_constraints })
}

static ONLY: OnceLock<Authorities> = OnceLock::new();

/// Trusts these authorities and no others from now on. The first call counts.
pub fn trust_only(authorities: Authorities) {
    // A second set would belong to another service in the same process. There is none.
    let _ = ONLY.set(authorities);
}

/// The trusted authorities.
pub static TLS_SERVER_ROOTS: Roots = Roots(());

/// The type of [`TLS_SERVER_ROOTS`].
#[derive(Debug)]
pub struct Roots(());

impl Roots {
    /// Iterates over the trusted authorities.
    pub fn iter(&self) -> impl Iterator<Item = TrustAnchor<'static>> + use<> {
        let given = ONLY.get();
        let mozilla = if given.is_some() { &[] } else { mozilla_roots::TLS_SERVER_ROOTS };
        let mozilla = mozilla.iter().map(|anchor| TrustAnchor {
            subject: anchor.subject.as_ref(),
            spki: anchor.subject_public_key_info.as_ref(),
            name_constraints: anchor.name_constraints.as_ref().map(AsRef::as_ref),
        });
        given.into_iter().flat_map(|authorities| authorities.0.iter().copied()).chain(mozilla)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_rejected() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"] {
            assert!(Authorities::from_pem(pem.as_bytes()).is_err(), "{pem}");
        }
    }

    #[test]
    fn mozillas_authorities_are_trusted_by_default() {
        assert!(TLS_SERVER_ROOTS.iter().count() > 100);
    }
}
