//! The form of signatures: JAdES by hand, apart from the code that makes it.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use sillok_contract::{
    Code,
    certificate::Certificate,
    digest::sha256,
    request::compact,
    signature::{Commitment, MAX_SIGNATURE, Signature, Statement, Subject},
};

use super::{
    signing::{Signing, Who, alone, statement},
    world::{NOW, NOW_SECONDS},
};

const DOCUMENT: &str = "a consent";

/// The header of Ahn's signature of the document, in the order of JAdES.
fn header(case: &Signing) -> String {
    let [leaf, authority] = [case.ahn.certificate(), Certificate::from_pem(&case.world.offices.pem).unwrap()];
    let hash = sha256(&[DOCUMENT.as_bytes()]);
    let [leaf64, authority64] = [&leaf, &authority].map(|it| BASE64_STANDARD.encode(it.der()));
    let (thumbprint, hash64) =
        (BASE64_URL_SAFE_NO_PAD.encode(leaf.thumbprint()), BASE64_URL_SAFE_NO_PAD.encode(hash));
    format!(
        concat!(
            r#"{{"alg":"ES256","x5c":["{}","{}"],"x5t#S256":"{}","iat":{},"b64":false,"crit":["b64","sigD"],"#,
            r#""sigD":{{"mId":"http://uri.etsi.org/19182/ObjectIdByURIHash","pars":["urn:sillok:hash:{}"],"#,
            r#""hashM":"S256","hashV":["{}"]}},"#,
            r#""srCms":[{{"commId":{{"id":"http://uri.etsi.org/01903/v1.2.2#ProofOfReceipt"}}}}]}}"#,
        ),
        leaf64,
        authority64,
        thumbprint,
        NOW_SECONDS - 1,
        hex::encode(hash),
        hash64,
    )
}

fn sign(case: &Signing, header: &str) -> String {
    let input = format!("{}.", BASE64_URL_SAFE_NO_PAD.encode(header));
    compact(&input, &case.ahn.sign_bytes(input.as_bytes()))
}

#[test]
fn a_signature_is_the_jws_of_jades() {
    let mut case = Signing::new();
    let by_hand = header(&case);
    let of = Statement { purpose: Some(Commitment::ProofOfReceipt), ..statement(DOCUMENT) };
    let made = case.sign(Who::Ahn, &of);
    let (made_header, rest) = made.split_once('.').unwrap();
    let made_header = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(made_header).unwrap()).unwrap();
    assert_eq!(made_header, by_hand);
    assert!(rest.starts_with('.'), "the payload is detached");
    let jws = sign(&case, &by_hand);
    let read = Signature::parse(&jws).unwrap();
    assert_eq!(read.statement, of);
    assert_eq!(read.digest.0, sha256(&[format!("{}.", jws.split_once('.').unwrap().0).as_bytes()]));
    case.submit(&[alone(&jws)], NOW).unwrap();
    let any_order: Value = serde_json::from_str(&by_hand).unwrap();
    Signature::parse(&sign(&case, &any_order.to_string())).unwrap();
    Signature::parse(&sign(&case, &without(&by_hand, "srCms"))).unwrap();
}

fn without(header: &str, member: &str) -> String {
    let mut header: Value = serde_json::from_str(header).unwrap();
    header.as_object_mut().unwrap().remove(member).unwrap();
    header.to_string()
}

