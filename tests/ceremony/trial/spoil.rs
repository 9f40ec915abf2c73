//! The effect of a fault on the things on the table, and the way to put them right.

use std::collections::BTreeMap;

use conclave_ceremony::act::Act;
use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::Holds;
use conclave_console::ports::Machine;
use conclave_console::shown::{Serial, Shown};
use conclave_publish::FileName;
use conclave_sim::card::random::Randomness;
use conclave_sim::fault::{At, Fault as Command, Misfortune};
use conclave_sim::token::Token;
use conclave_sim::world::drives::{Fault as OfDrive, Lies, Stick};
use conclave_sim::world::stage::{Stage, port};
use conclave_sim::world::tokens::Fault as OfToken;

use super::Trial;
use crate::faults::Fault;

/// INS of IMPORT DKEK SHARE, which also states the check value.
const IMPORT: u8 = 0x52;

/// A thing that a fault changed, as it was.
pub enum Spoilt {
    Token(TokenId, Box<Token>),
    Drive(DriveId, Box<Stick>),
    Files(DriveId, BTreeMap<FileName, Vec<u8>>),
}

impl Trial {
    /// Lets the fault strike.
    pub(super) fn spoil(&mut self, fault: Fault, act: Option<Act>) {
        let token = act.as_ref().and_then(Act::token);
        let drive = match act {
            Some(Act::Identify(drive) | Act::Write(drive, _) | Act::Read(drive, _)) => Some(drive),
            _ => None,
        };
        let log = self.logs()[0];
        let (stranger, stage) = (self.stranger, &mut self.stage);
        let mut keep = |stage: &mut Stage, drive| {
            let stick = stage.stick(drive).unwrap().clone();
            self.spoilt.push(Spoilt::Drive(drive, Box::new(stick)));
        };
        match fault {
            Fault::OtherToken | Fault::Disguised => {
                let token = token.unwrap();
                let serial = Serial::new(self.plan.tokens[usize::from(token.0)].serial.as_str());
                let at = port(Device::Token(token));
                stage.pull(Device::Token(token));
                let tokens = stage.world.tokens();
                tokens.disguise(
                    stranger,
                    Some(&Serial::new(&format!("{serial}00000")[..15])).filter(|_| fault == Fault::Disguised),
                );
                tokens.plug(stranger, &at);
            }
            Fault::Counterfeit => {
                let place = stage.place(token.unwrap()).unwrap();
                let genuine = stage.world.tokens().token(place, |token| token.clone()).unwrap();
                self.spoilt.push(Spoilt::Token(token.unwrap(), Box::new(genuine)));
                stage.world.tokens().forge(place, Randomness::seeded([0xcf; 32]));
            }
            Fault::TokenPulled(after) => {
                let command = stage.world.tokens().changes().len() + after;
                stage.world.tokens().fail_at(command, OfToken::Yank);
            }
            Fault::NothingDone(after) => stage.world.tokens().do_nothing_after(after),
            Fault::OtherCheckValue => {
                let place = stage.place(token.unwrap()).unwrap();
                // Asked before, one for each share, asked after.
                let nth = u32::try_from(self.plan.shares.len()).unwrap() + 2;
                let lies = Command { at: At::Instruction { ins: IMPORT, nth }, what: Misfortune::Lies };
                stage.world.tokens().token(place, |token| token.set_faults(vec![lies]));
            }
            Fault::OtherDrive => {
                stage.pull(Device::Drive(drive.unwrap()));
                stage.world.drives().plug(Stick::new("usb 9-9", "STRANGER", "STRANGER"));
            }
            Fault::ForgedDrive => {
                keep(stage, drive.unwrap());
                stage.stick(drive.unwrap()).unwrap().drive.len += 4096;
            }
            Fault::DrivePulled(after) => {
                let drives = stage.world.drives();
                let op = drives.ops() + after;
                drives.fail_at(op, OfDrive::Yank(port(Device::Drive(drive.unwrap()))));
            }
            Fault::Full | Fault::ReadOnly | Fault::Lying(_) | Fault::LogLying(_) => {
                let drive = drive.filter(|_| !matches!(fault, Fault::LogLying(_))).unwrap_or(log);
                keep(stage, drive);
                let stick = stage.stick(drive).unwrap();
                match fault {
                    Fault::Full => stick.capacity = 0,
                    Fault::ReadOnly => stick.read_only = true,
                    Fault::Lying(lies) | Fault::LogLying(lies) => stick.lies = lies,
                    _ => {}
                }
            }
            Fault::NotEmpty => {
                let drive = drive.unwrap();
                let files = &mut stage.stick(drive).unwrap().files;
                self.spoilt.push(Spoilt::Files(drive, files.clone()));
                files.insert(FileName::new(b"setup.exe").unwrap(), b"MZ".to_vec());
            }
            Fault::SwappedShares => {
                let drives = (0..).map(DriveId).zip(&self.plan.drives);
                let shares = drives.filter(|(_, drive)| matches!(drive.holds, Holds::Share(_)));
                let shares: Vec<DriveId> = shares.map(|(id, _)| id).collect();
                let files = |stage: &mut Stage, drive| stage.stick(drive).unwrap().files.clone();
                let (one, other) = (files(stage, shares[0]), files(stage, shares[1]));
                // Each file keeps its name: only its content is that of the other file.
                for (drive, own, others) in [(shares[0], &one, &other), (shares[1], &other, &one)] {
                    let swapped = own.keys().cloned().zip(others.values().cloned()).collect();
                    stage.stick(drive).unwrap().files = swapped;
                    self.spoilt.push(Spoilt::Files(drive, own.clone()));
                }
            }
            Fault::HubPulled => self.devices().into_iter().for_each(|device| self.stage.pull(device)),
            Fault::LogPulled => stage.pull(Device::Drive(log)),
            Fault::LogForged => {
                keep(stage, log);
                stage.stick(log).unwrap().drive.len += 4096;
            }
            Fault::LogError => {
                let drives = stage.world.drives();
                let op = drives.ops();
                drives.fail_at(op, OfDrive::Io);
            }
            Fault::SamePerson | Fault::OtherRole | Fault::Mistyped => {}
        }
    }

    /// Takes the fault away.
    pub(super) fn heal(&mut self, fault: Fault) {
        self.stage.world.tokens().disguise(self.stranger, None);
        self.stage.world.tokens().pull(self.stranger);
        self.stage.world.drives().pull(&Shown::new("usb 9-9"));
        for spoilt in std::mem::take(&mut self.spoilt) {
            match spoilt {
                Spoilt::Token(token, genuine) => {
                    let place = self.stage.place(token).unwrap();
                    self.stage.world.tokens().pull(place);
                    self.stage.world.tokens().token(place, |token| *token = *genuine);
                    self.stage.plug(Device::Token(token));
                }
                Spoilt::Drive(drive, was) => {
                    let stick = self.stage.stick(drive).unwrap();
                    stick.drive.len = was.drive.len;
                    (stick.capacity, stick.read_only, stick.lies) = (was.capacity, was.read_only, Lies::Never);
                }
                Spoilt::Files(drive, files) => self.stage.stick(drive).unwrap().files = files,
            }
        }
        if matches!(fault, Fault::HubPulled | Fault::LogPulled) {
            let logs = self.ceremony().state().facts().logs.clone();
            logs.into_iter().for_each(|log| self.stage.plug(Device::Drive(log)));
        }
    }
}
