//! Processes that share nothing but the database, and one that does not live to its end.

use std::thread;
use std::time::Duration;

use super::database::on_every_copy;
use super::ledger::{HotRows, Ledger};
use super::worker::{Manner, Report, Worker};

const MANNERS: [Manner; 4] = [Manner::Save, Manner::Modify, Manner::Patch, Manner::Retry];

on_every_copy! {
    fn changes_of_many_processes_are_all_there_once(chinook) {
        const CHANGES: usize = 50;
        let before = HotRows::load(&mut chinook.connect());
        let mut number = 0;
        let mut workers = MANNERS.map(|manner| {
            number += 1;
            Worker::start(&format!("p{number}"), manner, CHANGES, chinook.place())
        });
        workers.iter_mut().for_each(Worker::begin);

        let mut acknowledged = Ledger::default();
        let mut tries = 0;
        for Report { acknowledged: more, tries: more_tries } in workers.map(Worker::finish) {
            acknowledged.add(more);
            tries += more_tries;
        }

        assert_eq!(acknowledged.len(), MANNERS.len() * CHANGES);
        assert!(tries > acknowledged.len(), "the processes never met");
        HotRows::load(&mut chinook.connect()).assert_changed_by(&acknowledged, &before);
    }

    /// Beside one that goes on to its end, processes are killed in the midst of their work.
    fn what_a_killed_process_was_told_is_there(chinook) {
        let before = HotRows::load(&mut chinook.connect());
        let mut survivor = Worker::start("survivor", Manner::Save, 300, chinook.place());
        survivor.begin();

        let mut acknowledged = Ledger::default();
        let mut killed = Vec::new();
        for (number, manner) in MANNERS.into_iter().cycle().take(8).enumerate() {
            let name = format!("killed{number}");
            let mut worker = Worker::start(&name, manner, usize::MAX, chinook.place());
            worker.begin();
            // Each at another point of its work.
            worker.wait_for_changes(3 + number);
            thread::sleep(Duration::from_micros(200) * u32::try_from(number).unwrap_or_default());
            let report = worker.kill();
            killed.push((name, report.acknowledged.len()));
            acknowledged.add(report.acknowledged);
        }
        acknowledged.add(survivor.finish().acknowledged);

        let conn = &mut chinook.connect();
        assert_undamaged(conn);
        let after = HotRows::load(conn);
        // Killed between the database's answer and its own report, a process leaves one change more
        // than it told of: its next one.
        let more = after.unacknowledged(&acknowledged, &before);
        let mut possible: Vec<String> =
            killed.iter().map(|(name, told)| format!("[{name}-{}]", told + 1)).collect();
        for marker in more.markers() {
            let position = possible.iter().position(|next| next == marker);
            assert!(position.is_some(), "{marker} is there twice, or out of turn");
            possible.swap_remove(position.unwrap());
        }
        acknowledged.add(more);
        after.assert_changed_by(&acknowledged, &before);
    }
}
