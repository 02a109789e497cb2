"""Checks a certificate's file as its documentation describes it (gateway/src/certificate/mod.rs), with none of our code.

    verify.py CERTIFICATE ROOTS      ROOTS: a directory with each office's root certificate as <MSP id>.pem

The JWT's signature, its chain to the office's root, the digests of the proofs and of their receipts, the countersignature of the wallet's key.
Not the proofs themselves, and not the status: `sillok certificate verify` does that.
"""

import base64
import hashlib
import json
import pathlib
import sys
import time
from datetime import datetime

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


class Refuted(Exception):
    """What does not hold."""


def holds(condition: bool, what: str) -> None:
    if not condition:
        raise Refuted(what)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def canonical(value: object) -> bytes:
    """RFC 8785, of objects, lists, whole numbers and ASCII text: there is nothing else in proofs and receipts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data: bytes) -> str:
    return b64(hashlib.sha256(data).digest())


def issuer(header: dict, roots: pathlib.Path, named: dict):
    """The officer's certificate, once a root of the office that is named issued it."""
    (text,) = header["x5c"]
    officer = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    holds("/" not in named["name"], "the office's name is none")
    for root in x509.load_pem_x509_certificates((roots / f"{named['name']}.pem").read_bytes()):
        if named["id"] == f"ni:///sha-256;{digest(root.public_bytes(Encoding.DER))}":
            officer.verify_directly_issued_by(root)
            constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
            holds(constraints.value.ca, "the root may not issue certificates")
            return officer
    raise Refuted("the issuer is no office whose root is known")


def check(file: dict, roots: pathlib.Path) -> dict:
    token = file["credential"]
    header = jwt.get_unverified_header(token)
    holds((header["typ"], header["cty"]) == ("vc+jwt", "vc"), "typ is vc+jwt and cty is vc")
    unverified = jwt.decode(token, options={"verify_signature": False})
    officer = issuer(header, roots, unverified["issuer"])
    credential = jwt.decode(token, officer.public_key(), algorithms=["ES256"])

    holds(credential["type"] == ["VerifiableCredential", "SchoolRecordCertificate"], "it is of another type")
    begins, ends = (datetime.fromisoformat(credential[member]) for member in ("validFrom", "validUntil"))
    holds(begins.timestamp() - 60 <= time.time() <= ends.timestamp(), "it is not good at this time")
    holds(officer.not_valid_before_utc <= begins <= officer.not_valid_after_utc, "the officer's certificate was not good")

    proofs, receipts = file["proofs"]["proofs"], file["proofs"]["receipts"]
    evidence = [entry["proof"] for entry in credential["evidence"]]
    holds(evidence == [digest(canonical(proof)) for proof in proofs], "the proofs are others than it names")
    named = [proof["receipt"] for proof in proofs]
    holds(list(dict.fromkeys(named)) == [digest(canonical(receipt)) for receipt in receipts], "the receipts are others")

    key = credential["cnf"]["jwk"]
    thumbprint = json.dumps({name: key[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
    subject = credential["credentialSubject"]
    holds(
        subject["id"] == f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{digest(thumbprint.encode())}",
        "the subject is not the key in cnf",
    )

    act = file["countersigned"]["act"]
    holds(jwt.get_unverified_header(act)["typ"] == "sillok-act+jws", "the countersignature is of another type")
    holds(jwt.get_unverified_header(act)["kid"] == subject["learner"], "another learner countersigned")
    signed = jwt.decode(
        act, jwt.PyJWK({**key, "alg": "ES256"}), algorithms=["ES256"], options={"verify_aud": False}
    )
    holds(signed["act"] == "certificate.countersign", "the learner signed another act")
    holds(f"urn:uuid:{signed['certificate']}" == credential["id"], "the learner countersigned another certificate")
    holds(signed["digest"] == hashlib.sha256(token.encode()).hexdigest(), "the learner countersigned something else")
    return credential


def main() -> int:
    certificate, roots = map(pathlib.Path, sys.argv[1:])
    try:
        credential = check(json.loads(certificate.read_bytes()), roots)
    except Exception as error:  # Whatever it is that does not hold: it does not.
        print(f"refuted: {type(error).__name__}: {error}")
        return 1
    rows = sum(map(len, credential["credentialSubject"]["record"].values()))
    print(f"holds: {credential['id']} of {credential['issuer']['name']}, {rows} row(s), {len(credential['evidence'])} proof(s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
