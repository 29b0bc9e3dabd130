//! An issuer of JWTs: keys, their JWKS in a file, and signed tokens, valid and invalid ones.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use testkit::TempDir;

/// The audience and the issuer of valid tokens.
pub(super) const AUDIENCE: &str = "https://orders.example";
pub(super) const ISSUER: &str = "https://login.example";

/// An issuer with two keys: `ec` for ES256, `rsa` for RS256.
pub(super) struct Issuer {
    dir: TempDir,
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

impl Issuer {
    /// New keys, and a JWKS with both.
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let ec = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key");
        let issuer = Self { dir: TempDir::new().expect("a directory"), ec, rsa: new_rsa_key() };
        issuer.publish(&[issuer.ec_jwk("ec"), issuer.rsa_jwk("rsa")]);
        issuer
    }

    /// Writes a JWKS with these keys.
    pub(super) fn publish(&self, keys: &[Value]) {
        fs::write(self.dir.path().join("jwks.json"), json!({"keys": keys}).to_string()).expect("a file");
    }

    /// The variables of a service that accepts this issuer's tokens.
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        let file = self.dir.path().join("jwks.json").display().to_string();
        [("JWT_KEYS_FILE", file), ("JWT_AUDIENCE", AUDIENCE.to_owned()), ("JWT_ISSUER", ISSUER.to_owned())]
    }

    pub(super) fn ec_jwk(&self, kid: &str) -> Value {
        let point = self.ec.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256", "x": encode(x), "y": encode(y)})
    }

    pub(super) fn rsa_jwk(&self, kid: &str) -> Value {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        json!({"kty": "RSA", "kid": kid, "n": encode(&public.n), "e": encode(&public.e)})
    }

    /// The RSA key's modulus: a public value that must never serve as a secret.
    pub(super) fn rsa_modulus(&self) -> Vec<u8> {
        RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public()).n
    }

    /// A token with this header and these claims, signed with the EC key.
    pub(super) fn es256_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.ec.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        format!("{message}.{}", encode(signature.as_ref()))
    }

    /// A token with these claims, signed with the EC key.
    pub(super) fn es256(&self, claims: &Value) -> String {
        self.es256_with(&json!({"alg": "ES256", "kid": "ec", "typ": "JWT"}), claims)
    }

    /// A token with these claims, signed with the RSA key.
    pub(super) fn rs256(&self, claims: &Value) -> String {
        let message = message(&json!({"alg": "RS256", "kid": "rsa"}), claims);
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        let random = SystemRandom::new();
        self.rsa.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).expect("a signature");
        format!("{message}.{}", encode(&signature))
    }
}

/// The claims of a valid token with these scopes, with some changed. A change to null removes a claim.
pub(super) fn claims(scope: &str, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "shop-7", "iat": now(), "nbf": now(), "exp": now() + 600, "scope": scope
    });
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    claims
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The part of a token that is signed.
pub(super) fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
}

fn new_rsa_key() -> RsaKeyPair {
    let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"];
    let output = Command::new("openssl").args(arguments).output().expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Versions of openssl write one form or the other.
    RsaKeyPair::from_pkcs8(&output.stdout).or_else(|_| RsaKeyPair::from_der(&output.stdout)).expect("a key")
}
