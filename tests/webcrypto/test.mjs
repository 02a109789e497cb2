// A person signs with nothing but what a browser has; the gateway takes it as it takes what `sillok sign` makes.
//
//   node test.mjs ADDRESS PLACE     in PLACE: keys/, office.pem; writes proof.json and signed.bin there

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { Refused, Signer, digest, importKey } from "./sillok.mjs";

const [address, place] = process.argv.slice(2);
const read = (name) => readFileSync(`${place}/${name}`, "utf8");
const bytes = (text) => new TextEncoder().encode(text);

async function person(name) {
    const key = await importKey(read(`keys/${name}.key`));
    assert.equal(key.extractable, false, "the key stays where it is");
    await assert.rejects(crypto.subtle.exportKey("pkcs8", key), "the key cannot be had again");
    return new Signer({ certificate: read(`keys/${name}.pem`), authority: read("office.pem"), key });
}

const [ahn, bae] = [await person("ahn"), await person("bae")];
const [asAhn, asBae] = [ahn.at(address), bae.at(address)];

// A file as a page has it; its hash is the one that everybody computes.
const text = `A consent of ${Date.now()}\n`;
const file = new File([text], "consent.txt");
assert.deepEqual(await digest(file), await digest(bytes(text)));

const jws = await ahn.sign(file, { purpose: "approval" });
const { signature, state } = await asAhn.submit(jws);
assert.equal(state, "created");
const status = await asAhn.rests(signature);
assert.equal(status.state, "recorded", JSON.stringify(status));
assert.ok(status.verdict.holds && status.transaction);
assert.equal((await asAhn.submit(jws)).signature, signature, "sent again, it answers where it stands");
writeFileSync(`${place}/proof.json`, JSON.stringify(await asAhn.proof(signature)));
writeFileSync(`${place}/signed.bin`, text);

// A document of two, opened by the program: each signs their part, and no other file.
const part = read("document.id").trim();
const contract = readFileSync(`${place}/contract.txt`);
await assert.rejects(asAhn.signPart(bytes("another paper"), part), /not the document/);
for (const gateway of [asAhn, asBae]) {
    const sent = await gateway.signPart(new Blob([contract]), part);
    assert.equal((await gateway.rests(sent.signature)).state, "recorded");
}
assert.equal((await asBae.document(part)).state, "complete");

// What is not theirs is refused, with the problem's code.
await assert.rejects(asBae.status(signature), (error) => error instanceof Refused && error.code === "not_found");
const thief = new Signer({
    certificate: read("keys/ahn.pem"),
    authority: read("office.pem"),
    key: await importKey(read("keys/bae.key")),
});
const forged = await thief.sign(bytes("forged"));
await assert.rejects(thief.at(address).submit(forged), (error) => error.code === "access.signature");
const refused = await asBae.submit(forged);
assert.equal((await asAhn.rests(refused.signature)).state, "invalid");

// S is in the lower half, however the browser signs.
for (let count = 0; count < 16; count++) {
    const made = await ahn.sign(bytes("x"));
    const s = Buffer.from(made.split(".")[2], "base64url").subarray(32);
    assert.ok(s[0] < 0x80, "the higher half begins above 0x7f");
}
console.log(signature);
