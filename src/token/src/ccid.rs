//! CCID: the messages between host and reader, and what the class descriptor says of them.
