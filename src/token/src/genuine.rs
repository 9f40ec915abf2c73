//! The genuineness proof: a token shows that it holds the device key of its certificate.
