//! A ceremony played through on a stage: the robot looks, the room acts, until it is closed or stands.

use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::Plan;
use conclave_console::ceremony::Ceremony;
use conclave_console::shown::Serial;
use conclave_console::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use smartcard_hsm::cvc::RootKind;

use super::machine::World;
use super::robot::{Deed, Robot};
use super::stage::Stage;

/// Turns before a ceremony that goes round in a circle is given up.
const TURNS_MAX: usize = 20_000;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The transcript is closed.
    Closed,
    /// It stands, with these words on the screen.
    Stands(String),
    /// The power failed.
    Dark,
    /// It went round in a circle: the screen it was on.
    Circle(String),
}

/// The device with this serial, whole or as screens show it.
pub fn device(plan: &Plan, serial: &str) -> Option<Device> {
    let place = |at: usize| u16::try_from(at).ok();
    let token = plan.tokens.iter().position(|token| token.serial.as_str() == serial).and_then(place);
    let drive = || {
        plan.drives
            .iter()
            .position(|drive| {
                drive.serial.as_str() == serial || Serial::new(drive.serial.as_str()).to_string() == serial
            })
            .and_then(place)
    };
    token.map(|at| Device::Token(TokenId(at))).or_else(|| drive().map(|at| Device::Drive(DriveId(at))))
}

/// The screen of a ceremony as lines of text.
pub fn screen<R: RootKind>(ceremony: &mut Ceremony<World, R>) -> Vec<String> {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(80, 25));
    let Ok(_) = terminal.draw(|frame| view::ceremony::draw(&ceremony.scene(), frame));
    rows(terminal.backend().buffer())
}

/// The rows of a screen as text, as people and [`Robot`] read it.
pub fn rows(screen: &Buffer) -> Vec<String> {
    let row = |cells: &[Cell]| cells.iter().map(Cell::symbol).collect();
    screen.content.chunks(usize::from(screen.area.width).max(1)).map(row).collect()
}

/// Plays on until the ceremony ends; `before` each turn may change the things on the stage.
pub fn play<R: RootKind>(
    stage: &mut Stage,
    ceremony: &mut Ceremony<World, R>,
    robot: &mut Robot,
    mut before: impl FnMut(&mut Stage, &mut Ceremony<World, R>),
) -> Ended {
    let plan = ceremony.plan().clone();
    for _ in 0..TURNS_MAX {
        ceremony.look(&mut stage.world);
        before(stage, ceremony);
        if stage.world.dark() {
            return Ended::Dark;
        }
        if ceremony.busy() {
            ceremony.go_on(&mut stage.world);
            continue;
        }
        for deed in robot.look(&screen(ceremony)) {
            match deed {
                Deed::Press(key) => ceremony.press(key, &mut stage.world),
                Deed::Plug(serial) => device(&plan, &serial).into_iter().for_each(|device| stage.plug(device)),
                Deed::Pull(serial) => device(&plan, &serial).into_iter().for_each(|device| stage.pull(device)),
                Deed::Wait => {}
                Deed::Closed => return Ended::Closed,
                Deed::Stands(words) => return Ended::Stands(words),
            }
        }
    }
    Ended::Circle(screen(ceremony).join("\n"))
}
