//! FNV-1a, 128 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): for keys of caches, not a cryptographic hash.

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The hash of these parts, one after another.
#[must_use]
pub fn hash(parts: &[&[u8]]) -> u128 {
    let bytes = parts.iter().copied().flatten();
    bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(&[]), OFFSET_BASIS);
        assert_eq!(hash(&[b"a"]), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(hash(&[b"a", b"b"]), hash(&[b"ab"]));
    }
}
