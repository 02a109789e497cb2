//! Who may do what, over both faces: what is expected is written out in the tables here and nowhere else.

mod call;
mod people;

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use reqwest::Client;
use serde_json::Value;
use tonic::transport::Channel;

use crate::{
    grpc::channel,
    running::{Running, start},
    school::School,
};
use call::Subject;
use people::{Flaw, People, Role};

/// Whose an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Anyone's, whatever token they show.
    Anyones,
    /// Whoever signed what is sent; no token counts.
    Signers,
    /// That educator's whose request it is about, and the offices'.
    Senders,
    /// That educator's whose request it came with, the learner's whom it is about, and the offices'.
    Entries,
    /// That school's educators' and the offices'.
    Schools,
    /// The offices' alone.
    Offices,
    /// That learner's and the offices'.
    Learners,
    /// A learner's, who signs what they ask for.
    Applicants,
    /// Its learner's and the offices'; there is no such certificate.
    Certificates,
    /// The offices'; there is no such certificate.
    Drafts,
    /// Anyone's, whatever token they show; there is no such certificate.
    Askers,
    /// Anyone's, whatever token they show; what they send is no certificate.
    Judged,
    /// Any learner's, about themselves. What is sent is no act.
    Objectors,
    /// Any learner's, of their own, and the offices'.
    Lists,
    /// The learner's whose objection it is, and the offices'. There is no such objection.
    Objections,
    /// The offices'. What is sent is no act.
    Deciders,
    /// Anybody's who is registered. What is sent is no signature.
    SignatureSenders,
    /// Anybody's who is registered. What is sent is no act.
    Approvals,
    /// Its signer's or parties' and the offices'; there is no such signature or document.
    Papers,
    /// A signer's alone. What is sent is no act.
    PaperSigners,
    /// Any signer's, of their own; the offices have to say whose.
    PaperLists,
    /// Anyone's, whatever token they show; nobody has signed it.
    Unsigned,
    /// Anyone's, whatever token they show; nobody has claimed it.
    Unclaimed,
}

impl Whose {
    /// What a role is answered, by what it is answered elsewhere: to what is the offices', and the learner's.
    fn of_objections(self, role: Role, of_offices: Expected, of_learner: Expected) -> Expected {
        const NO_ACT: Expected = (400, "act.malformed");
        const NO_LEARNER: Expected = (403, "access.learners_only");
        let is_learner = matches!(role, Role::Learner | Role::OtherLearner);
        let is_known = of_offices.0 == 200 || of_offices == (403, "access.offices_only");
        match self {
            Self::Objectors if is_learner => NO_ACT,
            Self::Objectors if is_known => NO_LEARNER,
            Self::Lists if is_learner => (200, ""),
            Self::Objections if is_known => (404, "not_found"),
            Self::Deciders if of_offices.0 == 200 => NO_ACT,
            Self::Objectors | Self::Lists | Self::Objections | Self::Deciders => of_offices,
            _ => of_learner,
        }
    }

    /// The same of signatures and documents.
    fn of_papers(self, role: Role, of_offices: Expected) -> Expected {
        let is_known = of_offices.0 == 200 || of_offices == (403, "access.offices_only");
        let is_signer = role == Role::Signer;
        match self {
            Self::Unsigned => (404, "signature.not_found"),
            Self::Unclaimed => (404, "claim.not_found"),
            _ if !is_known => of_offices,
            Self::SignatureSenders => (400, "signature.malformed"),
            Self::Approvals => (400, "act.malformed"),
            Self::Papers => (404, "not_found"),
            Self::PaperSigners if is_signer => (400, "act.malformed"),
            Self::PaperSigners => (403, "access.signers_only"),
            Self::PaperLists if is_signer => (200, ""),
            Self::PaperLists if of_offices.0 == 200 => (400, "query.malformed"),
            _ => of_offices,
        }
    }

    /// Whether it is about signatures or documents.
    fn is_of_papers(self) -> bool {
        matches!(
            self,
            Self::SignatureSenders
                | Self::Approvals
                | Self::Papers
                | Self::PaperSigners
                | Self::PaperLists
                | Self::Unsigned
                | Self::Unclaimed
        )
    }
}

