// Reads the ledger with Fabric's own client, as a program in another language would.
//
// usage: node read.mjs NETWORK_JSON SCHOOL
// Prints one JSON object: the functions the contract names, and the school's head as each office's peer has it.
import { createPrivateKey } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import * as grpc from "@grpc/grpc-js";
import { connect, hash, signers } from "@hyperledger/fabric-gateway";

const TIME_LIMIT = 10_000;

const [networkFile, school] = process.argv.slice(2);
if (!school) {
    console.error("usage: node read.mjs NETWORK_JSON SCHOOL");
    process.exit(2);
}
const network = JSON.parse(await readFile(networkFile, "utf8"));

async function onlyFile(directory) {
    const [name] = await readdir(directory);
    return readFile(join(directory, name));
}

async function withContract(organization, use) {
    const { peer, msp_id: mspId, users } = organization;
    const msp = users.Admin;
    const tls = grpc.credentials.createSsl(await readFile(peer.tls_root_cert));
    const client = new grpc.Client(peer.address, tls);
    const gateway = connect({
        client,
        identity: { mspId, credentials: await onlyFile(join(msp, "signcerts")) },
        signer: signers.newPrivateKeySigner(createPrivateKey(await onlyFile(join(msp, "keystore")))),
        hash: hash.sha256,
        evaluateOptions: () => ({ deadline: Date.now() + TIME_LIMIT }),
    });
    try {
        return await use(gateway.getNetwork(network.channel).getContract(network.chaincode));
    } finally {
        gateway.close();
        client.close();
    }
}

const readJson = async (contract, name, ...args) =>
    JSON.parse(Buffer.from(await contract.evaluateTransaction(name, ...args)).toString("utf8"));

const offices = ["OfficeMSP", "SupportMSP"].map((id) => network.organizations[id]);
const heads = await Promise.all(
    offices.map((office) => withContract(office, (contract) => readJson(contract, "GetHead", school))),
);
const metadata = await withContract(offices[0], (contract) =>
    readJson(contract, "org.hyperledger.fabric:GetMetadata"),
);
const functions = Object.values(metadata.contracts).flatMap((contract) =>
    contract.transactions.map((transaction) => transaction.name),
);
console.log(JSON.stringify({ functions, heads }));
