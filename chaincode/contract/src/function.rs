//! The contract's functions: one table that the dispatch, the access rules and the metadata all follow.

use crate::{
    Code, Ledger, Refusal,
    access::Access,
    act,
    argument::{Arguments, Form, Parameter},
    batch, claim, credential, document, erasure,
    id::{EducatorId, LearnerId, MspId, OfficerId, SchoolId, SignerId},
    json, key, metadata, objection,
    registry::{self, Educator, Learner, Office, Officer, School, Signer},
    signature,
};

/// A function of the contract.
pub struct Function {
    /// What it is called by.
    pub name: &'static str,
    /// Whom it is for.
    pub access: Access,
    /// Whether it writes: call it by submitting a transaction; the others by evaluating one.
    pub writes: bool,
    /// What it takes.
    pub parameters: &'static [Parameter],
    run: fn(&mut dyn Ledger, &Arguments<'_>) -> Result<Vec<u8>, Refusal>,
}

/// Calls a function: checks the creator's right, then the number and types of the arguments, then does it. The reply is
/// JSON.
pub fn invoke(ledger: &mut dyn Ledger, function: &str, arguments: &[Vec<u8>]) -> Result<Vec<u8>, Refusal> {
    let function = find(function)?;
    function.access.check(&ledger.creator()?)?;
    (function.run)(ledger, &Arguments::new(function.parameters, arguments)?)
}

fn find(name: &str) -> Result<&'static Function, Refusal> {
    // A client that is given the contract's name puts it in front.
    let name = name.strip_prefix("sillok:").unwrap_or(name);
    FUNCTIONS.iter().find(|function| function.name == name).ok_or_else(|| {
        let name: String = name.chars().take(64).collect();
        Refusal::new(
            Code::FunctionUnknown,
            format!("there is no function {name:?}; {GET_METADATA} lists them"),
        )
    })
}

macro_rules! functions {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $access:ident, $kind:ident
        ($($parameter:ident: $form:expr),*) $run:expr;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// Every function.
        pub static FUNCTIONS: &[Function] = &[$(Function {
            name: $constant,
            access: Access::$access,
            writes: functions!(@$kind),
            parameters: &[$(Parameter { name: stringify!($parameter), form: $form }),*],
            run: $run,
        },)*];
    };
    (@submit) => { true };
    (@evaluate) => { false };
}

