//! Protobuf messages whose bytes are hashed or signed: each has one encoding, so that two readers cannot see two things.

use prost::Message;

/// Decodes a message and checks that encoding it gives the same bytes.
pub fn canonical<M: Message + Default>(bytes: &[u8]) -> Result<M, &'static str> {
    let message = M::decode(bytes).map_err(|_| "it is not the protobuf message expected")?;
    if message.encode_to_vec() != bytes {
        return Err("its encoding is not the canonical one: fields in order, each once, none unknown");
    }
    Ok(message)
}
