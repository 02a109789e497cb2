//! Compiles the .proto files; `protox` does what `protoc` would, so nothing has to be installed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=protos");
    let descriptors = protox::compile(
        [
            "common/ledger.proto",
            "gateway/gateway.proto",
            "ledger/kv_query_result.proto",
            "ledger/kv_rwset.proto",
            "ledger/rwset.proto",
            "msp/identities.proto",
            "peer/chaincode_shim.proto",
        ],
        ["protos"],
    )?;
    // Without transport: a client's `connect` would clash with the method `Connect` of Fabric's chaincode service.
    tonic_prost_build::configure().build_transport(false).bytes(".").compile_fds(descriptors)?;
    Ok(())
}
