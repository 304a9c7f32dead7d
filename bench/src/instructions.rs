//! How many instructions a save takes: a number that a busy machine cannot disturb.
//!
//! The binary runs itself under valgrind twice, with two different numbers of saves. What the
//! process does besides saving is the same both times and falls out of the difference.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use crate::Result;
use crate::contender::{Entrant, Kind};
use crate::database::Place;
use crate::run::Run;
use crate::subject::Subject;

/// In memory no kernel takes part, whose instructions valgrind does not see.
const PLACE: Place = Place::Memory;
const FEW: u32 = 500;
const MANY: u32 = 1_500;

/// The instructions per save of each contender, in memory.
pub struct Instructions(BTreeMap<Kind, f64>);

impl Instructions {
    pub fn count() -> Result<Self> {
        let mut instructions = BTreeMap::new();
        for &Entrant { kind, .. } in Subject::Save.entrants(PLACE) {
            let difference = collected(kind, MANY)?.saturating_sub(collected(kind, FEW)?);
            instructions.insert(kind, difference as f64 / f64::from(MANY - FEW));
        }
        Ok(Self(instructions))
    }

    pub fn of(&self, kind: Kind) -> Result<f64> {
        self.0
            .get(&kind)
            .copied()
            .filter(|&count| count > 0.0)
            .ok_or_else(|| format!("no instructions were counted for {}", kind.name()).into())
    }

    pub fn ratio(&self, kind: Kind, base: Kind) -> Result<f64> {
        Ok(self.of(kind)? / self.of(base)?)
    }
}

/// What runs under valgrind.
pub fn save(kind: Kind, saves: u32) -> Result<()> {
    let entrant = Subject::Save.entrants(PLACE).iter().find(|entrant| entrant.kind == kind);
    let mut run = Run::start(entrant.ok_or("no such contender in memory")?, PLACE)?;
    run.work(saves)?;
    run.finish()
}

/// All instructions of a process that saves `saves` times.
fn collected(kind: Kind, saves: u32) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["count", &kind.name(), &saves.to_string()])
        .output()
        .map_err(|error| format!("valgrind could not be started: {error}"))?;
    let messages = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(
            format!("counting under valgrind failed ({}):\n{messages}", output.status).into()
        );
    }
    parse(&messages).ok_or_else(|| format!("valgrind told no count:\n{messages}").into())
}

/// Finds `==4711== Collected : 123456` in callgrind's messages.
fn parse(messages: &str) -> Option<u64> {
    messages.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_count_is_found_among_the_messages() {
        let messages = "==7== Events    : Ir\n==7== Collected : 7265\n==7== \n";
        assert_eq!(parse(messages), Some(7265));
        assert_eq!(parse("==7== Events    : Ir\n"), None);
    }
}