/// Every operation of REST.
const REST: [(&str, Whose); 48] = [
    ("GET /healthz", Whose::Anyones),
    ("GET /readyz", Whose::Anyones),
    ("GET /metrics", Whose::Anyones),
    ("POST /v1/requests", Whose::Signers),
    ("GET /v1/requests/{digest}", Whose::Senders),
    ("GET /v1/entries/{entry}", Whose::Entries),
    ("GET /v1/entries/{entry}/proof", Whose::Entries),
    ("GET /v1/schools/{school}/batches", Whose::Schools),
    ("GET /v1/schools/{school}/entries", Whose::Schools),
    ("POST /v1/learners/{learner}/verification", Whose::Offices),
    ("GET /v1/learners/{learner}/history", Whose::Offices),
    ("POST /v1/learners/{learner}/restoration", Whose::Offices),
    ("GET /v1/learners/{learner}/trail", Whose::Learners),
    ("GET /v1/learners/{learner}/entries", Whose::Learners),
    ("GET /v1/learners/{learner}/entries/stream", Whose::Learners),
    ("GET /v1/alerts", Whose::Offices),
    ("GET /v1/dead-letters", Whose::Offices),
    ("GET /v1/dead-letters/{letter}", Whose::Drafts),
    ("POST /v1/dead-letters/{letter}/replay", Whose::Drafts),
    ("POST /v1/dead-letters/{letter}/discard", Whose::Drafts),
    ("GET /v1/certificates", Whose::Offices),
    ("POST /v1/certificates", Whose::Applicants),
    ("GET /v1/certificates/{certificate}", Whose::Certificates),
    ("GET /v1/certificates/{certificate}/draft", Whose::Drafts),
    ("GET /v1/certificates/{certificate}/file", Whose::Certificates),
    ("GET /v1/certificates/{certificate}/print", Whose::Certificates),
    ("POST /v1/certificates/{certificate}/acts", Whose::Certificates),
    ("GET /v1/certificates/{certificate}/status", Whose::Askers),
    ("GET /v1/certificates/{certificate}/page", Whose::Anyones),
    ("POST /v1/verify", Whose::Judged),
    ("GET /v1/learners", Whose::Offices),
    ("GET /v1/learners/{learner}/erasure", Whose::Offices),
    ("POST /v1/learners/{learner}/erasure", Whose::Deciders),
    ("POST /v1/objections", Whose::Objectors),
    ("GET /v1/objections", Whose::Lists),
    ("GET /v1/objections/{objection}", Whose::Objections),
    ("POST /v1/objections/{objection}/decision", Whose::Deciders),
    ("POST /v1/signatures", Whose::SignatureSenders),
    ("POST /v1/signings", Whose::Approvals),
    ("GET /v1/signatures/{signature}", Whose::Papers),
    ("GET /v1/signatures/{signature}/proof", Whose::Unsigned),
    ("GET /v1/hashes/{hash}/signatures", Whose::Unsigned),
    ("POST /v1/documents", Whose::PaperSigners),
    ("GET /v1/documents", Whose::PaperLists),
    ("GET /v1/documents/{document}", Whose::Papers),
    ("POST /v1/documents/{document}/acts", Whose::PaperSigners),
    ("POST /v1/claims", Whose::PaperSigners),
    ("GET /v1/claims/{hash}", Whose::Unclaimed),
];

