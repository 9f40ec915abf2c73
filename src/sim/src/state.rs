//! Card memory in a file.
