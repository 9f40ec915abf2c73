//! `conclave plan check`: a plan in words, on the desk, weeks before the ceremony.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use conclave_ceremony::coalition;
use conclave_ceremony::compile::compile;
use conclave_ceremony::hands;
use conclave_ceremony::ids::Device;
use conclave_ceremony::kind::about;
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::plan::{self, Plan, Refusal, SoPinMay};
use conclave_ceremony::script::{Roles, Script, Step};
use conclave_console::wording;
use conclave_publish::{Digest, Kind};
use thiserror::Error;

use crate::{names, said};

/// Why a plan was not found good.
#[derive(Debug, Error)]
enum PlanError {
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("{} is refused{}", .0.display(), Lines(.1))]
    Refused(PathBuf, Vec<Refusal>),
}

/// Refusals, a line each.
pub(crate) struct Lines<'a>(pub(crate) &'a [Refusal]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|refusal| write!(f, "\n  {refusal}"))
    }
}

/// Prints digest, keys, script and coalition table of a plan. Its names are beside it unless it is judged
/// `without_names`.
///
/// Errors: a file cannot be read, or the plan or its names are refused: with every refusal, and nothing else printed.
pub fn check(path: &Path, without_names: bool) -> Result<(), Box<dyn Error>> {
    let (bytes, plan, script) = of_file(path)?;
    let names = if without_names { None } else { Some(names::of_file(&names::beside(path), &plan)?) };
    said::out().write_all(report(&plan, &script, bytes.len(), names.as_ref())?.as_bytes())?;
    Ok(())
}

/// A plan that can be held, its bytes and its script.
pub(crate) type Good = (Vec<u8>, Plan, Script);

/// The plan in a file.
///
/// Errors: as [`check`].
pub(crate) fn of_file(path: &Path) -> Result<Good, Box<dyn Error>> {
    of_bytes(path, read(path).map_err(|error| PlanError::Read(path.into(), error))?)
}

/// The plan that `bytes` are, which `path` names to people.
///
/// Errors: as [`check`].
pub(crate) fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Good, Box<dyn Error>> {
    let refused = |refusals| PlanError::Refused(path.into(), refusals);
    let plan = plan::read(&bytes).map_err(refused)?;
    let script = compile(&plan).map_err(refused)?;
    Ok((bytes, plan, script))
}

/// At most one byte more than a plan or its names may have, whatever the file is.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(plan::LEN_MAX).map_or(u64::MAX, |most| most.saturating_add(1));
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The groups of a digest by number, as a challenge asks for them.
fn write_groups(out: &mut String, digest: &Digest) -> fmt::Result {
    for (number, group) in (1..).zip(digest.groups()) {
        writeln!(out, "{number:>2} {group}  {}", group.words())?;
    }
    Ok(())
}

fn report(plan: &Plan, script: &Script, len: usize, names: Option<&Names>) -> Result<String, fmt::Error> {
    let mut out = String::new();
    writeln!(out, "{}: a plan of kind {}\n", plan.title, plan.kind)?;
    writeln!(out, "DIGEST (SHA-256), to be agreed on beforehand\n")?;
    writeln!(out, "{}  {len} bytes", plan.digest)?;
    write_groups(&mut out, &plan.digest)?;
    match names {
        Some(names) => {
            let lines = names.all().count();
            writeln!(out, "\nNAMES: {} fits: each of its {lines} lines opens its digest in this plan", names::FILE)?;
        }
        None => writeln!(out, "\nNAMES: not looked at: this plan was judged without {}", names::FILE)?,
    }
    writeln!(out, "\nTo be held from {} to {}", plan.window.from, plan.window.until)?;
    for weakness in &plan.accepts {
        writeln!(out, "ACCEPTED, though it stands against the machine: {}", weakness.words())?;
    }
    writeln!(out, "\nKEYS\n")?;
    for key in &plan.keys {
        let on: Vec<_> = key.tokens().map(|token| device(plan, Device::Token(token))).collect();
        let (label, spec, id) = (key.label.as_str(), key.spec, &key.id);
        writeln!(out, "{label}: {spec}, id {id}, {}", key.purpose)?;
        let valid = match plan.kind {
            Kind::Production => format!("certificate until {}", key.expires),
            Kind::Rehearsal => "certificate for seven days from the day of the rehearsal".to_owned(),
        };
        writeln!(out, "  on {} (made on the first); {valid}", on.join(", "))?;
    }
    if !plan.hubs.is_empty() {
        writeln!(out, "\nHUBS, and no other that is not built in\n")?;
    }
    for hub in &plan.hubs {
        let ids: Vec<_> = hub.usb.iter().map(ToString::to_string).collect();
        let each = if hub.number == 1 { String::new() } else { format!(", {} of each", hub.number) };
        writeln!(out, "{}: {} ports, id {}{each}", hub.name, hub.ports, ids.join(" and "))?;
    }
    let minutes: u32 = script.steps.iter().map(|step| u32::from(step.budget)).sum();
    let Plan { ports, .. } = plan;
    let (steps, peak) = (script.steps.len(), script.peak());
    writeln!(out, "\nSCRIPT: {steps} steps, {minutes} minutes, {peak} devices at once on {} ports\n", ports.number)?;
    writeln!(out, "SHA-256 of the script, which the appliance shows and entry 1 of the record promises:")?;
    writeln!(out, "{}", script.digest())?;
    writeln!(out, "A witness brings it with the digest of the plan; the appliance asks for two of its groups:")?;
    write_groups(&mut out, &script.digest())?;
    writeln!(out)?;
    for step in &script.steps {
        write_step(&mut out, plan, step)?;
    }
    write_pins(&mut out, plan)?;
    write_proofs(&mut out, plan, script)?;
    writeln!(out, "\nCOALITIONS: the smallest sets of people, and of places, that by what they keep ...\n")?;
    out.push_str(&coalition::table(plan));
    Ok(out)
}

