//! A reader as a [`Channel`](crate::channel::Channel): CCID messages, T=1 blocks where the reader leaves them to the host.
