//! Custom sections: which are read, which would be wrong after a change of the code, which gain a word.

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, Parser, Payload};

/// The custom section with the machine code that `wasmedge compile x.wasm y.wasm` adds to a module.
pub const COMPILED_SECTION: &str = "wasmedge";

/// The custom section that names the features a module uses
/// (<https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md#target-features-section>).
pub(crate) const FEATURES_SECTION: &str = "target_features";

const SIMD_FEATURE: &str = "simd128";

/// The content of the first custom section with this name; `None` also where the module is malformed before it.
#[must_use]
pub fn custom_section<'a>(wasm: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut payloads = Parser::new(0).parse_all(wasm).map_while(Result::ok);
    payloads.find_map(|payload| match payload {
        Payload::CustomSection(section) if section.name() == name => Some(section.data()),
        _ => None,
    })
}

/// True for sections that refer to byte positions in the code.
pub(crate) fn refers_to_positions(section: &str) -> bool {
    section.starts_with(".debug_")
        || section.starts_with("metadata.code.")
        || ["sourceMappingURL", "external_debug_info"].contains(&section)
}

/// The content of a section of features with SIMD among them; `None` where it is malformed.
pub(crate) fn with_simd(features: &[u8]) -> Option<Vec<u8>> {
    let mut reader = BinaryReader::new(features, 0);
    let mut used = Vec::new();
    for _ in 0..reader.read_var_u32().ok()? {
        let prefix = reader.read_u8().ok()?;
        let name = reader.read_string().ok()?;
        if name != SIMD_FEATURE {
            used.push((prefix, name));
        }
    }
    used.push((b'+', SIMD_FEATURE));
    let mut section = Vec::new();
    write_u32(&mut section, used.len())?;
    for (prefix, name) in used {
        section.push(prefix);
        write_u32(&mut section, name.len())?;
        section.extend_from_slice(name.as_bytes());
    }
    reader.eof().then_some(section)
}

fn write_u32(section: &mut Vec<u8>, value: usize) -> Option<()> {
    u32::try_from(value).ok()?.encode(section);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_gain_simd_once() {
        let before = b"\x02+\x0bbulk-memory+\x08sign-ext";
        let after = b"\x03+\x0bbulk-memory+\x08sign-ext+\x07simd128";
        assert_eq!(with_simd(before).as_deref(), Some(after.as_slice()));
        assert_eq!(with_simd(after).as_deref(), Some(after.as_slice()));
        assert_eq!(with_simd(b"\x01-\x07simd128").as_deref(), Some(b"\x01+\x07simd128".as_slice()));
    }

    #[test]
    fn malformed_features_are_not_changed() {
        for section in [b"".as_slice(), b"\x02+\x01a", b"\x01+\x09short", b"\x00x", b"\xff\xff\xff\xff\x0f"] {
            assert_eq!(with_simd(section), None, "{section:?}");
        }
    }
}
