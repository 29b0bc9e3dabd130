//! How safe the database's URL is: combinations that are weaker than they look are rejected, weak ones are named in the
//! log.

use std::net::IpAddr;

use mysql_async::Opts;

/// The host in the URL; an IPv6 address without its brackets, as certificates have it.
pub(super) fn host(opts: &Opts) -> &str {
    let host = opts.ip_or_hostname();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Rejects options that contradict each other, and TLS where its keys could be guessed. The error continues
/// "DATABASE_URL …".
pub(super) fn check(opts: &Opts, has_authorities: bool) -> Result<(), String> {
    let Some(tls) = opts.ssl_opts() else { return check_plaintext(opts) };
    if tls.accept_invalid_certs() && has_authorities {
        return Err("has verify_ca=false, which would ignore DATABASE_CA_FILE; remove one of the two".into());
    }
    getrandom::check().map_err(|error| format!("asks for TLS, but {error}"))
}

/// Options that let the server ask for the password in a readable form.
fn check_plaintext(opts: &Opts) -> Result<(), String> {
    if opts.enable_cleartext_plugin() {
        return Err("has enable_cleartext_plugin=true, which needs require_ssl=true".into());
    }
    if !opts.secure_auth() {
        return Err("has secure_auth=false, which needs require_ssl=true".into());
    }
    Ok(())
}

/// Why others on the network could read or change a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weakness {
    /// No TLS, to another machine.
    Plaintext,
    /// TLS with any certificate.
    UnverifiedCertificate,
    /// TLS with any certificate of a public authority.
    UnverifiedName,
}

impl Weakness {
    /// That of a valid URL.
    pub(super) fn of(opts: &Opts, has_authorities: bool) -> Option<Self> {
        match opts.ssl_opts() {
            None => (!is_loopback(host(opts))).then_some(Self::Plaintext),
            Some(tls) if tls.accept_invalid_certs() => Some(Self::UnverifiedCertificate),
            Some(tls) => (tls.skip_domain_validation() && !has_authorities).then_some(Self::UnverifiedName),
        }
    }

    /// Writes the line for the log.
    pub(super) fn log(self) {
        match self {
            Self::Plaintext => tracing::warn!("the connection to the database is not encrypted"),
            Self::UnverifiedCertificate => tracing::warn!("the database's certificate is not verified"),
            Self::UnverifiedName => tracing::warn!("the database's name in its certificate is not verified"),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn opts(host: &str, options: &str) -> Opts {
        Opts::from_url(&format!("mysql://orders:hunter2@{host}:3306/orders{options}")).unwrap()
    }

    #[test]
    fn an_ipv6_address_has_no_brackets() {
        assert_eq!(host(&opts("[::1]", "")), "::1");
        assert_eq!(host(&opts("db.example", "")), "db.example");
    }

    #[test]
    fn options_that_reveal_the_password_need_tls() {
        for option in ["enable_cleartext_plugin=true", "secure_auth=false"] {
            assert!(check(&opts("db", &format!("?{option}")), false).is_err(), "{option}");
            assert_eq!(check(&opts("db", &format!("?require_ssl=true&{option}")), false), Ok(()), "{option}");
        }
    }

    #[test]
    fn an_authority_excludes_verify_ca_false() {
        let options = "?require_ssl=true&verify_ca=false";
        assert!(check(&opts("db", options), true).is_err_and(|problem| problem.contains("DATABASE_CA_FILE")));
        assert_eq!(check(&opts("db", options), false), Ok(()));
        assert_eq!(check(&opts("db", "?require_ssl=true&verify_identity=false"), true), Ok(()));
    }

    #[test]
    fn weak_connections_are_named() {
        let weak = |host, options, has_authorities| Weakness::of(&opts(host, options), has_authorities).is_some();
        assert!(weak("db", "", false));
        assert!(weak("10.0.0.1", "?require_ssl=false", false));
        assert!(weak("localhost", "?require_ssl=true&verify_ca=false", false));
        assert!(weak("db", "?require_ssl=true&verify_identity=false", false));
        assert!(!weak("db", "?require_ssl=true&verify_identity=false", true));
        assert!(!weak("db", "?require_ssl=true", false));
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(!weak(host, "", false), "{host}");
        }
    }
}
