//! `conclave token list` and `conclave token inspect`.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use conclave_publish::Plain;
use smartcard_hsm::error::TokenError;
use smartcard_hsm::session::{Public, Session, Unproven, diagnose};
use thiserror::Error;

use crate::arrival;
use crate::report::{Report, report};
use crate::said;
use crate::tokens::{Found, Link, find};

/// Why there is nothing to show.
#[derive(Debug, Error)]
enum Nothing {
    #[error(
        "no token found; plug one in, or see whether another program (pcscd) or missing rights to /dev/bus/usb hide it"
    )]
    OnUsb,
    #[error("no file ends in .token in {0}; name the folder a rehearsal left")]
    InFolder(String),
    #[error("no token has the serial number {serial}; found: {found}")]
    Serial { serial: String, found: String },
    #[error("{} tokens found ({found}); say which one with --serial", found.matches(", ").count() + 1)]
    Several { found: String },
    #[error("two tokens say they are {serial}: a clone or a forgery; pull both out and keep them apart")]
    Clone { serial: String },
}

/// A line for each token; one that does not answer says why and hides no other.
pub fn list(simulated: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let mut out = said::out();
    let mut serials = Vec::new();
    for found in found(simulated)? {
        match open(&found) {
            Ok((_, session)) => {
                let serial = session.name().holder().to_owned();
                writeln!(out, "{serial}  firmware {}  at {}", session.info().version, found.at)?;
                serials.push(serial);
            }
            Err(error) => writeln!(out, "{}  {}  at {}", found.usb_serial, Plain(chained(error.as_ref())), found.at)?,
        }
    }
    serials.sort();
    match serials.windows(2).find(|pair| pair.first() == pair.last()) {
        Some([serial, ..]) => Err(Nothing::Clone { serial: serial.clone() }.into()),
        _ => Ok(()),
    }
}

/// The tests of a new token by its owner.
pub fn arrival(simulated: Option<&Path>, serial: Option<&str>) -> Result<(), Box<dyn Error>> {
    let all = found(simulated)?;
    let names = all.iter().map(|found| found.usb_serial.as_str()).collect::<Vec<_>>().join(", ");
    let mut matching = all.iter().filter(|found| serial.is_none_or(|serial| found.usb_serial.starts_with(serial)));
    match (matching.next(), matching.next(), serial) {
        (Some(found), None, _) => arrival::arrival(found),
        (Some(_), Some(_), Some(serial)) => Err(Nothing::Clone { serial: serial.to_owned() }.into()),
        (_, _, Some(serial)) => Err(Nothing::Serial { serial: serial.to_owned(), found: names }.into()),
        (_, _, None) => Err(Nothing::Several { found: names }.into()),
    }
}

/// Everything one token says of itself.
pub fn inspect(simulated: Option<&Path>, serial: Option<&str>, json: bool) -> Result<(), Box<dyn Error>> {
    let mut matching = Vec::new();
    let mut names = Vec::new();
    let mut unanswered = None;
    for found in found(simulated)? {
        match open(&found) {
            Ok((atr, session)) => {
                let name = session.name().holder().to_owned();
                if serial.is_none_or(|serial| serial == name) {
                    matching.push((found, atr, session));
                }
                names.push(name);
            }
            Err(error) => {
                names.push(found.usb_serial.clone());
                unanswered = Some((found, error));
            }
        }
    }
    let found = names.join(", ");
    let (at, atr, mut session) = match (matching.pop(), matching.is_empty(), serial, unanswered) {
        (Some(one), true, _, _) => one,
        (Some(_), false, Some(serial), _) => return Err(Nothing::Clone { serial: serial.to_owned() }.into()),
        (None, _, _, Some((found, error))) => {
            diagnosed(&found)?;
            return Err(error);
        }
        (None, _, Some(serial), None) => return Err(Nothing::Serial { serial: serial.to_owned(), found }.into()),
        (_, _, None, _) => return Err(Nothing::Several { found }.into()),
    };
    let report = report(&at.at, &at.usb_serial, atr, &mut session)?;
    let mut out = said::out();
    if json {
        out.write_all(said::json(&report)?.as_bytes())?;
    } else {
        print(&report, &mut out)?;
    }
    Ok(())
}

/// The answers of a token with which no session can be opened.
fn diagnosed(found: &Found) -> io::Result<()> {
    let Ok(mut link) = found.open() else { return Ok(()) };
    let told = diagnose(&mut link);
    let mut out = said::out();
    let mut line = |what: &str, said: Result<String, TokenError>| match said {
        Ok(said) => writeln!(out, "{what:<14} {said}"),
        Err(error) => writeln!(out, "{what:<14} no answer: {error}"),
    };
    line("at", Ok(found.at.clone()))?;
    line("ATR", Ok(link.atr()))?;
    told.told().into_iter().try_for_each(|(what, said)| line(what, said))
}

fn found(simulated: Option<&Path>) -> Result<Vec<Found>, Box<dyn Error>> {
    let found = find(simulated)?;
    match simulated {
        _ if !found.is_empty() => Ok(found),
        None => Err(Nothing::OnUsb.into()),
        Some(folder) => Err(Nothing::InFolder(folder.display().to_string()).into()),
    }
}

type Opened = (String, Session<Link, Unproven, Public>);

fn open(found: &Found) -> Result<Opened, Box<dyn Error>> {
    let link = found.open()?;
    Ok((link.atr(), Session::open(link)?))
}

fn chained(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}

fn print(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut line = |what: &str, value: &str| writeln!(out, "{what:<14} {value}");
    line("serial", &report.serial)?;
    line("at", &report.at)?;
    line("USB serial", &report.usb_serial)?;
    if let Some(alarm) = &report.usb_serial_differs {
        line("ALARM", alarm)?;
    }
    line("ATR", &report.atr)?;
    line("firmware", &report.firmware)?;
    if let Some(options) = &report.options {
        line("options", options)?;
    }
    line("label", report.label.as_deref().unwrap_or("none"))?;
    line("certificates", &format!("{}, by {}, by {}", report.chain.device, report.chain.issuer, report.chain.root))?;
    line("", &format!("{}; certificates can be copied, so this proves nothing yet", report.chain.verdict))?;
    line("user PIN", &report.user_pin.state)?;
    line("SO-PIN", &report.so_pin.state)?;
    if let Some(free) = report.free_memory_bytes {
        line("free memory", &format!("{free} bytes"))?;
    }
    if let Some(others) = &report.other_tokens {
        let words = format!(
            "{} of {} other tokens must authenticate; {} did, {} are not registered yet",
            others.required, others.total, others.authenticated, others.missing
        );
        line("other tokens", &words)?;
    }
    if report.key_domains.is_empty() {
        line("DKEK", "none: keys cannot be wrapped")?;
    }
    for (number, domain) in report.key_domains.iter().enumerate() {
        line(&format!("key domain {number}"), domain)?;
    }
    if report.keys.is_empty() {
        line("keys", "none")?;
    }
    for key in &report.keys {
        let described = match &key.description {
            Some(Ok(described)) => {
                let label = described.label.as_deref().unwrap_or("without label");
                format!("{} \"{label}\", id {}, {}", described.kind, described.id, described.usage)
            }
            Some(Err(error)) => format!("description cannot be read: {error}"),
            None => "without description: OpenSC does not see it".to_owned(),
        };
        line(&format!("key {}", key.reference), &described)?;
        line("", &format!("certificate: {}", key.certificate))?;
    }
    for other in &report.others {
        line(&format!("file {}", other.file), &other.what)?;
    }
    Ok(())
}
