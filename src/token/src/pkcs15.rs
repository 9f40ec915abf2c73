//! PKCS#15 objects, byte for byte as OpenSC reads them.
