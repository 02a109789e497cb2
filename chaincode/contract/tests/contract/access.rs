//! The whole matrix of role and function, with what is expected written out here and nowhere else.

use sillok_contract::{Code, Creator, function::FUNCTIONS};

use super::{people::Authority, world::World};

const ROLES: [&str; 5] = ["client", "admin", "peer", "orderer", "stranger"];
const MSPS: [&str; 4] = ["OfficeMSP", "SupportMSP", "SchoolMSP", "OtherMSP"];

/// An MSP, and those of its roles that may.
type Allowed = (&'static str, &'static [&'static str]);

const OFFICE_ADMIN: &[Allowed] = &[("OfficeMSP", &["admin"])];
const EITHER_ADMIN: &[Allowed] = &[("OfficeMSP", &["admin"]), ("SupportMSP", &["admin"])];
const SUPPORT_ADMIN: &[Allowed] = &[("SupportMSP", &["admin"])];
const SUPPORT_CLIENT: &[Allowed] = &[("SupportMSP", &["client"])];
const OFFICES: &[Allowed] = &[("OfficeMSP", &ROLES), ("SupportMSP", &ROLES)];
const MEMBERS: &[Allowed] = &[("OfficeMSP", &ROLES), ("SupportMSP", &ROLES), ("SchoolMSP", &ROLES)];

const EXPECTED: [(&str, &[Allowed]); 52] = [
    ("RegisterOffice", OFFICE_ADMIN),
    ("RegisterSchool", OFFICE_ADMIN),
    ("UpdateSchool", OFFICE_ADMIN),
    ("RegisterEducators", EITHER_ADMIN),
    ("RevokeEducator", EITHER_ADMIN),
    ("RegisterOfficers", EITHER_ADMIN),
    ("RevokeOfficer", EITHER_ADMIN),
    ("RegisterSigners", EITHER_ADMIN),
    ("RevokeSigner", EITHER_ADMIN),
    ("RegisterLearners", SUPPORT_ADMIN),
    ("MoveLearner", SUPPORT_ADMIN),
    ("RegisterWalletKey", SUPPORT_ADMIN),
    ("RevokeWalletKey", SUPPORT_ADMIN),
    ("GetOffice", MEMBERS),
    ("GetSchool", MEMBERS),
    ("ListSchools", MEMBERS),
    ("GetEducator", MEMBERS),
    ("FindEducator", MEMBERS),
    ("ListEducators", MEMBERS),
    ("GetOfficer", MEMBERS),
    ("FindOfficer", MEMBERS),
    ("ListOfficers", MEMBERS),
    ("GetSigner", MEMBERS),
    ("FindSigner", MEMBERS),
    ("ListSigners", MEMBERS),
    ("GetLearner", MEMBERS),
    ("ListLearners", MEMBERS),
    ("RecordBatch", SUPPORT_CLIENT),
    ("GetHead", MEMBERS),
    ("GetBatch", MEMBERS),
    ("ListEntries", MEMBERS),
    ("GetTrail", MEMBERS),
    ("GetBody", OFFICES),
    ("GetErasures", MEMBERS),
    ("RecordAct", SUPPORT_CLIENT),
    ("GetAct", MEMBERS),
    ("GetCertificate", MEMBERS),
    ("ListCertificates", MEMBERS),
    ("ListWaitingCertificates", MEMBERS),
    ("GetCertificateStatus", MEMBERS),
    ("GetObjection", MEMBERS),
    ("ListObjections", MEMBERS),
    ("ListOpenObjections", MEMBERS),
    ("GetObjectionTexts", OFFICES),
    ("RecordSignatures", SUPPORT_CLIENT),
    ("GetSignature", MEMBERS),
    ("FindSignature", MEMBERS),
    ("ListSignatures", MEMBERS),
    ("GetDocument", MEMBERS),
    ("ListDocuments", MEMBERS),
    ("GetClaim", MEMBERS),
    ("org.hyperledger.fabric:GetMetadata", MEMBERS),
];

/// The right is looked at before the arguments: with one too many, whoever may call hears about that.
#[test]
fn every_function_is_for_those_it_is_for_and_nobody_else() {
    let mut world = World::empty();
    for (function, expected) in EXPECTED {
        for msp in MSPS {
            for role in ROLES {
                let allowed = expected.iter().any(|(who, roles)| *who == msp && roles.contains(&role));
                let creator = world.creator(msp, role);
                let refusal = world.call(creator, function, &vec![Vec::new(); 9]).unwrap_err();
                let code = if allowed { Code::ArgumentMalformed } else { Code::CreatorForbidden };
                assert_eq!(refusal.code, code, "{role} of {msp}: {function}");
            }
        }
    }
    assert!(world.ledger.state.is_empty());
}

#[test]
fn the_matrix_names_every_function() {
    let mut names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
    let mut expected: Vec<_> = EXPECTED.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn a_certificate_with_two_roles_has_none() {
    let mut world = World::empty();
    let both = Authority::new("organisation").issue("both", &["client", "admin"]);
    assert_eq!(both.certificate().role().unwrap_err().code, Code::CreatorForbidden);
    for function in ["RegisterOffice", "RevokeEducator"] {
        let creator = Creator { msp: "OfficeMSP".into(), certificate: both.pem.clone().into() };
        assert_eq!(world.call(creator, function, &[]).unwrap_err().code, Code::CreatorForbidden);
    }
}

#[test]
fn a_certificate_that_cannot_be_read_has_no_role() {
    let mut world = World::empty();
    for certificate in [vec![], vec![0xff; 9], b"-----BEGIN CERTIFICATE-----".to_vec()] {
        let creator = Creator { msp: "OfficeMSP".into(), certificate };
        assert_eq!(world.call(creator, "RegisterOffice", &[]).unwrap_err().code, Code::CertificateMalformed);
    }
}

#[test]
fn there_are_no_other_functions() {
    let mut world = World::empty();
    for name in ["", "getHead", "GetHead ", "InitLedger", "sillok:", &"x".repeat(1000)] {
        let refusal = world.read(name, &[]).unwrap_err();
        assert_eq!(refusal.code, Code::FunctionUnknown);
        assert!(refusal.message.len() < 200);
    }
    assert_eq!(world.read("sillok:GetHead", &["school-1"]).unwrap_err().code, Code::SchoolUnknown);
}

#[test]
fn metadata_describes_every_function_and_its_parameters() {
    let metadata = World::empty().read("org.hyperledger.fabric:GetMetadata", &[]).unwrap();
    let transactions = metadata["contracts"]["sillok"]["transactions"].as_array().unwrap();
    assert_eq!(transactions.len() + 1, FUNCTIONS.len());
    let fabric = &metadata["contracts"]["org.hyperledger.fabric"]["transactions"];
    assert_eq!(fabric[0]["name"], "GetMetadata");
    for transaction in transactions {
        for parameter in transaction["parameters"].as_array().unwrap() {
            let schema = &parameter["schema"];
            let reference = schema["$ref"].as_str().or(schema["items"]["$ref"].as_str());
            match reference {
                Some(reference) => {
                    assert!(metadata.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
                }
                None => assert!(schema["type"].is_string(), "{parameter}"),
            }
        }
    }
    let mover = transactions.iter().find(|transaction| transaction["name"] == "MoveLearner").unwrap();
    let names: Vec<_> = mover["parameters"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["id", "school", "since"]);
    assert_eq!(mover["tag"][0], "submit");
}
