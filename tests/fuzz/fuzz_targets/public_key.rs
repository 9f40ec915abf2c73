//! SubjectPublicKeyInfo: what is taken over can be published in every form its kind has.
#![no_main]

use conclave_publish::dns::{DnsKey, DnsName, KeyRole};
use conclave_publish::{PublicKey, Scheme, SshKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(key) = PublicKey::from_spki_der(bytes) else { return };
    assert_eq!(key.spki_der(), bytes);
    let scheme = Scheme::usual(key.kind());
    assert!(scheme.verify(&key, b"message", &[]).is_err());
    let _ = SshKey::new(&key);
    let owner = DnsName::new("example.org").expect("a plain name");
    let _ = DnsKey::new(owner, KeyRole::Ksk, &key, scheme.hash()).map(|record| record.key_tag());
});
