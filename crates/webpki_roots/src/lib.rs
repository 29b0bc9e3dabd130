//! Whom the database driver trusts.
//!
//! mysql_async reads an authority's file with `tokio::fs`, which needs threads: in wasm it ends the process. But it also asks the crate
//! of this name for the authorities that are always trusted. So this crate takes the published one's place
//! (`[patch.crates-io]`, the version line and the interface are kept) and answers with the authorities that the service was given by
//! [`trust_only`], or with Mozilla's where it was given none. Nothing but the given ones is trusted then, which the driver alone
//! cannot do: it adds a file's authorities to Mozilla's.

use std::sync::OnceLock;

/// An authority that certificates may lead up to, as DER (RFC 5280).
#[derive(Debug, Clone, Copy)]
pub struct TrustAnchor<'a> {
    /// Its name.
    pub subject: &'a [u8],
    /// Its public key.
    pub spki: &'a [u8],
    /// The names it may vouch for, where it is not free to vouch for all.
    pub name_constraints: Option<&'a [u8]>,
}

/// The authorities of a file.
#[derive(Debug, Clone)]
pub struct Authorities(Vec<TrustAnchor<'static>>);

impl Authorities {
    /// Reads the certificates in a PEM file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_pem(mut pem: &[u8]) -> Result<Self, &'static str> {
        let certificates = rustls_pemfile::certs(&mut pem).map_err(|_| "is not PEM")?;
        if certificates.is_empty() {
            return Err("holds no certificate");
        }
        certificates.into_iter().map(anchor).collect::<Result<_, _>>().map(Self)
    }
}

fn anchor(certificate: Vec<u8>) -> Result<TrustAnchor<'static>, &'static str> {
    // Read once a process and needed until its end.
    let certificate: &'static [u8] = Vec::leak(certificate);
    let anchor =
        webpki::TrustAnchor::try_from_cert_der(certificate).map_err(|_| "holds a certificate that cannot be read")?;
    Ok(TrustAnchor { subject: anchor.subject, spki: anchor.spki, name_constraints: anchor.name_constraints })
}

static ONLY: OnceLock<Authorities> = OnceLock::new();

/// From now on trusts these authorities and no others. The first call counts.
pub fn trust_only(authorities: Authorities) {
    // A second set would be another service's in the same process; there is none.
    let _ = ONLY.set(authorities);
}

/// The authorities that are trusted.
pub static TLS_SERVER_ROOTS: Roots = Roots(());

/// The type of [`TLS_SERVER_ROOTS`].
#[derive(Debug)]
pub struct Roots(());

impl Roots {
    /// One after the other.
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
    fn a_file_without_certificates_is_refused() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"] {
            assert!(Authorities::from_pem(pem.as_bytes()).is_err(), "{pem}");
        }
    }

    #[test]
    fn mozilla_s_authorities_are_trusted_where_no_others_are_given() {
        assert!(TLS_SERVER_ROOTS.iter().count() > 100);
    }
}
