//! The file of bearer tokens, `API_TOKENS_FILE`. A line has a name, scopes and the token's hash:
//!
//! ```text
//! # name  scopes      hash
//! shop    read,write  sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! ```
//!
//! Two lines may have the same name: both tokens are valid while one replaces the other. The file has no token, so
//! reading it gives no access. One fast hash is enough, because tokens are random: 256 bits cannot be guessed, with a
//! fast hash or a slow one. A slow one protects passwords that people choose, and would be a way to keep the service
//! busy.

use std::fmt;
use std::sync::Arc;

use super::connection::are_equal;
use super::scope::{Scope, Scopes};
use sha2::{Digest as _, Sha256};

/// The maximum number of tokens. Each request is compared with all of them.
const MAX_TOKENS: usize = 1000;

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// The tokens of a file. At least one.
#[derive(Debug)]
pub(super) struct TokenTable(Vec<Token>);

/// A token of the table.
pub(super) struct Token {
    /// For log lines and rate limits.
    pub(super) name: Arc<str>,
    pub(super) scopes: Scopes,
    /// The hash of the name.
    pub(super) key: Hash,
    hash: Hash,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// The hash of a token or a name.
pub(super) fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

impl TokenTable {
    /// Parses a file. The error has the number of the line and never its text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens: Vec<Token> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let token = Token::parse(line).map_err(|problem| format!("line {} {problem}", index + 1))?;
            if tokens.iter().any(|known| known.hash == token.hash) {
                return Err(format!("line {} has the hash of an earlier line", index + 1));
            }
            tokens.push(token);
            if tokens.len() > MAX_TOKENS {
                return Err(format!("there are more than {MAX_TOKENS} tokens"));
            }
        }
        if tokens.is_empty() { Err("there is no token".into()) } else { Ok(Self(tokens)) }
    }

    /// The token with this hash. The time does not depend on the hashes in the table.
    pub(super) fn find(&self, hash: &Hash) -> Option<&Token> {
        self.0.iter().fold(None, |found, token| if are_equal(&token.hash, hash) { Some(token) } else { found })
    }

    /// True where a token has the scope.
    pub(super) fn any_has(&self, scope: Scope) -> bool {
        self.0.iter().any(|token| token.scopes.contains(scope))
    }

    /// The number of tokens.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Token {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(scopes), Some(hash), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err("must have a name, scopes and a hash, separated by blanks");
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.len() > MAX_NAME_CHARS || !name.bytes().all(is_plain) {
            return Err("must begin with a name of at most 64 characters out of A-Z a-z 0-9 . _ -");
        }
        let scopes: Option<Scopes> = scopes.split(',').map(Scope::from_name).collect();
        let scopes = scopes.ok_or("must have scopes out of read, write, admin and operator, separated by commas")?;
        let hash = hash.strip_prefix("sha256:").and_then(parse_hash);
        let hash = hash.ok_or("must end with sha256: and the 64 hexadecimal digits of the token's hash")?;
        Ok(Self { name: name.into(), scopes, key: self::hash(name), hash })
    }
}

fn parse_hash(text: &str) -> Option<Hash> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let bytes: Vec<u8> =
        digits?.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    // 65 digits would give 32 bytes too.
    if text.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// The SHA-256 of `test`.
    const LINE: &str = "shop read,write sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_token_is_found_by_its_hash_and_no_other_token_is() {
        let table = TokenTable::parse(&format!("# tokens\n\n  {LINE}  \r\n")).unwrap();
        let token = table.find(&hash("test")).unwrap();
        assert_eq!(&*token.name, "shop");
        assert_eq!(token.scopes, [Scope::Read, Scope::Write].into_iter().collect());
        for other in ["", "Test", "test ", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] {
            assert!(table.find(&hash(other)).is_none(), "{other}");
        }
        assert!(table.any_has(Scope::Write) && !table.any_has(Scope::Admin));
    }

    #[test]
    fn a_wrong_line_is_an_error_with_its_number_and_without_its_text() {
        let hash = LINE.rsplit(' ').next().unwrap();
        for line in [
            "secret".to_owned(),
            format!("shop read,write {hash} secret"),
            format!("shop,secret read {hash}"),
            format!("{} read {hash}", "secret".repeat(11)),
            format!("shop read,secret {hash}"),
            format!("shop read, {hash}"),
            format!("shop READ {hash}"),
            format!("shop read {hash}secret"),
            format!("shop read {hash}0"),
            "shop read sha256:".to_owned(),
            format!("shop read {}", hash.replace("sha256:", "md5:")),
            format!("shop read {}", hash.replace('9', "ä")),
        ] {
            let error = TokenTable::parse(&format!("{LINE}\n{line}\n")).err().unwrap();
            assert!(error.starts_with("line 2 "), "{line}: {error}");
            assert!(!error.contains("secret") && !error.contains(hash), "{error}");
        }
        assert_eq!(
            TokenTable::parse(&format!("{LINE}\n{LINE}")).err().unwrap(),
            "line 2 has the hash of an earlier line"
        );
        assert_eq!(TokenTable::parse("# nothing\n").err().unwrap(), "there is no token");
    }

    #[test]
    fn hashes_are_not_in_the_debug_form() {
        let table = TokenTable::parse(LINE).unwrap();
        assert_eq!(format!("{table:?}"), r#"TokenTable([Token { name: "shop", scopes: {Read, Write}, .. }])"#);
    }
}