#[test]
fn headers_of_another_form_are_refused() {
    let case = Signing::new();
    let header = header(&case);
    let other = hex::encode([7; 32]);
    let own = hex::encode(sha256(&[DOCUMENT.as_bytes()]));
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(case.ahn.certificate().thumbprint());
    let stranger = BASE64_URL_SAFE_NO_PAD.encode(case.bae.certificate().thumbprint());
    for (from, to) in [
        ("ES256", "none"),
        ("ES256", "HS256"),
        ("{", r#"{"typ":"jose","#),
        ("{", r#"{"kid":"ahn","#),
        ("{", r#"{"jwk":{},"#),
        ("{", r#"{"sigT":"2026-01-01T00:00:00Z","#),
        ("{", r#"{"alg":"ES256","#),
        (r#""b64":false"#, r#""b64":true"#),
        (r#""b64":false,"#, ""),
        (r#"["b64","sigD"]"#, r#"["sigD","b64"]"#),
        (r#"["b64","sigD"]"#, r#"["sigD"]"#),
        (r#""crit":["b64","sigD"],"#, ""),
        (r#""iat":"#, r#""iat":-"#),
        (r#""iat":"#, r#""iat":999"#),
        (r#""iat":"#, r#""iat":1."#),
        ("ObjectIdByURIHash", "ObjectIdByURI"),
        ("S256\",\"hashV", "S512\",\"hashV"),
        ("urn:sillok:hash:", "urn:sillok:hashes:"),
        ("urn:sillok:hash:", "https://example.org/"),
        (&own, &other),
        (&own, &own.to_uppercase()),
        (&own, &own[1..]),
        (r#""hashV":[""#, r#""hashV":["AA","#),
        (r#""hashM""#, r#""ctys":["text"],"hashM""#),
        (&thumbprint, &stranger),
        (&thumbprint, &format!("{thumbprint}=")),
        ("ProofOfReceipt", "ProofOfNothing"),
        (r#"{"commId""#, r#"{"commQuals":[],"commId""#),
        (r#""srCms":["#, r#""srCms":[{"commId":{"id":"http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin"}},"#),
        (r#""}}]}"#, r#""}}]} {}"#),
        (r#""srCms":["#, r#""srCms":[],"x":["#),
    ] {
        let changed = header.replacen(from, to, 1);
        assert_ne!(changed, header, "{from}");
        let code = Signature::parse(&sign(&case, &changed)).map(drop).map_err(|refusal| refusal.code);
        assert_eq!(code, Err(Code::SignatureMalformed), "{to}");
    }
    for member in ["alg", "x5c", "x5t#S256", "iat", "b64", "crit", "sigD"] {
        let refusal = Signature::parse(&sign(&case, &without(&header, member))).unwrap_err();
        assert_eq!(refusal.code, Code::SignatureMalformed, "{member}");
    }
}

#[test]
fn certificates_come_in_x5c_as_they_are() {
    let case = Signing::new();
    let header = header(&case);
    let value: Value = serde_json::from_str(&header).unwrap();
    let certificates: Vec<String> = serde_json::from_value(value["x5c"].clone()).unwrap();
    let with = |x5c: Value| {
        let mut value = value.clone();
        value["x5c"] = x5c;
        Signature::parse(&sign(&case, &value.to_string())).map(drop).map_err(|refusal| refusal.code)
    };
    assert_eq!(with(json!(certificates)), Ok(()));
    assert_eq!(with(json!([certificates[0]])), Err(Code::SignatureMalformed));
    assert_eq!(
        with(json!([certificates[0], certificates[1], certificates[1]])),
        Err(Code::SignatureMalformed)
    );
    assert_eq!(with(json!([certificates[1], certificates[0]])), Err(Code::SignatureMalformed), "x5t#S256");
    let pem = case.ahn.pem.clone();
    assert_eq!(with(json!([pem, certificates[1]])), Err(Code::SignatureMalformed));
    assert_eq!(with(json!(["AAAA", certificates[1]])), Err(Code::CertificateMalformed));
    let broken = format!(" {}", certificates[1]);
    assert_eq!(with(json!([certificates[0], broken])), Err(Code::SignatureMalformed));
}

#[test]
fn a_signature_is_in_three_parts_and_the_middle_one_is_empty() {
    let case = Signing::new();
    let jws = sign(&case, &header(&case));
    let (header, signature) = jws.split_once("..").unwrap();
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{header}.{signature}"),
        format!("{header}.e30.{signature}"),
        format!("{header}...{signature}"),
        format!("{jws}="),
        format!(" {jws}"),
        format!("{jws}\n"),
        jws[..jws.len() - 2].to_owned(),
        jws[1..].to_owned(),
    ] {
        assert_eq!(Signature::parse(&bad).unwrap_err().code, Code::SignatureMalformed, "{bad}");
    }
    let long = Signature::parse(&"x".repeat(MAX_SIGNATURE + 1)).unwrap_err();
    assert_eq!(long.code, Code::SignatureTooLarge);
}

#[test]
fn a_subject_has_one_form() {
    let hex = "0a".repeat(32);
    for good in [
        format!("urn:sillok:hash:{hex}"),
        format!("urn:sillok:signature:{hex}"),
        "urn:sillok:document:D1".into(),
    ] {
        assert_eq!(good.parse::<Subject>().unwrap().to_string(), good);
    }
    for bad in [
        "",
        "urn:sillok:document:",
        "urn:sillok:document:a/b",
        "URN:sillok:document:D1",
        "urn:sillok:hash:0A",
    ] {
        assert!(bad.parse::<Subject>().is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_changed_signature_is_refused(place in any::<prop::sample::Index>(), bit in 0u8..7) {
        let mut case = Signing::new();
        let mut jws = sign(&case, &header(&case)).into_bytes();
        let digest = Signature::parse(std::str::from_utf8(&jws).unwrap()).unwrap().digest;
        let place = place.index(jws.len());
        jws[place] ^= 1 << bit;
        let jws = String::from_utf8(jws).unwrap();
        let digest = Signature::parse(&jws).map_or(digest, |signature| signature.digest);
        let signatures = json!([{"jws": jws}]).to_string();
        prop_assert!(case.submit_bytes(json!([digest]).to_string(), signatures, NOW).is_err());
    }

    #[test]
    fn parse_never_panics(text: String) {
        prop_assert!(Signature::parse(&text).is_err());
    }
}
