"""Reads Sillok's events off Kafka, knowing nothing of Sillok but the document `proto/events/asyncapi.json`.

Each event has to be a CloudEvent by CloudEvents' own SDK, and valid by its topic's schema, with no member that is not
documented; or it is told, in the topic `dead-letters`, that nobody could handle it. Then: the same id is the same event, what
happened to a signature happened in order and once, a school's batches come in order without a gap, a dead letter names
an event that is there, and each signature verifies exactly where the system says so.
"""

import argparse
import base64
import copy
import dataclasses
import hashlib
import json
import pathlib
import re
import sys
from collections import Counter, defaultdict

from cloudevents.core.bindings import kafka as cloudevents
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from jsonschema import Draft202012Validator, FormatChecker
from kafka import KafkaConsumer, TopicPartition
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = "urn:sillok:events"


@dataclasses.dataclass
class Read:
    """A message of a topic, as it was read."""

    world: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: dict
    value: bytes
    event: dict | None = None

    def place(self) -> str:
        return f"{self.world}{self.topic}/{self.partition}/{self.offset}"


class Wrong(Exception):
    """What was read is not as it is documented."""


def closed(document: dict) -> dict:
    """The document, with no members but those that it names: for tests. Readers let be what they do not know."""
    document = copy.deepcopy(document)
    schemas = document["components"]["schemas"]
    parts = set()

    def close(schema, is_part=False):
        if isinstance(schema, list):
            for item in schema:
                close(item)
        if not isinstance(schema, dict):
            return
        for part in schema.get("allOf", []):
            parts.add(part.get("$ref", "").rsplit("/", 1)[-1])
            close(part, is_part=True)
        for name, member in schema.items():
            if name != "allOf":
                close(member)
        if not is_part and ("properties" in schema or "allOf" in schema):
            schema.setdefault("unevaluatedProperties", False)

    for schema in schemas.values():
        close(schema)
    # What is a part of another has members beside it.
    for part in parts & schemas.keys():
        schemas[part].pop("unevaluatedProperties", None)
    for message in document["components"]["messages"].values():
        close(message["payload"])
    return document


class Schema:
    def __init__(self, document: dict) -> None:
        registry = Registry().with_resource(DOCUMENT, Resource(closed(document), DRAFT202012))
        self.topics = {channel["address"]: name for name, channel in document["channels"].items()}
        self.media = {
            name: message["contentType"] for name, message in document["components"]["messages"].items()
        }
        self.validators = {
            topic: Draft202012Validator(
                {"$ref": f"{DOCUMENT}#/components/messages/{name}/payload"},
                registry=registry,
                format_checker=FormatChecker(),
            )
            for topic, name in self.topics.items()
        }

    def is_event(self, read: Read) -> bool:
        """A message that calls itself an event. Others may write into a topic, too."""
        return read.headers.get("content-type", b"").decode(errors="replace") == self.media[read.topic]

    def check(self, topic: str, event: dict) -> None:
        for error in self.validators[topic].iter_errors(event):
            place = "/".join(str(step) for step in error.absolute_path)
            raise Wrong(f"{topic}: {event.get('id')}: at {place!r}: {error.message[:300]}")


def messages(arguments: argparse.Namespace, schema: Schema) -> list[Read]:
    """All of the topics, from the beginning to where they end now."""
    consumer = KafkaConsumer(
        bootstrap_servers=arguments.broker,
        security_protocol="SSL",
        ssl_cafile=arguments.roots,
        ssl_certfile=arguments.certificate,
        ssl_keyfile=arguments.key,
        enable_auto_commit=False,
        consumer_timeout_ms=30_000,
        max_partition_fetch_bytes=8 << 20,
    )
    shape = re.compile(f"({arguments.worlds})({'|'.join(map(re.escape, schema.topics))})")
    found = {}
    for name in sorted(consumer.topics()):
        if match := shape.fullmatch(name):
            for partition in consumer.partitions_for_topic(name):
                found[TopicPartition(name, partition)] = match.groups()
    if not found:
        raise Wrong("there is no topic of ours")
    consumer.assign(list(found))
    consumer.seek_to_beginning()
    ends = {place: end for place, end in consumer.end_offsets(list(found)).items() if end > 0}
    reads = []
    while any(consumer.position(place) < end for place, end in ends.items()):
        batch = consumer.poll(timeout_ms=10_000)
        if not batch:
            raise Wrong("the broker gives no more, and it is not all")
        for place, records in batch.items():
            world, topic = found[place]
            for record in records:
                headers = dict(record.headers)
                reads.append(Read(world, topic, record.partition, record.offset, record.key, headers, record.value))
    consumer.close()
    return reads


