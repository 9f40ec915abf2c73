//! The applet: files, access rules, counters, keys.
