//! Responses of name servers.

/// The binding's own file. The crate compiles it for WasmEdge only.
#[path = "../../../crates/wasmedge_wasi_socket/src/resolve/dns_message.rs"]
mod dns_message;

/// The bytes of the shortest record with an address: a name of one byte, ten bytes of header, four of address.
const MIN_RECORD_BYTES: usize = 15;

/// A response has no more addresses than its bytes can hold. A query is never a response.
pub(crate) fn run(input: &[u8]) {
    let id = input.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
    if let Ok(addresses) = dns_message::addresses(id, input) {
        assert!(addresses.len() <= input.len() / MIN_RECORD_BYTES, "{} addresses", addresses.len());
    }
    let name = String::from_utf8_lossy(input);
    for kind in [dns_message::A, dns_message::AAAA] {
        if let Some(query) = dns_message::query(id, &name, kind) {
            let message = query.get(2..).unwrap_or_default();
            assert_eq!(dns_message::addresses(id, message), Err(dns_message::ResponseError::Invalid));
        }
    }
}