def parse(schema: Schema, read: Read) -> None:
    """A CloudEvent, by CloudEvents' own reader; its key is its subject."""
    message = cloudevents.KafkaMessage(headers=read.headers, key=read.key, value=read.value)
    event = cloudevents.from_structured_event(message)
    read.event = json.loads(read.value)
    attributes = (event.get_id(), event.get_source(), event.get_type(), event.get_subject())
    told = tuple(read.event[name] for name in ("id", "source", "type", "subject"))
    if attributes != told or event.get_specversion() != "1.0":
        raise Wrong(f"{read.place()}: CloudEvents reads {attributes}")
    if read.key is None or read.key.decode() != read.event["subject"]:
        raise Wrong(f"{read.place()}: its key is {read.key}, its subject {read.event['subject']!r}")


def once(reads: list[Read]) -> list[Read]:
    """Each event once, in the order of its topic's partition: the same id is the same event."""
    seen, kept = {}, []
    for read in reads:
        name = (read.world, read.event["source"], read.event["id"])
        if name not in seen:
            seen[name] = read
            kept.append(read)
        elif seen[name].event != read.event:
            raise Wrong(f"{read.place()}: {read.event['id']} is two events")
        elif seen[name].partition != read.partition:
            raise Wrong(f"{read.place()}: {read.event['id']} is on two ways")
    return kept


def steps_in_order(events: dict) -> int:
    """Created, verified, recorded: each step has the one before it, of the same signature, and none comes twice. Where an
    office did not make what was asked of it, what was asked stands in the place of the signature."""
    steps = ("signatures.created", "signatures.verified", "signatures.recorded")
    for before, after in zip(steps, steps[1:]):
        earlier = {suffix(read): read for read in events[before]}
        asked = {suffix(read): read for read in events["signatures.requested"]}
        for read in events[after]:
            is_made = after != steps[1] or "presented" in read.event["data"]
            first = (earlier if is_made else asked).get(suffix(read))
            if first is None:
                raise Wrong(f"{read.event['id']} without {before}")
            if first.event["time"] > read.event["time"] or first.event["subject"] != read.event["subject"]:
                raise Wrong(f"{read.event['id']} does not follow {first.event['id']}")
    verified = {suffix(read): read.event["data"] for read in events[steps[1]]}
    for read in events[steps[2]]:
        data, verdict = read.event["data"], verified[suffix(read)]
        if "failure" in verdict or data["signature"] != verdict["signature"]:
            raise Wrong(f"{read.event['id']} came to rest, and does not hold")
        if ("transaction" in data and "block" in data) == ("refused" in data):
            raise Wrong(f"{read.event['id']} is neither recorded nor refused, or both")
    return len(verified)


def suffix(read: Read) -> str:
    return read.event["id"].split("/", 1)[1]


def batches_in_order(events: dict) -> int:
    """A school's batches have consecutive numbers, in the order in which they are read."""
    last, entries = {}, set()
    for read in events["records.entries"]:
        data = read.event["data"]
        if data["school"] != read.event["subject"] or data["sequence"] != last.get(data["school"], 0) + 1:
            raise Wrong(f"{read.event['id']} comes after batch {last.get(data['school'], 0)}")
        last[data["school"]] = data["sequence"]
        for entry in data["entries"]:
            if entry["entry"] in entries:
                raise Wrong(f"{read.event['id']}: the entry {entry['entry']} is in two batches")
            entries.add(entry["entry"])
    return len(entries)


def letters_name_what_is_there(events: dict, foreign: set) -> int:
    ids = {read.event["id"] for of_topic in events.values() for read in of_topic}
    for read in events["dead-letters"]:
        data = read.event["data"]
        if data["group"] != read.event["subject"] or data["event"] not in ids | foreign:
            raise Wrong(f"{read.event['id']}: there is no event {data['event']}")
    return len(events["dead-letters"])


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signatures_hold(events: dict) -> Counter:
    """ES256 under the certificate in the header: it verifies, unless the verdict says that it does not."""
    told = Counter()
    for read in events["signatures.verified"]:
        data = read.event["data"]
        if "presented" not in data:
            told[data["failure"]["code"]] += 1
            continue
        header, payload, signature = data["presented"]["jws"].split(".")
        words = json.loads(unpadded(header))
        if payload or hashlib.sha256(f"{header}.".encode()).hexdigest() != data["signature"]:
            raise Wrong(f"{read.event['id']}: its id is not of its signing input")
        if unpadded(words["sigD"]["hashV"][0]).hex() != data["hash"] or words["sigD"]["pars"] != [data["subject"]]:
            raise Wrong(f"{read.event['id']}: it tells of another document than it signs")
        leaf = x509.load_der_x509_certificate(base64.b64decode(words["x5c"][0]))
        raw = unpadded(signature)
        der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            leaf.public_key().verify(der, f"{header}.".encode(), ec.ECDSA(hashes.SHA256()))
            holds = True
        except InvalidSignature:
            holds = False
        code = data.get("failure", {}).get("code")
        # Another code tells of another check, whatever this one gives.
        if code in (None, "signature.invalid") and holds != (code is None):
            raise Wrong(f"{read.event['id']}: it {'holds' if holds else 'does not hold'}, and the verdict is {code}")
        told[code or "holds"] += 1
    return told


