// Signs documents in a browser, as `sillok sign` does: the document and the key stay here, what leaves is a signature of
// the document's SHA-256. It uses nothing but what every browser has: WebCrypto, fetch, TextEncoder.
//
//   import { Signer, importKey } from "./sillok.mjs";
//   const key = await importKey(keyPem); // cannot be exported again: keep it in IndexedDB, and the file in a safe place
//   const signer = new Signer({ certificate: certificatePem, authority: officePem, key });
//   const gateway = signer.at("https://gateway.example:8443");
//   const { signature } = await gateway.submit(await signer.sign(file, { purpose: "approval" }));
//   const status = await gateway.rests(signature); // { state: "recorded", transaction, … }
//
// The gateway's setting `listen.origins` has to name the page's origin.

const P256 = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };
/// The order of P-256's group: of the two values of S that verify, the lower one is taken.
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/// For how many seconds an access token is good.
const TOKEN_SECONDS = 60;
const PURPOSES = ["origin", "receipt", "delivery", "sender", "approval", "creation"];

const utf8 = (text) => new TextEncoder().encode(text);
const seconds = () => Math.floor(Date.now() / 1000);

function base64(bytes) {
    let binary = "";
    for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte);
    return btoa(binary);
}

const base64url = (bytes) => base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const encoded = (value) => base64url(utf8(JSON.stringify(value)));

/// The DER of the first block of this name in PEM.
function fromPem(pem, name) {
    const block = new RegExp(`-----BEGIN ${name}-----([A-Za-z0-9+/=\\s]+)-----END ${name}-----`).exec(pem);
    if (!block) throw new TypeError(`there is no ${name} in PEM`);
    return Uint8Array.from(atob(block[1].replace(/\s/g, "")), (character) => character.charCodeAt(0));
}

/// A private key in PEM (PKCS #8), as `sillok keys signer` writes it. What comes of it signs and cannot be exported.
export function importKey(pem) {
    return crypto.subtle.importKey("pkcs8", fromPem(pem, "PRIVATE KEY"), P256, false, ["sign"]);
}

/// SHA-256 of a document: a File, a Blob, or bytes.
export async function digest(document) {
    const bytes = document instanceof Blob ? await document.arrayBuffer() : document;
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/// r and s, 32 bytes each, s in the lower half.
async function es256(key, input) {
    const signature = new Uint8Array(await crypto.subtle.sign(ES256, key, utf8(input)));
    const s = BigInt(`0x${hex(signature.slice(32))}`);
    if (s > ORDER / 2n) {
        const lower = (ORDER - s).toString(16).padStart(64, "0");
        for (let index = 0; index < 32; index++) {
            signature[32 + index] = parseInt(lower.slice(2 * index, 2 * index + 2), 16);
        }
    }
    return base64url(signature);
}

/// Somebody who is registered, with the key of their certificate.
export class Signer {
    #key;
    #certificate;
    #authority;
    #audience;

    /// `certificate` and `authority` are PEM: the signer's own, and that of the office's authority which issued it. `key` is
    /// a CryptoKey that signs ECDSA on P-256. `audience` is what the gateway calls itself.
    constructor({ certificate, authority, key, audience = "sillok" }) {
        this.#certificate = fromPem(certificate, "CERTIFICATE");
        this.#authority = fromPem(authority, "CERTIFICATE");
        this.#key = key;
        this.#audience = audience;
    }

    /// The signature of a document: a compact JAdES JWS without a payload. `purpose` is one of approval, origin, receipt,
    /// delivery, sender and creation; `part` names a document of several parties.
    async sign(document, { purpose, part } = {}) {
        const hash = await digest(document);
        const header = {
            alg: "ES256",
            x5c: [base64(this.#certificate), base64(this.#authority)],
            "x5t#S256": await this.#thumbprint(),
            iat: seconds(),
            b64: false,
            crit: ["b64", "sigD"],
            sigD: {
                mId: "http://uri.etsi.org/19182/ObjectIdByURIHash",
                pars: [part === undefined ? `urn:sillok:hash:${hex(hash)}` : `urn:sillok:document:${part}`],
                hashM: "S256",
                hashV: [base64url(hash)],
            },
        };
        if (purpose !== undefined) {
            if (!PURPOSES.includes(purpose)) throw new TypeError(`there is no purpose ${purpose}`);
            const word = purpose[0].toUpperCase() + purpose.slice(1);
            header.srCms = [{ commId: { id: `http://uri.etsi.org/01903/v1.2.2#ProofOf${word}` } }];
        }
        const input = `${encoded(header)}.`;
        return `${input}.${await es256(this.#key, input)}`;
    }

    /// The access token for one call: method and address, for a minute.
    async access(method, url) {
        const { origin, pathname } = new URL(url);
        const header = { typ: "sillok-access+jwt", alg: "ES256", "x5t#S256": await this.#thumbprint() };
        const iat = seconds();
        const claims = { aud: this.#audience, htm: method, htu: origin + pathname, iat, exp: iat + TOKEN_SECONDS };
        const input = `${encoded(header)}.${encoded(claims)}`;
        return `${input}.${await es256(this.#key, input)}`;
    }

    /// A gateway, as this signer calls it.
    at(address) {
        return new Gateway(address, this);
    }

    async #thumbprint() {
        return base64url(await crypto.subtle.digest("SHA-256", this.#certificate));
    }
}

/// Why a gateway refused: its problem document (RFC 9457). `code` is stable.
export class Refused extends Error {
    constructor(problem) {
        super(`${problem.code}: ${problem.detail}`);
        Object.assign(this, { name: "Refused", code: problem.code, status: problem.status, retry: problem.retry });
    }
}

/// A gateway, as one signer calls it.
export class Gateway {
    #address;
    #signer;

    constructor(address, signer) {
        this.#address = address.replace(/\/$/, "");
        this.#signer = signer;
    }

    /// Hands a signature in. The same again answers with where it stands.
    submit(signature) {
        return this.#call("POST", "/v1/signatures", { signature });
    }

    /// Where a signature stands.
    status(id) {
        return this.#call("GET", `/v1/signatures/${id}`);
    }

    /// The same once it is at rest: recorded, invalid or refused.
    async rests(id, patience = 60_000) {
        for (const end = Date.now() + patience; ; ) {
            const status = await this.status(id);
            if (!["created", "valid"].includes(status.state)) return status;
            if (Date.now() > end) throw new Error("the signature is not at rest yet; ask again");
            await new Promise((wake) => setTimeout(wake, 250));
        }
    }

    /// The proof of a recorded signature: what `sillok signature verify` reads, offline.
    proof(id) {
        return this.#call("GET", `/v1/signatures/${id}/proof`);
    }

    /// A document of several parties.
    document(id) {
        return this.#call("GET", `/v1/documents/${id}`);
    }

    /// Signs a document of several parties, if it is the one that they are to sign, and hands the signature in.
    async signPart(file, id) {
        const { hash, purpose } = await this.document(id);
        if (hex(await digest(file)) !== hash) throw new Error("this is not the document that the parties are to sign");
        const signature = await this.#signer.sign(file, { part: id, purpose: purpose.replace("proof_of_", "") });
        return this.submit(signature);
    }

    async #call(method, path, body) {
        const url = this.#address + path;
        const headers = { authorization: `Bearer ${await this.#signer.access(method, url)}` };
        if (body !== undefined) headers["content-type"] = "application/json";
        const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
        const answer = await response.json();
        if (!response.ok) throw new Refused(answer);
        return answer;
    }
}
