//! EF C8xx and C9xx: certificates and data objects that belong to no key.

use core::fmt;

use super::{
    CkaId, Label, Pkcs15Error,
    value::{OCTET_STRING, ObjectAttributes, SEQUENCE, SUBCLASS, TYPE, UTF8_STRING},
};
use crate::{object::FileId, text::Hex, tlv::Reader};

/// Where the object itself is.
///
/// Shape: at most 16 bytes; the number of an elementary file in the last two. Empty for a key, which is no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<u8>);

impl Path {
    /// Most bytes: OpenSC's `SC_MAX_PATH_SIZE`.
    pub const LEN_MAX: usize = 16;

    /// The file, `None` if the path names none.
    pub fn file(&self) -> Option<FileId> {
        self.0.last_chunk().map(|file| FileId(u16::from_be_bytes(*file)))
    }

    /// `A1 { 30 { [30 {] 04 path .. } }`: OpenSC leaves out the inner SEQUENCE for data objects.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Pkcs15Error> {
        let mut value = Reader::new(Reader::new(reader.expect(TYPE)?.value).expect(SEQUENCE)?.value);
        if let Some(inner) = value.accept(SEQUENCE)? {
            value = Reader::new(inner.value);
        }
        let bytes = value.expect(OCTET_STRING)?.value;
        if bytes.len() > Self::LEN_MAX {
            return Err(Pkcs15Error::PathLength { found: bytes.len() });
        }
        Ok(Self(bytes.to_vec()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

/// EF C8xx, CD: a certificate in EF CAxx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateDescription {
    /// The name that people use for it.
    pub label: Option<Label>,
    /// CKA_ID.
    pub id: CkaId,
    /// Where it is.
    pub path: Path,
}

impl CertificateDescription {
    /// Reads EF C8xx.
    ///
    /// Errors: [`Pkcs15Error::Encoding`], [`Pkcs15Error::LabelLength`], [`Pkcs15Error::IdLength`],
    /// [`Pkcs15Error::PathLength`], [`Pkcs15Error::Flags`].
    pub fn parse(file: &[u8]) -> Result<Self, Pkcs15Error> {
        let mut fields = Reader::new(Reader::new(file).expect(SEQUENCE)?.value);
        let object = ObjectAttributes::read(&mut fields)?;
        let id = CkaId::new(Reader::new(fields.expect(SEQUENCE)?.value).expect(OCTET_STRING)?.value)?;
        fields.accept(SUBCLASS)?;
        Ok(Self { label: object.label, id, path: Path::read(&mut fields)? })
    }
}

/// EF C9xx, DCOD: a data object in EF CDxx (with PIN) or CFxx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDescription {
    /// The name that people use for it.
    pub label: Option<Label>,
    /// The application it is for: CKA_APPLICATION.
    pub application: Option<Label>,
    /// Whether it is described as readable with the PIN only.
    pub private: bool,
    /// Where it is.
    pub path: Path,
}

impl DataDescription {
    /// Reads EF C9xx.
    ///
    /// Errors: [`Pkcs15Error::Encoding`], [`Pkcs15Error::LabelLength`], [`Pkcs15Error::PathLength`],
    /// [`Pkcs15Error::Flags`].
    pub fn parse(file: &[u8]) -> Result<Self, Pkcs15Error> {
        let mut fields = Reader::new(Reader::new(file).expect(SEQUENCE)?.value);
        let object = ObjectAttributes::read(&mut fields)?;
        let application = Label::of(Reader::new(fields.expect(SEQUENCE)?.value).accept(UTF8_STRING)?)?;
        fields.accept(SUBCLASS)?;
        let path = Path::read(&mut fields)?;
        Ok(Self { label: object.label, application, private: object.flags & 0x8000 != 0, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &[u8] = include_bytes!("../../../../tests/vectors/token/pkcs15/dcod-public-opensc0.23.der");
    const PRIVATE: &[u8] = include_bytes!("../../../../tests/vectors/token/pkcs15/dcod-private-opensc0.23.der");
    /// As CardContact's card service writes it.
    const CARD_CONTACT_CD: &[u8] =
        b"\x30\x17\x30\x04\x0c\x02CA\x30\x05\x04\x03\x01\x02\x03\xa1\x08\x30\x06\x30\x04\x04\x02\xca\x01";

    #[test]
    fn data_objects_of_opensc_are_read() {
        let public = DataDescription::parse(PUBLIC).unwrap();
        assert_eq!(public.label.unwrap().as_str(), "pubdata");
        assert_eq!(public.application.unwrap().as_str(), "app");
        assert_eq!(
            (public.private, public.path.file(), public.path.to_string().as_str()),
            (false, Some(FileId(0xcf00)), "CF00")
        );
        let private = DataDescription::parse(PRIVATE).unwrap();
        assert_eq!((private.private, private.path.file()), (true, Some(FileId(0xcd01))));
    }

    #[test]
    fn a_certificate_of_card_contact_is_read() {
        let description = CertificateDescription::parse(CARD_CONTACT_CD).unwrap();
        assert_eq!(description.label.unwrap().as_str(), "CA");
        assert_eq!((description.id.to_string().as_str(), description.path.file()), ("010203", Some(FileId(0xca01))));
    }

    #[test]
    fn a_description_with_one_defect_is_refused_by_name() {
        #[track_caller]
        fn data(defect: &str, bytes: &[u8], says: &str) {
            assert_eq!(DataDescription::parse(bytes).unwrap_err().to_string(), says, "{defect}");
        }
        data("empty", &[], "expected element 30, found the end of the data");
        data("truncated", &PUBLIC[..31], "data ends inside an element: 1 more bytes expected");
        data("path_missing", b"\x30\x04\x30\x00\x30\x00", "expected element A1, found the end of the data");
        data(
            "path_empty_sequence",
            b"\x30\x08\x30\x00\x30\x00\xa1\x02\x30\x00",
            "expected element 4, found the end of the data",
        );
        let long = [&b"\x30\x1b\x30\x00\x30\x00\xa1\x15\x30\x13\x04\x11"[..], &[0; 17]].concat();
        data("path_of_17_bytes", &long, "path of 17 bytes, expected at most 16");
        data(
            "flags_of_no_byte",
            b"\x30\x04\x30\x02\x03\x00",
            "object flags is the BIT STRING , expected a first byte of 00 to 07",
        );
        let no_id = b"\x30\x04\x30\x00\x30\x00";
        let error = CertificateDescription::parse(no_id).unwrap_err().to_string();
        assert_eq!(error, "expected element 4, found the end of the data", "id_missing");
        let empty_id = b"\x30\x06\x30\x00\x30\x02\x04\x00";
        let error = CertificateDescription::parse(empty_id).unwrap_err();
        assert_eq!(error, Pkcs15Error::IdLength { found: 0 }, "id_empty");
    }

    #[test]
    fn what_follows_a_description_in_its_file_is_left_alone() {
        let longer = [PUBLIC, &[0xa5; 9]].concat();
        assert_eq!(DataDescription::parse(&longer), DataDescription::parse(PUBLIC));
    }
}
