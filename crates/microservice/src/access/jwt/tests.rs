//! The examples of RFC 7515, and keys.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

const AUDIENCE: &str = "orders";

/// RFC 7515 A.2: a token without an audience, and its key.
const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const RSA_KEY: &str = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;

/// RFC 7515 A.3.
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const EC_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

fn verifier(keys: &[&str]) -> Result<Verifier, String> {
    Verifier::new(&format!("{{\"keys\":[{}]}}", keys.join(",")), AUDIENCE, None)
}

fn verify(keys: &[&str], token: &str) -> JwtError {
    verifier(keys).unwrap().verify(token, Duration::from_secs(1_300_000_000)).unwrap_err()
}

#[test]
fn the_signatures_of_the_standard_s_examples_are_valid() {
    // The next check after the signature's is the audience's, which these tokens lack.
    assert_eq!(verify(&[RSA_KEY], RS256), JwtError::Audience);
    assert_eq!(verify(&[EC_KEY], ES256), JwtError::Audience);
    assert_eq!(verify(&[RSA_KEY, EC_KEY], ES256), JwtError::Audience);
}

#[test]
fn every_changed_character_makes_a_token_invalid() {
    for (key, token) in [(RSA_KEY, RS256), (EC_KEY, ES256)] {
        for position in (0..token.len()).step_by(31) {
            let replacement = if token.as_bytes().get(position) == Some(&b'A') { "B" } else { "A" };
            let changed = [token.get(..position).unwrap(), replacement, token.get(position + 1..).unwrap()].concat();
            assert_ne!(verify(&[key], &changed), JwtError::Audience, "at {position}");
        }
    }
}

#[test]
fn a_forged_token_gets_one_reason_whatever_its_claims_are() {
    let forge = |claims: &str| {
        let [header, claims] = [r#"{"alg":"ES256"}"#, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 64]))
    };
    for claims in ["{}", "", r#"{"exp":0}"#, r#"{"exp":1,"aud":"orders"}"#, r#"{"exp":1e10,"aud":"orders"}"#] {
        assert_eq!(verify(&[EC_KEY], &forge(claims)), JwtError::Signature, "{claims}");
    }
}

#[test]
fn callers_with_long_subjects_share_a_name_and_no_key() {
    let [first, second] = ["1", "2"].map(|end| "é".repeat(MAX_SUBJECT_CHARS) + end);
    assert_eq!(name(&first), name(&second));
    assert_eq!(name(&first), format!("jwt:{}…", "é".repeat(MAX_SUBJECT_CHARS)));
    assert_eq!(name(&"é".repeat(MAX_SUBJECT_CHARS)), format!("jwt:{}", "é".repeat(MAX_SUBJECT_CHARS)));
    assert_eq!(name(""), "jwt:");
    assert_ne!(key("", &first), key("", &second));
    assert_ne!(key("a", "b"), key("", "ab"), "a subject is unique for its issuer only");
    assert_ne!(key("", "a"), crate::access::tokens::hash("jwt:a"), "the key of a file's token");
}

#[test]
fn a_key_is_for_one_algorithm() {
    assert_eq!(verify(&[EC_KEY], RS256), JwtError::UnknownKey);
    assert_eq!(verify(&[RSA_KEY], ES256), JwtError::UnknownKey);
    let two = [EC_KEY.replace("{\"kty", "{\"kid\":\"1\",\"kty"), EC_KEY.to_owned()];
    assert_eq!(verify(&[&two[0], &two[1]], ES256), JwtError::UnknownKey, "without a key id it may be either");
}

#[test]
fn keys_for_other_purposes_are_left_out() {
    let encryption = RSA_KEY.replace("{\"kty", "{\"use\":\"enc\",\"kty");
    let rs512 = RSA_KEY.replace("{\"kty", "{\"alg\":\"RS512\",\"kty");
    let others =
        [encryption.as_str(), &rs512, r#"{"kty":"oct","k":"AAAA"}"#, r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#];
    assert_eq!(verifier(&others).unwrap_err(), "there is no key for RS256 or ES256");
    assert_eq!(verify(&[&others[..], &[RSA_KEY]].concat(), RS256), JwtError::Audience);
}

#[test]
fn a_wrong_key_set_is_an_error_without_its_content() {
    let short = RSA_KEY.replace(RSA_KEY.get(40..300).unwrap(), "");
    for (keys, problem) in [
        (&["secret"][..], "it is no JSON Web Key Set (line 1, column 10)"),
        (&[], "there is no key for RS256 or ES256"),
        (&["7"], "key 1 is no JSON Web Key"),
        (&[RSA_KEY, RSA_KEY], "key 2 has the kid of an earlier key"),
        (&[&short], "key 1 must have n of 2048 to 8192 bits, and e, in base64url"),
        (&[r#"{"kty":"RSA"}"#], "key 1 must have n of 2048 to 8192 bits, and e, in base64url"),
        (&[r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#], "key 1 must have x and y of 32 bytes, in base64url"),
    ] {
        assert_eq!(verifier(keys).unwrap_err(), problem, "{keys:?}");
    }
    assert!(Verifier::new("", AUDIENCE, None).is_err());
    assert!(Verifier::new("{}", AUDIENCE, None).is_err());
}