def spoiled(event: dict):
    """The event, spoiled in each way that the schema has to find."""

    def at(change):
        other = copy.deepcopy(event)
        change(other)
        return other

    for name in ("specversion", "id", "source", "type", "subject", "time", "data"):
        yield f"without {name}", at(lambda other, name=name: other.pop(name))
    yield "of another version", at(lambda other: other.update(specversion="0.3"))
    yield "of another type", at(lambda other: other.update(type="sillok.weather"))
    yield "of no time", at(lambda other: other.update(time="yesterday"))
    yield "with an undocumented attribute", at(lambda other: other.update(undocumented=1))
    if isinstance(event["data"], dict):
        yield "with an undocumented member", at(lambda other: other["data"].update(undocumented=1))
        for name, value in event["data"].items():
            wrong = {"a": 1} if isinstance(value, (str, int)) else "x"
            yield f"with another {name}", at(lambda other, name=name, wrong=wrong: other["data"].update({name: wrong}))


def finds_what_is_spoiled(schema: Schema, events: dict) -> int:
    """A check that finds nothing proves nothing."""
    count = 0
    for topic, of_topic in events.items():
        for how, event in spoiled(of_topic[0].event):
            try:
                schema.check(topic, event)
            except Wrong:
                count += 1
                continue
            raise Wrong(f"{topic}: an event {how} is taken for a good one")
    return count


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("document", "broker", "roots", "certificate", "key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--worlds", default="", help="what the topics' names begin with, as a regular expression")
    parser.add_argument("--topics", required=True, help="of which there have to be events, with commas")
    arguments = parser.parse_args()
    schema = Schema(json.loads(pathlib.Path(arguments.document).read_text()))

    reads = messages(arguments, schema)
    foreign = [read for read in reads if not schema.is_event(read)]
    reads = [read for read in reads if schema.is_event(read)]
    for read in reads:
        parse(schema, read)
    kept = once(reads)
    worlds = defaultdict(lambda: defaultdict(list))
    for read in kept:
        worlds[read.world][read.topic].append(read)

    # Whoever reads past the schema what nobody could handle has no more luck.
    put_aside = {(read.world, read.event["data"]["event"]) for read in kept if read.topic == "dead-letters"}
    unfit = []
    for read in kept:
        try:
            schema.check(read.topic, read.event)
        except Wrong:
            if (read.world, read.event["id"]) not in put_aside:
                raise
            unfit.append(read)
    told, counts = Counter(read.topic for read in kept), Counter()
    verdicts = Counter()
    for world, events in worlds.items():
        events = defaultdict(list, {
            topic: [read for read in of_topic if read not in unfit] for topic, of_topic in events.items()
        })
        counts["signatures"] += steps_in_order(events)
        counts["entries"] += batches_in_order(events)
        places = {read.place() for read in foreign if read.world == world}
        places |= {read.event["id"] for read in unfit if read.world == world}
        counts["dead letters"] += letters_name_what_is_there(events, places)
        verdicts += signatures_hold(events)
    missing = [topic for topic in arguments.topics.split(",") if not told[topic]]
    if missing:
        raise Wrong(f"there are no events of {', '.join(missing)}")
    by_topic = defaultdict(list)
    for read in kept:
        if read not in unfit:
            by_topic[read.topic].append(read)
    spoilt = finds_what_is_spoiled(schema, by_topic)

    print(f"{len(kept)} events of {len(worlds)} systems, and {len(reads) - len(kept)} of them more than once")
    for topic, count in sorted(told.items()):
        print(f"  {topic:22} {count:6}")
    print(f"  {len(unfit)} that nobody could handle, {len(foreign)} messages that are no events")
    print("  " + ", ".join(f"{count} {what}" for what, count in counts.items()) + ", in order")
    print("  signatures: " + ", ".join(f"{code} {count}" for code, count in sorted(verdicts.items())))
    print(f"  {spoilt} spoiled events were found")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"tests/events: {wrong}")
