//! A signing certificate as SAML metadata carries it.
//!
//! Source: OASIS SAML V2.0 Metadata §2.4.1.1 (KeyDescriptor), W3C XML Signature §4.5.4 (X509Data).

use crate::pem::base64_lines;
use crate::x509::{Certificate, Signed};

/// The `KeyDescriptor` to be pasted into an entity's role descriptor. It declares both namespaces itself.
///
/// Source: OASIS SAML V2.0 Metadata §2.4.1.1.
pub fn saml_key_descriptor(certificate: &Signed<Certificate>) -> String {
    // Base64 holds no character that XML would take for its own.
    let base64 = base64_lines(certificate.der());
    format!(
        "<md:KeyDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" use=\"signing\">\n\
         <ds:KeyInfo>\n<ds:X509Data>\n<ds:X509Certificate>\n{base64}</ds:X509Certificate>\n</ds:X509Data>\n</ds:KeyInfo>\n\
         </md:KeyDescriptor>\n"
    )
}
