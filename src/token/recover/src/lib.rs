//! Opens and makes DKEK-wrapped key blobs in clear.
