//! The devices in the ports, by name: the right one, a wrong one, one too many.

use conclave_ceremony::ask::Ask;
use conclave_ceremony::facts::Facts;
use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::{Hub, Plan, UsbId};
use conclave_ceremony::step::Waiting;

use crate::ports::{Plugged, What};

/// A line about the devices in the ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The device asked for is plugged in, or is out.
    Right(String),
    /// A device has to be taken out.
    Wrong(String),
    /// All devices in the ports.
    All(String),
}

/// The device of the plan, if the plan names it. A reader appends characters to the serial of its token.
fn of_plan(plan: &Plan, plugged: &Plugged) -> Option<Device> {
    let serial = plugged.serial.as_str();
    let device = |at: Option<usize>, device: fn(u16) -> Device| at.and_then(|at| u16::try_from(at).ok()).map(device);
    match plugged.what {
        What::Token => {
            let at = plan.tokens.iter().position(|token| serial.starts_with(token.serial.as_str()));
            device(at, |at| Device::Token(TokenId(at)))
        }
        What::Drive => {
            let at = plan.drives.iter().position(|drive| serial == drive.serial.as_str());
            device(at, |at| Device::Drive(DriveId(at)))
        }
        What::Hub { .. } => None,
    }
}

/// The plan's hub of this model.
fn hub_of(plan: &Plan, id: UsbId) -> Option<&Hub> {
    plan.hubs.iter().find(|hub| hub.usb.contains(&id))
}

/// The short name of a device of the plan.
pub fn name(plan: &Plan, device: Device) -> String {
    let token = |id: TokenId| plan.token(id).map(|token| token.name.to_string());
    let drive = |id: DriveId| plan.drive(id).map(|drive| drive.name.to_string());
    match device {
        Device::Token(id) => token(id),
        Device::Drive(id) => drive(id),
    }
    .unwrap_or_default()
}

/// Something the plan does not name.
fn foreign(plugged: &Plugged) -> String {
    let what = match plugged.what {
        What::Token => "token",
        What::Drive => "drive",
        What::Hub { id, .. } => return format!("hub {id} at {}", plugged.port),
    };
    if plugged.serial.is_empty() {
        format!("{what} without a serial")
    } else {
        format!("{what} with serial {}", plugged.serial)
    }
}

fn called(plan: &Plan, plugged: &Plugged) -> String {
    let named = match plugged.what {
        What::Token | What::Drive => of_plan(plan, plugged).map(|device| name(plan, device)),
        What::Hub { id, shut_out: false } => hub_of(plan, id).map(|hub| hub.name.to_string()),
        What::Hub { shut_out: true, .. } => None,
    };
    named.unwrap_or_else(|| foreign(plugged))
}

/// Hubs that are shut out, each with the thing to do. A device on such a hub is not seen at all.
fn shut_out(plan: &Plan, plugged: &[Plugged]) -> impl Iterator<Item = Says> {
    let words = |plugged: &Plugged| match plugged.what {
        What::Hub { id, shut_out: true } => {
            let hub = foreign(plugged);
            let why = match hub_of(plan, id) {
                None => format!("The {hub} is not in the plan"),
                Some(Hub { name, number: 1, .. }) => {
                    format!("The plan has one hub of this id, {name}, and the {hub} is another")
                }
                Some(Hub { name, number, .. }) => {
                    format!("The plan has {number} hubs of this id, inside {name}, and the {hub} is another")
                }
            };
            Some(Says::Wrong(format!("{why}: plug its devices into the machine itself, or take the hub out.")))
        }
        What::Hub { shut_out: false, .. } | What::Token | What::Drive => None,
    };
    plugged.iter().filter_map(words)
}

/// All devices in the ports, in one line. A USB 3 hub shows itself as two hubs and is named once.
fn in_one_line(plugged: &[Plugged], name: impl Fn(&Plugged) -> String) -> Says {
    let mut names = Vec::new();
    for plugged in plugged {
        let name = name(plugged);
        if !matches!(plugged.what, What::Hub { .. }) || !names.contains(&name) {
            names.push(name);
        }
    }
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Says::All(format!("Plugged in: {names}."))
}