/// The effect of wrong PINs, token by token.
fn write_pins(out: &mut String, plan: &Plan) -> fmt::Result {
    writeln!(out, "\nPINS\n")?;
    for token in &plan.tokens {
        writeln!(out, "  {}: {} wrong user PINs in a row block it;", token.name, token.tries)?;
        writeln!(out, "    {}", token.so_pin_may.means())?;
        if token.custody.bag.is_none() && token.so_pin_may == SoPinMay::Nothing {
            writeln!(
                out,
                "    WARNING: it goes into no bag: a service that tries a wrong PIN {} times ends its",
                token.tries
            )?;
            writeln!(out, "    use for good; leave so-pin-may = \"nothing\" out, and its SO-PIN gives new tries")?;
        }
    }
    Ok(())
}

/// The proofs that real tokens are known to do, by firmware. Source: OpenSC's driver, CardContact's scripts, an
/// attestation of a Nitrokey HSM 2. Unpublished facts are not known.
const KNOWN: [[&str; 4]; 5] = [
    ["known of real tokens:", "AES", "3DES", "a key"],
    ["  firmware 3.x", "not known", "not known", "not known"],
    ["  firmware 4.0", "not known", "not known", "not known"],
    ["  firmware 4.1", "not known", "not known", "yes"],
    ["  firmware not named", "yes (OpenSC)", "yes (the vendor's script)", "not known"],
];

/// How often tokens prove themselves once more, how, and the known facts about it.
fn write_proofs(out: &mut String, plan: &Plan, script: &Script) -> fmt::Result {
    writeln!(out, "\nPROOFS: a token that is plugged in again after its proof, or met after a power cut, shows its")?;
    writeln!(out, "device key once more by chip authentication: AES, or 3DES where it refuses AES. One that refuses")?;
    writeln!(out, "both makes a key beside its keys for it: its PIN goes to it before that, is burnt, and its keeper")?;
    writeln!(out, "is shown another one, each time.\n")?;
    let again = hands::again(script);
    for (token, times) in &again {
        writeln!(out, "  {} is plugged in again {times} times", device(plan, Device::Token(*token)))?;
    }
    match hands::ports_without(plan) {
        _ if again.is_empty() => writeln!(out, "  no token is plugged in again on {} ports", plan.ports.number)?,
        Some(ports) => writeln!(out, "  with {ports} ports none would be")?,
        None => {}
    }
    writeln!(out)?;
    for [firmware, aes, triple_des, beside] in KNOWN {
        writeln!(out, "  {firmware:<24}{aes:<20}{triple_des:<28}{beside}")?;
    }
    writeln!(out, "  A rehearsal knows simulated tokens only: `conclave token inspect --arrival` asks a real one.")
}

fn write_step(out: &mut String, plan: &Plan, step: &Step) -> fmt::Result {
    let (number, title) = (step.id.0.saturating_add(1), about(plan, step.kind).name);
    let devices: Vec<_> = step.devices.iter().map(|it| device(plan, *it)).collect();
    let line =
        format!("{number:>3} {title:<34} {:>2} min  {:<22} {}", step.budget, who(plan, step.roles), devices.join(" "));
    writeln!(out, "{}", line.trim_end())
}

fn who(plan: &Plan, roles: Roles) -> String {
    match roles {
        Roles::Anyone => "anyone".to_owned(),
        Roles::Person(person) => plan.person_name(person),
        Roles::One(role) => wording::ceremony::role(role).to_owned(),
        Roles::Two(one, other) => format!("{} and {}", wording::ceremony::role(one), wording::ceremony::role(other)),
    }
}

fn device(plan: &Plan, device: Device) -> String {
    let name = match device {
        Device::Token(token) => plan.token(token).map(|token| &token.name),
        Device::Drive(drive) => plan.drive(drive).map(|drive| &drive.name),
    };
    name.map_or_else(String::new, ToString::to_string)
}
