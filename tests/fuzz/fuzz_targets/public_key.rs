//! SubjectPublicKeyInfo: each key that is taken over can be published in every form of its kind.
#![no_main]

use conclave_fuzz::{plain, target, told};
use conclave_publish::dns::{DnsKey, DnsName, KeyRole};
use conclave_publish::{PublicKey, Scheme, SshKey};

target!(|bytes: &[u8]| {
    let key = PublicKey::from_spki_der(bytes)?;
    assert_eq!(key.spki_der(), bytes);
    let scheme = Scheme::usual(key.kind());
    plain(scheme.verify(&key, b"message", &[]).expect_err("nothing is no signature"));
    told(SshKey::new(&key).map(drop).map_err(Into::into));
    let owner = DnsName::new("example.org").expect("a plain name");
    DnsKey::new(owner, KeyRole::Ksk, &key, scheme.hash())?.key_tag();
    Ok(())
});