/// As long as there is no plan: by serial.
pub fn before_plan(plugged: &[Plugged]) -> Says {
    in_one_line(plugged, foreign)
}

/// While a device or an answer is asked for: the devices in the ports, and whether they are those that the step wants.
/// A device that the plan does not name is never let in and may stay: a built-in card reader, the medium.
pub fn of_step(plan: &Plan, facts: &Facts, waiting: &Waiting, plugged: &[Plugged]) -> Vec<Says> {
    let of = |plugged: &Plugged| of_plan(plan, plugged);
    let is_in = |device: Device| plugged.iter().any(|plugged| of(plugged) == Some(device));
    // A device that was plugged in because a step asked for it stays until a step asks to take it out.
    let expected = |device: Device| {
        facts.plugged.contains(&device) || matches!(device, Device::Drive(drive) if facts.logs.contains(&drive))
    };
    let surplus = |asked: Option<Device>| {
        let others = plugged.iter().filter_map(of).filter(move |device| Some(*device) != asked);
        others.filter(|device| !expected(*device)).map(|device| name(plan, device))
    };
    let too_many = |name: String| Says::Wrong(format!("{name} is plugged in and not asked for: take it out."));
    let all = || in_one_line(plugged, |plugged| called(plan, plugged));
    match waiting {
        Waiting::Asked(Ask::Insert(device)) if is_in(*device) => {
            let found = Says::Right(format!("{} found. Press Enter.", name(plan, *device)));
            let wrong = surplus(Some(*device)).map(too_many).chain(shut_out(plan, plugged));
            [found].into_iter().chain(wrong).chain([all()]).collect()
        }
        Waiting::Asked(Ask::Insert(device)) => {
            let asked = name(plan, *device);
            let wrong = surplus(Some(*device));
            let wrong =
                wrong.map(|this| Says::Wrong(format!("This is {this}. {asked} is asked for. Take {this} out.")));
            let is_hub = |plugged: &Plugged| matches!(plugged.what, What::Hub { .. });
            let foreign = plugged.iter().filter(|plugged| of(plugged).is_none() && !is_hub(plugged)).map(foreign);
            let foreign = foreign.map(|this| Says::Wrong(format!("The plan names no {this}. {asked} is asked for.")));
            wrong.chain(foreign).chain(shut_out(plan, plugged)).chain([all()]).collect()
        }
        Waiting::Asked(Ask::Remove(device)) => {
            let out = (!is_in(*device)).then(|| Says::Right(format!("{} is out. Press Enter.", name(plan, *device))));
            let wrong = surplus(Some(*device)).map(too_many).chain(shut_out(plan, plugged));
            out.into_iter().chain(wrong).chain([all()]).collect()
        }
        Waiting::Asked(Ask::Look) | Waiting::Begin | Waiting::Acting(_) | Waiting::Halted(_) | Waiting::Closed => {
            Vec::new()
        }
        Waiting::Asked(_) => surplus(None).map(too_many).chain(shut_out(plan, plugged)).collect(),
    }
}

/// While the log drives of an interrupted ceremony are asked for: by the names of their plan.
pub fn of_logs(plan: &Plan, plugged: &[Plugged]) -> Vec<Says> {
    shut_out(plan, plugged).chain([in_one_line(plugged, |plugged| called(plan, plugged))]).collect()
}

/// The words about a wrong device in place of the one asked for; `None` if there is no wrong device.
pub fn wrong(plan: &Plan, facts: &Facts, asked: Device, plugged: &[Plugged]) -> Option<String> {
    of_step(plan, facts, &Waiting::Asked(Ask::Insert(asked)), plugged).into_iter().find_map(|says| match says {
        Says::Wrong(words) => Some(words),
        Says::Right(_) | Says::All(_) => None,
    })
}