/// Every operation of gRPC.
const GRPC: [(&str, Whose); 48] = [
    ("/grpc.health.v1.Health/Check", Whose::Anyones),
    ("/grpc.health.v1.Health/Watch", Whose::Anyones),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Whose::Anyones),
    ("/sillok.v1.Gateway/SubmitRequest", Whose::Signers),
    ("/sillok.v1.Gateway/GetRequest", Whose::Senders),
    ("/sillok.v1.Gateway/GetEntry", Whose::Entries),
    ("/sillok.v1.Gateway/GetProof", Whose::Entries),
    ("/sillok.v1.Gateway/ListBatches", Whose::Schools),
    ("/sillok.v1.Gateway/StreamEntries", Whose::Schools),
    ("/sillok.v1.Gateway/VerifyLearner", Whose::Offices),
    ("/sillok.v1.Gateway/GetHistory", Whose::Offices),
    ("/sillok.v1.Gateway/PlanRestoration", Whose::Offices),
    ("/sillok.v1.Gateway/GetTrail", Whose::Learners),
    ("/sillok.v1.Gateway/ListLearnerEntries", Whose::Learners),
    ("/sillok.v1.Gateway/StreamLearnerEntries", Whose::Learners),
    ("/sillok.v1.Gateway/ListLearners", Whose::Offices),
    ("/sillok.v1.Gateway/ListAlerts", Whose::Offices),
    ("/sillok.v1.Gateway/StreamAlerts", Whose::Offices),
    ("/sillok.v1.DeadLetters/ListDeadLetters", Whose::Offices),
    ("/sillok.v1.DeadLetters/GetDeadLetter", Whose::Drafts),
    ("/sillok.v1.DeadLetters/ReplayDeadLetter", Whose::Drafts),
    ("/sillok.v1.DeadLetters/DiscardDeadLetter", Whose::Drafts),
    ("/sillok.v1.Gateway/ListWaitingCertificates", Whose::Offices),
    ("/sillok.v1.Gateway/RequestCertificate", Whose::Applicants),
    ("/sillok.v1.Gateway/GetCertificate", Whose::Certificates),
    ("/sillok.v1.Gateway/GetCertificateDraft", Whose::Drafts),
    ("/sillok.v1.Gateway/GetCertificateFile", Whose::Certificates),
    ("/sillok.v1.Gateway/PrintCertificate", Whose::Certificates),
    ("/sillok.v1.Gateway/ActOnCertificate", Whose::Certificates),
    ("/sillok.v1.Gateway/GetCertificateStatus", Whose::Askers),
    ("/sillok.v1.Gateway/VerifyCertificate", Whose::Judged),
    ("/sillok.v1.Gateway/GetErasure", Whose::Offices),
    ("/sillok.v1.Gateway/EraseLearner", Whose::Deciders),
    ("/sillok.v1.Gateway/FileObjection", Whose::Objectors),
    ("/sillok.v1.Gateway/ListObjections", Whose::Lists),
    ("/sillok.v1.Gateway/GetObjection", Whose::Objections),
    ("/sillok.v1.Gateway/DecideObjection", Whose::Deciders),
    ("/sillok.v1.Signatures/SubmitSignature", Whose::SignatureSenders),
    ("/sillok.v1.Signatures/RequestSigning", Whose::Approvals),
    ("/sillok.v1.Signatures/GetSignature", Whose::Papers),
    ("/sillok.v1.Signatures/GetSignatureProof", Whose::Unsigned),
    ("/sillok.v1.Signatures/ListSignatures", Whose::Unsigned),
    ("/sillok.v1.Signatures/OpenDocument", Whose::PaperSigners),
    ("/sillok.v1.Signatures/ListDocuments", Whose::PaperLists),
    ("/sillok.v1.Signatures/GetDocument", Whose::Papers),
    ("/sillok.v1.Signatures/ActOnDocument", Whose::PaperSigners),
    ("/sillok.v1.Signatures/ClaimWork", Whose::PaperSigners),
    ("/sillok.v1.Signatures/GetClaim", Whose::Unclaimed),
];

