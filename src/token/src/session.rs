//! Sessions: what spends a try consumes the session and hands it back in the error.