functions! {
    /// Registers an office.
    REGISTER_OFFICE = "RegisterOffice", OfficeAdmin, submit (office: Form::Document("Office"))
        |ledger, arguments| answer(registry::register_office(ledger, arguments.document(0)?));
    /// Registers a school.
    REGISTER_SCHOOL = "RegisterSchool", OfficeAdmin, submit (school: Form::Document("School"))
        |ledger, arguments| answer(registry::register_school(ledger, arguments.document(0)?));
    /// Changes a school's name, district or batch settings, or closes it.
    UPDATE_SCHOOL = "UpdateSchool", OfficeAdmin, submit (change: Form::Document("SchoolChange"))
        |ledger, arguments| answer(registry::update_school(ledger, arguments.document(0)?));
    /// Registers educators, all or none.
    REGISTER_EDUCATORS = "RegisterEducators", EitherAdmin, submit (educators: Form::Documents("Educator"))
        |ledger, arguments| answer(registry::register_educators(ledger, arguments.documents(0)?));
    /// Revokes an educator from a time on.
    REVOKE_EDUCATOR = "RevokeEducator", EitherAdmin, submit (id: Form::Id, since: Form::Time)
        |ledger, arguments| answer(registry::revoke_educator(ledger, arguments.id(0)?, arguments.time(1)?));
    /// Registers officers of the administrator's own office, all or none.
    REGISTER_OFFICERS = "RegisterOfficers", EitherAdmin, submit (officers: Form::Documents("Officer"))
        |ledger, arguments| answer(registry::register_officers(ledger, arguments.documents(0)?));
    /// Revokes an officer of the administrator's own office from a time on.
    REVOKE_OFFICER = "RevokeOfficer", EitherAdmin, submit (id: Form::Id, since: Form::Time)
        |ledger, arguments| answer(registry::revoke_officer(ledger, arguments.id(0)?, arguments.time(1)?));
    /// Registers signers of the administrator's own office, all or none.
    REGISTER_SIGNERS = "RegisterSigners", EitherAdmin, submit (signers: Form::Documents("Signer"))
        |ledger, arguments| answer(registry::register_signers(ledger, arguments.documents(0)?));
    /// Revokes a signer of the administrator's own office from a time on.
    REVOKE_SIGNER = "RevokeSigner", EitherAdmin, submit (id: Form::Id, since: Form::Time)
        |ledger, arguments| answer(registry::revoke_signer(ledger, arguments.id(0)?, arguments.time(1)?));
    /// Registers learners, all or none.
    REGISTER_LEARNERS = "RegisterLearners", SupportAdmin, submit (learners: Form::Documents("Learner"))
        |ledger, arguments| answer(registry::register_learners(ledger, arguments.documents(0)?));
    /// Enrols a learner at another school from a time on.
    MOVE_LEARNER = "MoveLearner", SupportAdmin, submit (id: Form::Id, school: Form::Id, since: Form::Time)
        |ledger, arguments| {
            answer(registry::move_learner(ledger, arguments.id(0)?, arguments.id(1)?, arguments.time(2)?))
        };
    /// Registers a key of a learner's wallet, which ends the one before.
    REGISTER_WALLET_KEY = "RegisterWalletKey", SupportAdmin, submit
        (learner: Form::Id, key: Form::Document("WalletKey"))
        |ledger, arguments| {
            answer(registry::register_wallet_key(ledger, arguments.id(0)?, arguments.document(1)?))
        };
    /// Revokes the key of a learner's wallet that is in force at a time, from then on.
    REVOKE_WALLET_KEY = "RevokeWalletKey", SupportAdmin, submit (learner: Form::Id, since: Form::Time)
        |ledger, arguments| {
            answer(registry::revoke_wallet_key(ledger, arguments.id(0)?, arguments.time(1)?))
        };
    /// An office.
    GET_OFFICE = "GetOffice", Members, evaluate (id: Form::Id)
        |ledger, arguments| answer(registry::get::<Office>(ledger, &key::office(arguments.id::<MspId>(0)?)));
    /// A school.
    GET_SCHOOL = "GetSchool", Members, evaluate (id: Form::Id)
        |ledger, arguments| answer(registry::get::<School>(ledger, &key::school(arguments.id::<SchoolId>(0)?)));
    /// The schools, in the order of their ids.
    LIST_SCHOOLS = "ListSchools", Members, evaluate (page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| list::<School>(ledger, arguments, &key::school(""));
    /// An educator.
    GET_EDUCATOR = "GetEducator", Members, evaluate (id: Form::Id)
        |ledger, arguments| {
            answer(registry::get::<Educator>(ledger, &key::educator(arguments.id::<EducatorId>(0)?)))
        };
    /// The educator with a certificate, by its thumbprint: 64 hexadecimal digits.
    FIND_EDUCATOR = "FindEducator", Members, evaluate (thumbprint: Form::Text)
        |ledger, arguments| answer(registry::find_educator(ledger, arguments.text(0)?));
    /// The educators, in the order of their ids.
    LIST_EDUCATORS = "ListEducators", Members, evaluate (page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| list::<Educator>(ledger, arguments, &key::educator(""));
    /// An officer.
    GET_OFFICER = "GetOfficer", Members, evaluate (id: Form::Id)
        |ledger, arguments| {
            answer(registry::get::<Officer>(ledger, &key::officer(arguments.id::<OfficerId>(0)?)))
        };
    /// The officer with a certificate, by its thumbprint: 64 hexadecimal digits.
    FIND_OFFICER = "FindOfficer", Members, evaluate (thumbprint: Form::Text)
        |ledger, arguments| answer(registry::find_officer(ledger, arguments.text(0)?));
    /// The officers, in the order of their ids.
    LIST_OFFICERS = "ListOfficers", Members, evaluate (page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| list::<Officer>(ledger, arguments, &key::officer(""));
    /// A signer.
    GET_SIGNER = "GetSigner", Members, evaluate (id: Form::Id)
        |ledger, arguments| answer(registry::get::<Signer>(ledger, &key::signer(arguments.id::<SignerId>(0)?)));
    /// The signer with a certificate, by its thumbprint: 64 hexadecimal digits.
    FIND_SIGNER = "FindSigner", Members, evaluate (thumbprint: Form::Text)
        |ledger, arguments| answer(registry::find_signer(ledger, arguments.text(0)?));
    /// The signers, in the order of their ids.
    LIST_SIGNERS = "ListSigners", Members, evaluate (page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| list::<Signer>(ledger, arguments, &key::signer(""));
    /// A learner.
    GET_LEARNER = "GetLearner", Members, evaluate (id: Form::Id)
        |ledger, arguments| {
            answer(registry::get::<Learner>(ledger, &key::learner(arguments.id::<LearnerId>(0)?)))
        };
    /// The learners, in the order of their ids.
    LIST_LEARNERS = "ListLearners", Members, evaluate (page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| list::<Learner>(ledger, arguments, &key::learner(""));
    /// Records a batch: its header is the argument, its body the transient value `body`.
    RECORD_BATCH = "RecordBatch", SupportClient, submit (header: Form::Bytes)
        |ledger, arguments| answer(batch::record(ledger, arguments.bytes(0)?));
    /// A school's last batch.
    GET_HEAD = "GetHead", Members, evaluate (school: Form::Id)
        |ledger, arguments| answer(batch::get_head(ledger, arguments.id(0)?));
    /// A batch: header, leaves and transaction.
    GET_BATCH = "GetBatch", Members, evaluate (school: Form::Id, sequence: Form::Sequence)
        |ledger, arguments| answer(batch::get_batch(ledger, &arguments.id(0)?, arguments.sequence(1)?));
    /// All of a learner's entries, newest first.
    LIST_ENTRIES = "ListEntries", Members, evaluate
        (learner: Form::Id, page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| {
            answer(batch::list_entries(ledger, arguments.id(0)?, arguments.page_size(1)?, arguments.text(2)?))
        };
    /// How many entries a learner has, at a time that both offices attest: endorse it and verify the receipt, submit
    /// nothing.
    GET_TRAIL = "GetTrail", Members, evaluate (learner: Form::Id, nonce: Form::Nonce)
        |ledger, arguments| answer(batch::get_trail(ledger, arguments.id(0)?, arguments.nonce(1)?));
    /// A batch's body.
    GET_BODY = "GetBody", Offices, evaluate (school: Form::Id, sequence: Form::Sequence)
        |ledger, arguments| answer(batch::get_body(ledger, arguments.id(0)?, arguments.sequence(1)?));
    /// What was erased of a batch's body, by whom, when and on what grounds.
    GET_ERASURES = "GetErasures", Members, evaluate (school: Form::Id, sequence: Form::Sequence)
        |ledger, arguments| answer(erasure::get(ledger, &arguments.id(0)?, arguments.sequence(1)?));
    /// Records what a learner, an officer or a signer signed: a compact JWS. The reason of an objection or of its dismissal is the
    /// transient value `reason`; each redacted body of an erasure one by the name SCHOOL/NUMBER.
    RECORD_ACT = "RecordAct", SupportClient, submit (act: Form::Text)
        |ledger, arguments| answer(act::record(ledger, arguments.text(0)?));
    /// An act as it was received, by the SHA-256 of its signing input.
    GET_ACT = "GetAct", Members, evaluate (digest: Form::Digest)
        |ledger, arguments| answer(act::get_act(ledger, &arguments.digest(0)?));
    /// A certificate: its state, and the acts that moved it.
    GET_CERTIFICATE = "GetCertificate", Members, evaluate (id: Form::Id)
        |ledger, arguments| answer(credential::get(ledger, &arguments.id(0)?));
    /// A learner's certificates, in the order of their ids.
    LIST_CERTIFICATES = "ListCertificates", Members, evaluate
        (learner: Form::Id, page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| {
            answer(credential::list(ledger, &arguments.id(0)?, arguments.page_size(1)?, arguments.text(2)?))
        };
    /// The certificates that are neither refused nor issued, those that were asked for first at the front.
    LIST_WAITING_CERTIFICATES = "ListWaitingCertificates", Members, evaluate
        (page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| {
            answer(credential::list_waiting(ledger, arguments.page_size(0)?, arguments.text(1)?))
        };
    /// Where a certificate stands, at a time that both offices attest: endorse it and verify the receipt, submit nothing.
    GET_CERTIFICATE_STATUS = "GetCertificateStatus", Members, evaluate (id: Form::Id, nonce: Form::Nonce)
        |ledger, arguments| answer(credential::status(ledger, &arguments.id(0)?, arguments.nonce(1)?));
    /// An objection: its state, and the acts that moved it.
    GET_OBJECTION = "GetObjection", Members, evaluate (id: Form::Id)
        |ledger, arguments| answer(objection::get(ledger, &arguments.id(0)?));
    /// A learner's objections, in the order of their ids.
    LIST_OBJECTIONS = "ListObjections", Members, evaluate
        (learner: Form::Id, page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| {
            answer(objection::list(ledger, &arguments.id(0)?, arguments.page_size(1)?, arguments.text(2)?))
        };
    /// The objections that are not decided, those that are due first at the front.
    LIST_OPEN_OBJECTIONS = "ListOpenObjections", Members, evaluate
        (page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| {
            answer(objection::list_open(ledger, arguments.page_size(0)?, arguments.text(1)?))
        };
    /// Why an objection was filed and dismissed.
    GET_OBJECTION_TEXTS = "GetObjectionTexts", Offices, evaluate (id: Form::Id)
        |ledger, arguments| answer(objection::texts(ledger, arguments.id(0)?));
    /// Records signatures of documents, all or none: their digests are the argument; they themselves, in that order, and
    /// the approvals beside them the transient value `signatures`: [{jws, approval?}].
    RECORD_SIGNATURES = "RecordSignatures", SupportClient, submit (digests: Form::Digests)
        |ledger, arguments| answer(signature::record(ledger, &arguments.digests(0)?));
    /// A signer's signature of a document, by the SHA-256 of its bytes.
    GET_SIGNATURE = "GetSignature", Members, evaluate (hash: Form::Digest, signer: Form::Id)
        |ledger, arguments| answer(signature::get(ledger, &arguments.digest(0)?, &arguments.id(1)?));
    /// A signature, by the SHA-256 of its signing input.
    FIND_SIGNATURE = "FindSignature", Members, evaluate (digest: Form::Digest)
        |ledger, arguments| answer(signature::find(ledger, &arguments.digest(0)?));
    /// A document's signatures, by the SHA-256 of its bytes, in the order of the signers' ids.
    LIST_SIGNATURES = "ListSignatures", Members, evaluate
        (hash: Form::Digest, page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| {
            answer(signature::list(ledger, &arguments.digest(0)?, arguments.page_size(1)?, arguments.text(2)?))
        };
    /// A document of several parties: its state, and who has signed it.
    GET_DOCUMENT = "GetDocument", Members, evaluate (id: Form::Id)
        |ledger, arguments| answer(document::get(ledger, &arguments.id(0)?));
    /// The documents that a signer opened or is a party of, in the order of their ids.
    LIST_DOCUMENTS = "ListDocuments", Members, evaluate
        (signer: Form::Id, page_size: Form::PageSize, bookmark: Form::Bookmark)
        |ledger, arguments| {
            answer(document::list(ledger, &arguments.id(0)?, arguments.page_size(1)?, arguments.text(2)?))
        };
    /// Who first claimed a work, by the SHA-256 of its bytes.
    GET_CLAIM = "GetClaim", Members, evaluate (digest: Form::Digest)
        |ledger, arguments| answer(claim::get(ledger, &arguments.digest(0)?));
    /// What functions there are, in the form of Fabric's contract API.
    GET_METADATA = "org.hyperledger.fabric:GetMetadata", Members, evaluate ()
        |_, _| Ok(json::reply(&metadata::metadata()));
}

fn answer(reply: Result<impl serde::Serialize, Refusal>) -> Result<Vec<u8>, Refusal> {
    reply.map(|reply| json::reply(&reply))
}

fn list<T>(ledger: &mut dyn Ledger, arguments: &Arguments<'_>, prefix: &str) -> Result<Vec<u8>, Refusal>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    answer(registry::list::<T>(ledger, prefix, arguments.page_size(0)?, arguments.text(1)?))
}
