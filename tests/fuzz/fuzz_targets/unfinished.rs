//! The file that resumes an unfinished rehearsal: each file that is read is written back to the same bytes.
#![no_main]

use conclave::rehearse::unfinished::Unfinished;
use conclave_fuzz::target;

target!(|text: &str| {
    if let Some(unfinished) = Unfinished::parse(text) {
        assert_eq!(unfinished.to_text(), text);
    }
    Ok(())
});
