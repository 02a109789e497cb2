//! The forms of requests and certificates.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, IsCa, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
};
use serde_json::{Value, json};
use sillok_contract::{
    Code,
    certificate::{Certificate, Curve, Role},
    request::{MAX_QUERIES, MAX_REQUEST, Payload, SignedRequest, query_hash},
};

use super::{
    people::{Authority, params},
    world::{NOW, NOW_SECONDS, World, payload, query},
};

fn usual() -> (World, Payload) {
    (World::new(), payload("request-1", "school-1", &[query("L1", 0), query("L2", 1)]))
}

#[test]
fn a_request_is_read_and_verified() {
    let (world, payload) = usual();
    let jws = world.kim.sign(&payload);
    let request = SignedRequest::parse(&jws).unwrap();
    assert_eq!(request.payload, payload);
    assert_eq!(request.digest, query_hash(jws.as_bytes()));
    assert_eq!(request.thumbprint, world.kim.certificate().thumbprint());
    request.verify(world.kim.certificate().der()).unwrap();
    let refusal = request.verify(world.lee.certificate().der()).unwrap_err();
    assert_eq!(refusal.code, Code::RequestCertificate);
    assert_eq!(request.verify(b"x").unwrap_err().code, Code::CertificateMalformed);
}

/// The RFC 7515 form by hand, apart from the code that makes it.
#[test]
fn the_signing_input_is_the_jws_of_the_rfc() {
    let (world, payload) = usual();
    let thumbprint = world.kim.certificate().thumbprint();
    let input = payload.signing_input(&thumbprint);
    let (header, body) = input.split_once('.').unwrap();
    let read = |part| serde_json::from_slice::<Value>(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(thumbprint);
    assert_eq!(read(header), json!({"typ": "sillok-request+jws", "alg": "ES256", "x5t#S256": thumbprint}));
    let queries = payload.queries.iter().map(|hash| BASE64_URL_SAFE_NO_PAD.encode(hash)).collect::<Vec<_>>();
    assert_eq!(
        read(body),
        json!({
            "jti": "request-1", "iat": NOW_SECONDS - 1, "aud": "https://gateway.example", "school": "school-1",
            "queries": queries,
        })
    );
}

#[test]
fn headers_and_payloads_of_another_form_are_refused() {
    let (world, payload) = usual();
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(world.kim.certificate().thumbprint());
    let header = json!({"typ": "sillok-request+jws", "alg": "ES256", "x5t#S256": thumbprint}).to_string();
    let payload = serde_json::to_string(&payload).unwrap();
    let sign = |header: &str, payload: &str| {
        let encode = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
        world.kim.sign_input(&format!("{}.{}", encode(header), encode(payload)))
    };
    SignedRequest::parse(&sign(&header, &payload)).unwrap();

    let headers = [
        ("sillok-request+jws", "JWT"),
        ("sillok-request+jws", "SILLOK-REQUEST+JWS"),
        ("ES256", "none"),
        ("ES256", "ES384"),
        ("ES256", "HS256"),
        ("{", r#"{"crit":["b64"],"#),
        ("{", r#"{"b64":false,"#),
        ("{", r#"{"jwk":{},"#),
        ("{", r#"{"kid":"x","#),
        ("{", r#"{"alg":"ES256","#),
        (r#""alg":"ES256","#, ""),
        (&thumbprint, &thumbprint[1..]),
        (&thumbprint, &format!("{thumbprint}=")),
    ];
    for (from, to) in headers {
        let changed = header.replacen(from, to, 1);
        assert_ne!(changed, header);
        let refusal = SignedRequest::parse(&sign(&changed, &payload)).unwrap_err();
        assert_eq!(refusal.code, Code::RequestMalformed, "{changed}");
    }
    let hash = BASE64_URL_SAFE_NO_PAD.encode(query_hash(&query("L1", 0)));
    let payloads = [
        ("request-1", ""),
        ("request-1", "a b"),
        ("request-1", "요청"),
        ("request-1", &"x".repeat(257)),
        ("https://gateway.example", ""),
        ("school-1", "../x"),
        (&hash, &hash[1..]),
        (&hash, &format!("{hash}=")),
        (r#""iat":"#, r#""iat":-"#),
        (r#""iat":"#, r#""iat":999"#),
        (r#""iat":"#, r#""iat":1."#),
        (r#""iat":"#, r#""exp":1,"iat":"#),
        ("{", r#"{"jti":"other","#),
        ("}", "} {}"),
    ];
    for (from, to) in payloads {
        let changed = payload.replacen(from, to, 1);
        assert_ne!(changed, payload);
        let code = SignedRequest::parse(&sign(&header, &changed)).unwrap_err().code;
        assert_eq!(code, Code::RequestMalformed, "{changed}");
    }
    // Serde would take the members' values in order as well.
    let values = |object: &str, order: &[&str]| {
        let object: Value = serde_json::from_str(object).unwrap();
        order.iter().map(|name| object[name].clone()).collect::<Value>().to_string()
    };
    let header_values = values(&header, &["typ", "alg", "x5t#S256"]);
    let payload_values = values(&payload, &["jti", "iat", "aud", "school", "queries"]);
    for array in [sign(&header_values, &payload), sign(&header, &payload_values)] {
        assert_eq!(SignedRequest::parse(&array).unwrap_err().code, Code::RequestMalformed);
    }
}

#[test]
fn a_request_is_canonical_base64url_in_three_parts() {
    let (world, payload) = usual();
    let jws = world.kim.sign(&payload);
    let mut twisted = jws.clone();
    // The last character of 64 bytes carries four bits that must be zero.
    let last = twisted.pop().unwrap();
    twisted.push(char::from(last as u8 + 1));
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        jws.replacen('.', "", 1),
        format!("{jws}."),
        format!("{jws}="),
        format!(" {jws}"),
        format!("{jws}\n"),
        jws[..jws.len() - 2].to_owned(),
        twisted,
    ] {
        assert_eq!(SignedRequest::parse(&bad).unwrap_err().code, Code::RequestMalformed, "{bad}");
    }
}

#[test]
fn requests_are_bounded_and_name_a_query_once() {
    let (world, usual) = usual();
    let code = |queries: Vec<[u8; 32]>| {
        let jws = world.kim.sign(&Payload { queries, ..usual.clone() });
        SignedRequest::parse(&jws).map(drop).map_err(|refusal| refusal.code)
    };
    let hashes =
        |count: usize| (0..count).map(|number| query_hash(&number.to_le_bytes())).collect::<Vec<_>>();
    assert_eq!(code(vec![]), Err(Code::RequestMalformed));
    assert_eq!(code(vec![[1; 32], [2; 32], [1; 32]]), Err(Code::RequestMalformed));
    assert_eq!(code(hashes(MAX_QUERIES)), Ok(()));
    assert_eq!(code(hashes(MAX_QUERIES + 1)), Err(Code::RequestTooLarge));
    let long = "x".repeat(MAX_REQUEST + 1);
    assert_eq!(SignedRequest::parse(&long).unwrap_err().code, Code::RequestTooLarge);
}

#[test]
fn only_a_p256_key_signs_requests() {
    let authority = Authority::new("authority");
    let person = authority.issue_with(params("park", &[]), &PKCS_ECDSA_P384_SHA384);
    let kim = authority.issue("kim", &[]);
    let input =
        payload("request-1", "school-1", &[query("L1", 0)]).signing_input(&person.certificate().thumbprint());
    let request = SignedRequest::parse(&kim.sign_input(&input)).unwrap();
    let refusal = request.verify(person.certificate().der()).unwrap_err();
    assert_eq!(refusal.code, Code::CertificateUnsupported);
}

#[test]
fn a_certificate_tells_role_key_and_validity() {
    let authority = Authority::new("authority");
    for (unit, role) in
        [("client", Role::Client), ("admin", Role::Admin), ("peer", Role::Peer), ("orderer", Role::Orderer)]
    {
        assert_eq!(authority.issue("x", &[unit]).certificate().role(), Ok(role));
        assert_eq!(authority.issue("x", &["department1", unit]).certificate().role(), Ok(role));
    }
    for units in [&[][..], &["Admin"], &["client", "admin"], &["admin", "admin"]] {
        let refusal = authority.issue("x", units).certificate().role().unwrap_err();
        assert_eq!(refusal.code, Code::CreatorForbidden, "{units:?}");
    }
    let certificate = authority.issue("x", &[]).certificate();
    assert_eq!((certificate.public_key().curve, certificate.public_key().point.len()), (Curve::P256, 65));
    assert!(!certificate.is_authority());
    certificate.valid_at(NOW).unwrap();
    // 2026-01-01 and 2027-01-01, both included to the second.
    let (first, last) = (1_767_225_600 * 1_000_000, 1_798_761_600 * 1_000_000);
    let code = |time| certificate.valid_at(time).err().map(|refusal| refusal.code);
    assert_eq!((code(first), code(last + 999_999)), (None, None));
    assert_eq!(code(first - 1), Some(Code::CertificateNotYetValid));
    assert_eq!(code(last + 1_000_000), Some(Code::CertificateExpired));
    assert_eq!(code(i64::MIN), Some(Code::CertificateNotYetValid));
    assert_eq!(code(i64::MAX), Some(Code::CertificateExpired));
}

#[test]
fn pem_is_read_and_written() {
    let pem = Authority::new("authority").issue("x", &[]).pem;
    let certificate = Certificate::from_pem(&pem).unwrap();
    assert_eq!(certificate.to_pem(), pem.replace("\r\n", "\n"));
    let with_text = format!("subject: x\n{}\n\n", pem.replace('\n', "\r\n"));
    assert_eq!(Certificate::from_pem(&with_text).unwrap(), certificate);
    let code = |pem: &str| Certificate::from_pem(pem).unwrap_err().code;
    assert_eq!(code(&format!("{pem}{pem}")), Code::CertificateMalformed);
    assert_eq!(code(&pem.replace("CERTIFICATE", "PUBLIC KEY")), Code::CertificateMalformed);
    assert_eq!(code(""), Code::CertificateMalformed);
    assert_eq!(code(&" ".repeat(40_000)), Code::CertificateMalformed);
    let mut der = certificate.der().to_vec();
    der.push(0);
    assert_eq!(Certificate::from_der(&der).unwrap_err().code, Code::CertificateMalformed);
    assert_eq!(Certificate::from_der(&vec![0; 20_000]).unwrap_err().code, Code::CertificateMalformed);
}

#[test]
fn an_issuer_is_checked_by_name_right_and_signature() {
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
        let authority = Authority::with("authority", algorithm);
        let parsed = Certificate::from_pem(&authority.pem).unwrap();
        let leaf = authority.issue("x", &[]).certificate();
        leaf.issued_by(&parsed).unwrap();
        parsed.issued_by(&parsed).unwrap();
        let same_name = Certificate::from_pem(&Authority::with("authority", algorithm).pem).unwrap();
        assert_eq!(leaf.issued_by(&same_name).unwrap_err().code, Code::CertificateIssuer);
    }
}

#[test]
fn who_may_not_issue_has_issued_nothing() {
    let mut with_name = params("authority", &[]);
    with_name.is_ca = IsCa::ExplicitNoCa;
    let mut without_usage = params("authority", &[]);
    without_usage.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    without_usage.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    for params in [params("authority", &[]), with_name, without_usage] {
        let authority = Authority::of(params, &PKCS_ECDSA_P256_SHA256);
        let parsed = Certificate::from_pem(&authority.pem).unwrap();
        let leaf = authority.issue("x", &[]).certificate();
        assert!(!parsed.is_authority());
        assert_eq!(leaf.issued_by(&parsed).unwrap_err().code, Code::CertificateIssuer);
    }
}

#[test]
fn an_issuer_of_another_name_has_not_issued() {
    // The same key under another name: the signature fits, the name does not.
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = |name: &str| {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let other = Certificate::from_pem(&ca("other").self_signed(&key).unwrap().pem()).unwrap();
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(ca("authority"), &key);
    let leaf = params("x", &[]).signed_by(&leaf_key, &issuer).unwrap();
    let leaf = Certificate::from_pem(&leaf.pem()).unwrap();
    assert_eq!(leaf.issued_by(&other).unwrap_err().code, Code::CertificateIssuer);
}

#[test]
fn other_keys_are_not_supported() {
    let authority = Authority::new("authority");
    let key = rcgen::KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let certificate = params("x", &[]).self_signed(&key).unwrap();
    assert_eq!(Certificate::from_der(certificate.der()).unwrap_err().code, Code::CertificateUnsupported);
    let person = authority.issue_with(params("x", &[]), &PKCS_ED25519);
    assert_eq!(Certificate::from_pem(&person.pem).unwrap_err().code, Code::CertificateUnsupported);
}
