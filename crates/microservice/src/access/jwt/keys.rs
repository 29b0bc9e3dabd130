//! The public keys that sign JWTs: a JSON Web Key Set (RFC 7517) from a file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The maximum number of keys in a file.
const MAX_KEYS: usize = 100;

/// The smallest RSA key, in bytes (RFC 7518 §3.3).
const MIN_RSA_BYTES: usize = 256;

/// The largest RSA key that ring takes, in bytes.
const MAX_RSA_BYTES: usize = 1024;

/// The coordinates of a point on P-256, in bytes.
const COORDINATE_BYTES: usize = 32;

/// The algorithms that are accepted. No symmetric one is: the keys are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

/// The keys of a file that can verify. At least one.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// A key is for one algorithm, so a token cannot choose how its key is used.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// The uncompressed point.
    P256(Vec<u8>),
}

/// The members of a key that matter here (RFC 7518 §6).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Parses a JWKS. Keys for other purposes are left out; a wrong key for this one is an error.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<Box<RawValue>>,
        }
        let Jwks { keys } = serde_json::from_str(text)
            .map_err(|error| format!("it is no JSON Web Key Set (line {}, column {})", error.line(), error.column()))?;
        if keys.len() > MAX_KEYS {
            return Err(format!("there are more than {MAX_KEYS} keys"));
        }
        let mut set: Vec<Key> = Vec::new();
        for (index, key) in keys.into_iter().enumerate() {
            let key = Key::parse(key.get()).map_err(|problem| format!("key {} {problem}", index + 1))?;
            let Some(key) = key else { continue };
            if set.iter().any(|known| known.id == key.id && known.algorithm() == key.algorithm()) {
                return Err(format!("key {} has the kid of an earlier key", index + 1));
            }
            set.push(key);
        }
        if set.is_empty() { Err("there is no key for RS256 or ES256".into()) } else { Ok(Self(set)) }
    }

    /// The key of a token's header. A token without a key id can only mean the only key of its algorithm.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut keys = self.0.iter().filter(|key| key.algorithm() == algorithm);
        match id {
            Some(id) => keys.find(|key| key.id.as_deref() == Some(id)),
            None => keys.next().filter(|_| keys.next().is_none()),
        }
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Key {
    /// None for a key that is not for RS256 or ES256 signatures.
    fn parse(jwk: &str) -> Result<Option<Self>, &'static str> {
        let jwk: Jwk = serde_json::from_str(jwk).map_err(|_| "is no JSON Web Key")?;
        let is_for_signatures = jwk.r#use.as_deref().is_none_or(|purpose| purpose == "sig");
        let is_for = |algorithm| jwk.alg.as_deref().is_none_or(|name| name == algorithm);
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            _ if !is_for_signatures => return Ok(None),
            ("RSA", _) if is_for("RS256") => {
                rsa(&jwk).ok_or("must have n of 2048 to 8192 bits, and e, in base64url")?
            }
            ("EC", Some("P-256")) if is_for("ES256") => {
                p256(&jwk).ok_or("must have x and y of 32 bytes, in base64url")?
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { id: jwk.kid, material }))
    }

    fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa(_) => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
        }
    }

    /// The length of this key's signatures (RFC 7518 §3.3, §3.4).
    pub(super) fn signature_bytes(&self) -> usize {
        match &self.material {
            Material::Rsa(key) => key.n.len(),
            Material::P256(_) => 2 * COORDINATE_BYTES,
        }
    }

    /// True where this key's owner has signed the message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature),
        };
        verified.is_ok()
    }
}

fn rsa(jwk: &Jwk) -> Option<Material> {
    // ring takes numbers without leading zeros.
    let number = |text: &Option<String>| {
        let bytes = decode(text.as_deref()?)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).map(<[u8]>::to_vec)
    };
    let n = number(&jwk.n).filter(|n| (MIN_RSA_BYTES..=MAX_RSA_BYTES).contains(&n.len()))?;
    let e = number(&jwk.e).filter(|e| !e.is_empty())?;
    Some(Material::Rsa(RsaPublicKeyComponents { n, e }))
}

fn p256(jwk: &Jwk) -> Option<Material> {
    let coordinate = |text: &Option<String>| decode(text.as_deref()?).filter(|bytes| bytes.len() == COORDINATE_BYTES);
    let (x, y) = (coordinate(&jwk.x)?, coordinate(&jwk.y)?);
    // 4 marks an uncompressed point (SEC 1 §2.3.3).
    Some(Material::P256([&[4], x.as_slice(), y.as_slice()].concat()))
}

/// Decodes base64url without padding, as all of JOSE has it (RFC 7515 §2).
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
