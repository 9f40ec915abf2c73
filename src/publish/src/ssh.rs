//! Public keys as OpenSSH keeps them in `authorized_keys` and `known_hosts`.
//!
//! Source: RFC 4253 §6.6 (ssh-rsa), RFC 5656 §3.1 (ECDSA), RFC 4251 §5 (string, mpint); sshd(8) for the line.

use base64ct::{Base64, Base64Unpadded, Encoding};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::key::{KeyKind, Numbers, PublicKey};
use crate::line::Line;
use crate::statement::Kind;

/// A public key in SSH's own encoding.
///
/// Source: RFC 4253 §6.6, RFC 5656 §3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    name: &'static str,
    blob: Vec<u8>,
}

impl SshKey {
    /// The key as SSH encodes it.
    ///
    /// Errors: a curve SSH has no name for.
    pub fn new(key: &PublicKey) -> Result<Self, SshKeyError> {
        let (name, curve) = match key.kind() {
            KeyKind::Rsa { .. } => ("ssh-rsa", ""),
            KeyKind::P256 => ("ecdsa-sha2-nistp256", "nistp256"),
            KeyKind::P384 => ("ecdsa-sha2-nistp384", "nistp384"),
            KeyKind::P521 => ("ecdsa-sha2-nistp521", "nistp521"),
            found @ (KeyKind::BrainpoolP256r1 | KeyKind::BrainpoolP384r1) => return Err(SshKeyError::Curve { found }),
        };
        let mut blob = string(name.as_bytes());
        match key.numbers() {
            Numbers::Rsa { modulus, exponent } => {
                blob.extend(string(&positive(exponent)));
                blob.extend(string(&positive(modulus)));
            }
            Numbers::Ec { point, .. } => {
                blob.extend(string(curve.as_bytes()));
                blob.extend(string(point));
            }
        }
        Ok(Self { name, blob })
    }

    /// The line of `authorized_keys`, without its line end.
    pub fn line(&self, comment: &Line) -> String {
        format!("{} {} {comment}", self.name, Base64::encode_string(&self.blob))
    }

    /// The line as a file. A rehearsal's file says so in a comment of its first line.
    pub fn file(&self, comment: &Line, kind: Kind) -> String {
        let mark = match kind {
            Kind::Production => "",
            Kind::Rehearsal => "# REHEARSAL: for no host\n",
        };
        format!("{mark}{}\n", self.line(comment))
    }

    /// The fingerprint as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", Base64Unpadded::encode_string(&Sha256::digest(&self.blob)))
    }
}

/// Bytes after their length in four.
fn string(bytes: &[u8]) -> Vec<u8> {
    // The longest is the modulus of RSA-4096.
    let length = u32::try_from(bytes.len()).unwrap_or(0);
    [&length.to_be_bytes(), bytes].concat()
}

/// A big-endian number that stays positive in two's complement.
fn positive(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    [sign, number].concat()
}

/// Why a key has no SSH form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SshKeyError {
    /// A curve without an SSH name.
    #[error("SSH has no name for {found}: expected RSA, P-256, P-384 or P-521")]
    Curve {
        /// The kind of key.
        found: KeyKind,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::{key, rsa_key};

    #[test]
    fn a_number_with_its_top_bit_set_gets_a_leading_zero() {
        let mut modulus = [0xFF; 256];
        modulus[0] = 0x80;
        let ssh = SshKey::new(&rsa_key(&modulus, &[1, 0, 1])).unwrap();
        assert_eq!(ssh.blob[..18], *b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01");
        assert_eq!(ssh.blob[18..23], [0, 0, 1, 1, 0]);
        assert_eq!(ssh.blob[23..], modulus);
    }

    #[test]
    fn the_file_of_a_rehearsal_says_so_in_a_comment_of_its_first_line() {
        let (ssh, comment) = (SshKey::new(&key("p256")).unwrap(), Line::new("signing").unwrap());
        let line = format!("{}\n", ssh.line(&comment));
        assert_eq!(ssh.file(&comment, Kind::Production), line);
        assert_eq!(ssh.file(&comment, Kind::Rehearsal), format!("# REHEARSAL: for no host\n{line}"));
    }

    #[test]
    fn a_curve_without_an_ssh_name_is_refused() {
        for (name, found) in [("bp256r1", KeyKind::BrainpoolP256r1), ("bp384r1", KeyKind::BrainpoolP384r1)] {
            assert_eq!(SshKey::new(&key(name)), Err(SshKeyError::Curve { found }));
        }
    }
}
