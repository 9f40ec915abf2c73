//! EF 2F03: the token's label.

use super::{
    Label, Pkcs15Error,
    value::{BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, UTF8_STRING},
};
use crate::tlv::{self, Reader};

/// The label, `[0]` of TokenInfo.
const LABEL: u16 = 0x80;

/// The content of EF 2F03 about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The name that people use for the token. OpenSC shows `SmartCard-HSM` if there is no name.
    pub label: Option<Label>,
}

impl TokenInfo {
    /// Reads EF 2F03.
    ///
    /// Errors: [`Pkcs15Error::Encoding`], [`Pkcs15Error::LabelLength`].
    pub fn parse(file: &[u8]) -> Result<Self, Pkcs15Error> {
        let mut fields = Reader::new(Reader::new(file).expect(SEQUENCE)?.value);
        fields.expect(INTEGER)?;
        fields.accept(OCTET_STRING)?;
        fields.accept(UTF8_STRING)?;
        Ok(Self { label: Label::of(fields.accept(LABEL)?)? })
    }

    /// EF 2F03 as `sc-hsm-tool --initialize --label` writes it.
    ///
    /// Shape: version 0, label, the flag that the token makes random numbers.
    pub fn to_der(label: &Label) -> Vec<u8> {
        let mut fields = tlv::element(INTEGER, &[0]);
        tlv::push(&mut fields, LABEL, label.as_str().as_bytes());
        tlv::push(&mut fields, BIT_STRING, &[5, 0x20]);
        tlv::element(SEQUENCE, &fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SC_HSM_TOOL: &[u8] = include_bytes!("../../../../tests/vectors/token/pkcs15/tokeninfo-sc-hsm-tool.der");

    #[test]
    fn written_as_sc_hsm_tool_writes_it() {
        let label = Label::new("Vector Token").unwrap();
        assert_eq!(TokenInfo::to_der(&label), SC_HSM_TOOL);
        assert_eq!(TokenInfo::parse(SC_HSM_TOOL), Ok(TokenInfo { label: Some(label) }));
    }

    #[test]
    fn other_writers_put_serial_number_and_manufacturer_before_the_label() {
        let other = b"\x30\x16\x02\x01\x00\x04\x02ab\x0c\x02CC\x80\x05Other\x03\x02\x05\x00";
        assert_eq!(TokenInfo::parse(other).unwrap().label.unwrap().as_str(), "Other");
        assert_eq!(TokenInfo::parse(b"\x30\x07\x02\x01\x00\x03\x02\x05\x00").unwrap().label, None);
        assert_eq!(TokenInfo::parse(b"\x30\x05\x02\x01\x00\x80\x00").unwrap().label, None);
    }

    #[test]
    fn a_file_with_one_defect_is_refused_by_name() {
        #[track_caller]
        fn check(defect: &str, bytes: &[u8], says: &str) {
            assert_eq!(TokenInfo::parse(bytes).unwrap_err().to_string(), says, "{defect}");
        }
        check("empty", &[], "expected element 30, found the end of the data");
        check("truncated", &SC_HSM_TOOL[..22], "data ends inside an element: 1 more bytes expected");
        check("version_missing", b"\x30\x04\x03\x02\x05\x00", "expected element 2, found 3");
        let long = [&b"\x30\x82\x01\x05\x02\x01\x00\x80\x81\xff"[..], &[b'a'; 255]].concat();
        check("label_of_255_bytes", &long, "label of 255 bytes, expected 1 to 254");
        check(
            "label_longer_than_the_sequence",
            b"\x30\x06\x02\x01\x00\x80\x02a",
            "data ends inside an element: 1 more bytes expected",
        );
    }
}
