"""Valid credentials for schemathesis: access tokens for what is read, requests signed with an educator's key.

What schemathesis makes up is sent as it is about half of the time. Else, where it means to send what the document
allows, ids become those of a request that is on the ledger, and the queries become ones that the request signs for: a
statement of a school's day, or the text that was made up, so that it gets past every signature.
"""

import base64
import hashlib
import json
import os
import pathlib
import random
import time

import schemathesis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

KNOWN = json.loads(pathlib.Path(os.environ["SILLOK_OPENAPI_KNOWN"]).read_text())
AUDIENCE = "sillok"
STATEMENTS = [
    ("SELECT subject, score FROM grades WHERE year = $1", [2026]),
    ("SELECT * FROM learner", []),
    ("SELECT count(*), max(score) FROM grades GROUP BY term ORDER BY 1 LIMIT 3", []),
    ("INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, 90)", [None]),
    ("UPDATE grades SET score = $1 WHERE subject = 'music'", [70]),
    ("DELETE FROM grades WHERE score = $1", [1]),
    ("SELECT g.subject FROM grades g JOIN notes n ON n.year = g.year", []),
    ("DELETE FROM nothing", []),
    ("SELECT 1/0", []),
]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Educator:
    """Signs as somebody of a school, or of an office."""

    def __init__(self, name: str, officer: bool) -> None:
        home = pathlib.Path(KNOWN["keys"])
        self.key = serialization.load_pem_private_key((home / f"{name}.key").read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((home / f"{name}.pem").read_bytes())
        der = certificate.public_bytes(serialization.Encoding.DER)
        self.thumbprint = {"x5t#S256": b64(hashlib.sha256(der).digest())}
        self.named = {"x5c": [base64.b64encode(der).decode()]} if officer else self.thumbprint

    def jws(self, header: dict, payload: dict) -> str:
        signed = ".".join(b64(json.dumps(part).encode()) for part in (header, payload))
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def token(self, method: str, url: str) -> str:
        now = int(time.time())
        header = {"typ": "sillok-access+jwt", "alg": "ES256", **self.named}
        claims = {"aud": AUDIENCE, "htm": method, "htu": url, "iat": now, "exp": now + 60}
        return self.jws(header, claims)

    def request(self, queries: list[str]) -> str:
        header = {"typ": "sillok-request+jws", "alg": "ES256", **self.thumbprint}
        payload = {
            "jti": b64(os.urandom(16)),
            "iat": int(time.time()),
            "aud": AUDIENCE,
            "school": KNOWN["school"],
            "queries": [b64(hashlib.sha256(query.encode()).digest()) for query in queries],
        }
        return self.jws(header, payload)


class Learner(Educator):
    """Shows who they are with the key of their wallet."""

    def __init__(self, name: str) -> None:
        home = pathlib.Path(KNOWN["keys"])
        self.key = serialization.load_pem_private_key((home / f"{name}.key").read_bytes(), password=None)
        self.named = {"kid": name}


CALLERS = [
    Educator("T1", officer=False),
    Educator("T2", officer=False),
    Educator("clerk", officer=True),
    Learner(KNOWN["learner"]),
]
ENDLESS = ["/v1/schools/{school}/entries", "/v1/learners/{learner}/entries/stream"]


class Access(AuthBase):
    """The token names the address as it is sent, so it is signed last."""

    def __init__(self, caller: Educator) -> None:
        self.caller = caller

    def __call__(self, request):
        url = request.url.split("?")[0].split("#")[0]
        request.headers["Authorization"] = f"Bearer {self.caller.token(request.method, url)}"
        return request


def query(dice: random.Random, made_up: str) -> str:
    sql, params = dice.choice(STATEMENTS)
    if dice.random() < 0.3:
        sql, params = made_up, [made_up] if dice.random() < 0.3 else []
    params = [b64(os.urandom(6)) if value is None else value for value in params]
    learner = dice.choice(KNOWN["learners"])
    return json.dumps({"learner": learner, "sql": sql, "params": params, "salt": b64(os.urandom(16))})


def sign(case, dice: random.Random) -> None:
    made_up = case.body.get("queries") if isinstance(case.body, dict) else None
    texts = [text for text in made_up or [] if isinstance(text, str)] or [""]
    queries = [query(dice, text) for text in texts[:5]]
    case.body = {"request": CALLERS[0].request(queries), "queries": queries}


def without_header(case) -> bool:
    """Whether the headers are what is meant to be wrong: then no good one is put in."""
    header = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
    return header is not None and header.mode == GenerationMode.NEGATIVE


@schemathesis.hook
def before_call(context, case, kwargs):
    dice = random.Random(repr((case.path_parameters, case.query, case.body)))
    intended = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    if intended and dice.random() < 0.6:
        if case.operation.label == "POST /v1/requests":
            sign(case, dice)
        for name in case.path_parameters or {}:
            # There is no objection: each that is made up is as unknown.
            case.path_parameters[name] = KNOWN.get(name, case.path_parameters[name])
    # A stream of entries goes on for ever: only its refusals are looked at here.
    if case.operation.path not in ENDLESS and not without_header(case) and dice.random() < 0.8:
        kwargs["auth"] = Access(dice.choice(CALLERS))
