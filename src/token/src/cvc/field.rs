//! Tags and object identifiers of certificates and requests: TR-03110-3 Annexes C and D, and CardContact's role.

/// Card-verifiable certificate, `7F21`.
pub(crate) const CVC: u16 = 0x7f21;
/// Certificate body, `7F4E`: the signature covers it.
pub(crate) const BODY: u16 = 0x7f4e;
/// Certificate profile identifier; its value is 00.
pub(crate) const PROFILE: u16 = 0x5f29;
/// CAR, certification authority reference.
pub(crate) const CAR: u16 = 0x42;
/// Public key.
pub(crate) const PUBLIC_KEY: u16 = 0x7f49;
/// CHR, certificate holder reference.
pub(crate) const CHR: u16 = 0x5f20;
pub(crate) const ROLE: u16 = 0x7f4c;
pub(crate) const RIGHTS: u16 = 0x53;
pub(crate) const VALID_FROM: u16 = 0x5f25;
pub(crate) const VALID_UNTIL: u16 = 0x5f24;
pub(crate) const EXTENSIONS: u16 = 0x65;
/// Signature: `r || s` in fixed width, or PKCS#1 v1.5.
pub(crate) const SIGNATURE: u16 = 0x5f37;
/// Object identifier.
pub(crate) const OID: u16 = 0x06;

/// id-TA-ECDSA-SHA-256, 0.4.0.127.0.7.2.2.2.2.3: the algorithm of every elliptic-curve key.
pub(crate) const ECDSA_SHA256: &[u8] = &[0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03];
/// id-TA-RSA-v1-5-SHA-256, 0.4.0.127.0.7.2.2.2.1.2: the algorithm of every RSA key.
pub(crate) const RSA_SHA256: &[u8] = &[0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x01, 0x02];
/// 1.3.6.1.4.1.24991.3.1.1, CardContact's role of SmartCard-HSM certificates.
pub(crate) const ROLE_OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x03, 0x01, 0x01];