/// What each role is answered: HTTP's status, and the problem's code where it is one.
const ROLES: [(Role, [Expected; 6]); 19] = {
    const DONE: Expected = (200, "");
    const UNKNOWN: Expected = (401, "access.unknown");
    const UNSIGNED: Expected = (401, "educator.unknown");
    const ABSENT: Expected = (404, "not_found");
    const OTHER_SCHOOL: Expected = (403, "access.other_school");
    const REVOKED: Expected = (403, "educator.revoked");
    const ELSEWHERE: Expected = (403, "educator.other_school");
    const NOT_YET: Expected = (403, "educator.not_yet");
    const MISSING: Expected = (401, "access.missing");
    const NO_OFFICE: Expected = (403, "access.offices_only");
    const OTHER: Expected = (403, "access.other_learner");
    const VOID: Expected = (403, "wallet.revoked");
    // signs; reads: what the sender sent, an entry of it, of the school, what is the offices', what is the learner's
    [
        (Role::Nobody, [(400, "request.malformed"), MISSING, MISSING, MISSING, MISSING, MISSING]),
        (Role::Sender, [DONE, DONE, DONE, DONE, NO_OFFICE, OTHER]),
        (Role::Colleague, [DONE, ABSENT, ABSENT, DONE, NO_OFFICE, OTHER]),
        (Role::OtherSchool, [ELSEWHERE, ABSENT, ABSENT, OTHER_SCHOOL, NO_OFFICE, OTHER]),
        (Role::Revoked, [REVOKED; 6]),
        (Role::NotYet, [NOT_YET; 6]),
        (Role::Unregistered, [UNSIGNED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
        (Role::Learner, [UNSIGNED, ABSENT, DONE, OTHER_SCHOOL, NO_OFFICE, DONE]),
        (Role::OtherLearner, [UNSIGNED, ABSENT, ABSENT, OTHER_SCHOOL, NO_OFFICE, OTHER]),
        (Role::RevokedWallet, [UNSIGNED, VOID, VOID, VOID, VOID, VOID]),
        (Role::WithoutWallet, [UNSIGNED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
        (Role::OfficeClerk, [UNSIGNED, DONE, DONE, DONE, DONE, DONE]),
        (Role::SupportClerk, [UNSIGNED, DONE, DONE, DONE, DONE, DONE]),
        (Role::OfficeAdministrator, [UNSIGNED, DONE, DONE, DONE, DONE, DONE]),
        (Role::OfficePeer, [UNSIGNED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
        (Role::SchoolClerk, [UNSIGNED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
        (Role::Signer, [UNSIGNED, ABSENT, ABSENT, OTHER_SCHOOL, NO_OFFICE, OTHER]),
        (Role::SignerAsClerk, [UNSIGNED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
        (Role::OfOtherAuthority, [UNSIGNED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]),
    ]
};

/// What those who may are answered when their token, or what they signed, is not right.
const FLAWS: [(Flaw, Option<Expected>, Expected); 10] = [
    (Flaw::Garbage, Some((400, "request.malformed")), (401, "access.malformed")),
    (Flaw::OtherKind, Some((400, "request.malformed")), (401, "access.malformed")),
    (Flaw::OtherKey, Some((401, "request.signature_invalid")), (401, "access.signature")),
    (Flaw::OtherAudience, Some((403, "request.audience")), (401, "access.audience")),
    (Flaw::Expired, Some((400, "request.expired")), (401, "access.expired")),
    (Flaw::FromTheFuture, Some((400, "request.not_yet")), (401, "access.not_yet")),
    // A request is bound to no address, and lives as long as the gateway says.
    (Flaw::ForTooLong, None, (401, "access.too_long")),
    (Flaw::OtherMethod, None, (401, "access.call")),
    (Flaw::OtherAddress, None, (401, "access.call")),
    (Flaw::OtherHost, None, (401, "access.call")),
];

type Expected = (u16, &'static str);

struct World {
    gateway: Running,
    http: Client,
    channel: Channel,
    people: People,
    subject: Subject,
}

/// A gateway, people of every role, and a recorded request of one of them.
async fn world() -> World {
    let gateway = start(|_| {}).await;
    let school = School::found(&gateway.ledger).await;
    let subject = Subject::recorded(&school, &gateway).await;
    let people = People::gather(&school, &gateway.ledger).await;
    let (http, channel) = (Client::new(), channel(&gateway).await);
    World { gateway, http, channel, people, subject }
}

impl World {
    async fn expect(
        &self,
        operation: &str,
        whose: Whose,
        role: Role,
        flaw: Option<Flaw>,
        expected: Expected,
    ) {
        let answered = if operation.starts_with('/') {
            call::grpc(self, operation, whose, role, flaw).await
        } else {
            call::rest(self, operation, whose, role, flaw).await
        };
        let answered = (answered.0, answered.1.as_str());
        assert_eq!(answered, expected, "{operation} by {role:?} with {flaw:?}");
    }
}

fn operations() -> impl Iterator<Item = (&'static str, Whose)> {
    REST.into_iter().chain(GRPC)
}

#[tokio::test]
async fn each_role_may_do_what_is_theirs_and_nothing_else() {
    let world = world().await;
    for (operation, whose) in operations() {
        for (role, [signs, of_sender, of_entry, of_school, of_offices, of_learner]) in ROLES {
            let expected = match whose {
                Whose::Anyones => (200, ""),
                Whose::Signers => signs,
                Whose::Senders => of_sender,
                Whose::Entries => of_entry,
                Whose::Schools => of_school,
                Whose::Offices => of_offices,
                Whose::Learners => of_learner,
                Whose::Applicants => match (role, of_learner) {
                    (Role::Learner | Role::OtherLearner, _) => (400, "act.malformed"),
                    (_, (401, _)) | (Role::Revoked | Role::NotYet | Role::RevokedWallet, _) => of_learner,
                    _ => (403, "access.learners_only"),
                },
                Whose::Certificates => match (role, of_learner) {
                    (_, (401, _)) | (Role::Revoked | Role::NotYet | Role::RevokedWallet, _) => of_learner,
                    _ => (404, "not_found"),
                },
                Whose::Drafts => {
                    if of_offices == (200, "") {
                        (404, "not_found")
                    } else {
                        of_offices
                    }
                }
                Whose::Askers => (404, "not_found"),
                Whose::Judged => (400, "certificate.file"),
                whose if whose.is_of_papers() => whose.of_papers(role, of_offices),
                whose => whose.of_objections(role, of_offices, of_learner),
            };
            world.expect(operation, whose, role, None, expected).await;
        }
    }
    world.gateway.stop().await;
}

#[tokio::test]
async fn a_token_or_a_signature_that_is_not_right_opens_nothing_to_those_who_may() {
    let world = world().await;
    for (operation, whose) in operations() {
        for (flaw, signed, read) in FLAWS {
            let (roles, expected) = match whose {
                Whose::Anyones => (&[Role::Sender, Role::OfficeClerk][..], Some((200, ""))),
                Whose::Askers => (&[Role::Sender, Role::OfficeClerk][..], Some((404, "not_found"))),
                Whose::Judged => (&[Role::Sender, Role::OfficeClerk][..], Some((400, "certificate.file"))),
                Whose::Unsigned => {
                    (&[Role::Signer, Role::OfficeClerk][..], Some((404, "signature.not_found")))
                }
                Whose::Unclaimed => (&[Role::Signer, Role::OfficeClerk][..], Some((404, "claim.not_found"))),
                whose if whose.is_of_papers() => (&[Role::Signer, Role::OfficeClerk][..], Some(read)),
                Whose::Signers => (&[Role::Sender][..], signed),
                Whose::Senders | Whose::Schools | Whose::Offices | Whose::Drafts | Whose::Deciders => {
                    (&[Role::Sender, Role::OfficeClerk][..], Some(read))
                }
                _ => (&[Role::Sender, Role::OfficeClerk, Role::Learner][..], Some(read)),
            };
            for role in roles {
                if let Some(expected) = expected {
                    world.expect(operation, whose, *role, Some(flaw), expected).await;
                }
            }
        }
    }
    world.gateway.stop().await;
}

/// Whoever does not hold the key learns nothing of how the one named stands.
#[tokio::test]
async fn a_forged_token_is_told_nothing_of_the_one_it_names() {
    let world = world().await;
    for (operation, whose) in operations() {
        for role in [Role::Revoked, Role::NotYet, Role::OtherSchool, Role::RevokedWallet, Role::OtherLearner]
        {
            let signs = !matches!(role, Role::RevokedWallet | Role::OtherLearner);
            let expected = match whose {
                Whose::Anyones | Whose::Askers | Whose::Judged | Whose::Unsigned | Whose::Unclaimed => {
                    continue;
                }
                Whose::Signers if signs => (401, "request.signature_invalid"),
                Whose::Signers => continue,
                _ => (401, "access.signature"),
            };
            world.expect(operation, whose, role, Some(Flaw::OtherKey), expected).await;
        }
    }
    world.gateway.stop().await;
}

#[tokio::test]
async fn the_tables_name_every_operation() {
    let gateway = start(|_| {}).await;
    let document: Value =
        Client::new().get(gateway.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    let mut documented = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys();
        documented.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    assert_eq!(documented, REST.iter().map(|(name, _)| (*name).to_owned()).collect());
    let served = [
        sillok_proto::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    ];
    let mut described = BTreeSet::new();
    for file in served.iter().flat_map(|set| FileDescriptorSet::decode(*set).unwrap().file) {
        for service in &file.service {
            let methods = service.method.iter();
            described.extend(
                methods.map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name())),
            );
        }
    }
    assert_eq!(described, GRPC.iter().map(|(name, _)| (*name).to_owned()).collect());
    gateway.stop().await;
}
