//! What went wrong with a token, and who acts next.
