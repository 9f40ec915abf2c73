//! At which moments of a step a fault can strike.

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::script::StepKind;
use conclave_ceremony::step::Waiting;

use crate::faults::{Fault, Typing, typing};

/// Whether a fault strikes an act, not the step as a whole.
pub fn strikes_act(fault: Fault) -> bool {
    !matches!(
        fault,
        Fault::HubPulled
            | Fault::LogPulled
            | Fault::LogForged
            | Fault::LogLying(_)
            | Fault::LogError
            | Fault::SamePerson
            | Fault::OtherRole
            | Fault::Mistyped
    )
}

/// Whether this is the moment for a fault.
pub fn is_moment(fault: Fault, waiting: &Waiting, kind: StepKind) -> bool {
    let log = matches!(kind, StepKind::Log(_));
    match (fault, waiting) {
        (Fault::SamePerson, Waiting::Asked(Ask::Go { already: Some(_), .. })) => true,
        (Fault::OtherRole, Waiting::Asked(Ask::Go { who: Some(_), .. })) => true,
        (Fault::SamePerson | Fault::OtherRole, _) => false,
        (Fault::Mistyped, Waiting::Acting(Act::Reveal(_))) => typing(kind) == Typing::Back,
        (Fault::Mistyped, Waiting::Asked(Ask::Type { .. })) => typing(kind) == Typing::Asks,
        (Fault::Mistyped, Waiting::Asked(_)) => matches!(typing(kind), Typing::Sets | Typing::Uses),
        (Fault::Mistyped, _) => false,
        (
            Fault::OtherToken | Fault::Disguised | Fault::Counterfeit | Fault::TokenPulled(_) | Fault::NothingDone(_),
            Waiting::Acting(act),
        ) => act.token().is_some(),
        (Fault::OtherCheckValue, Waiting::Acting(act)) => matches!(act, Act::Import(_)),
        (
            Fault::OtherDrive | Fault::ForgedDrive | Fault::DrivePulled(_),
            Waiting::Acting(Act::Write(..) | Act::Read(..)),
        ) => !log,
        (
            Fault::OtherDrive | Fault::ForgedDrive | Fault::DrivePulled(_) | Fault::NotEmpty,
            Waiting::Acting(Act::Identify(_)),
        ) => true,
        (Fault::Full | Fault::ReadOnly | Fault::Lying(_), Waiting::Acting(act)) => match act {
            Act::Identify(_) => log,
            Act::Write(..) => !log,
            _ => false,
        },
        (Fault::SwappedShares, Waiting::Acting(act)) => matches!(act, Act::Read(..)),
        // Looking which drives there are would notice an error first.
        (Fault::LogError, Waiting::Asked(ask)) => !matches!(ask, Ask::Insert(_) | Ask::Remove(_)),
        (Fault::HubPulled | Fault::LogPulled | Fault::LogForged | Fault::LogLying(_), _) => true,
        _ => false,
    }
}
