//! Compiles the messages with protox, so that nobody needs protoc.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    let files = ["ledger.proto", "gateway.proto", "embedded.proto"];
    for file in files {
        println!("cargo:rerun-if-changed=protos/{file}");
    }
    let descriptors = protox::compile(files, ["protos"])?;
    // The reflection service serves these.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("sillok.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
