//! `bench contention`: writers who all want one row, each of whom loads it, changes it, and saves it until
//! that goes through.
//!
//! How much is got through is measured against one writer who has the row to himself; and of each change,
//! how long it took and how many attempts. The ways to write take turns, round after round, as everywhere.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use diesel::{Connection, SqliteConnection};
use noclobber::prelude::*;
use noclobber::retry::Policy;
use noclobber::{Error, Store};

use crate::contender::Contender;
use crate::contender::noclobber_save::{Alone, Document};
use crate::contender::through_diesel::Through;
use crate::database::{Database, Place, Product};
use crate::measure::Options;
use crate::measured::with_bounds;
use crate::statistics::Estimate;
use crate::verify::{Effect, Expected};
use crate::workload::ID;
use crate::{Result, machine};

const ROUNDS: usize = 20;
const QUICK_ROUNDS: usize = 8;
/// How long the writers of a round write.
const ROUND: Duration = Duration::from_millis(250);
const MANY: usize = 16;

/// A way to write.
struct Way {
    label: &'static str,
    writers: usize,
    policy: fn() -> Policy,
}

/// Against the first one the others are measured.
const WAYS: &[Way] = &[
    Way { label: "1 writer", writers: 1, policy: Policy::default },
    Way { label: "16 writers, `modify`", writers: MANY, policy: Policy::default },
    Way {
        label: "16 writers, escalating after 1",
        writers: MANY,
        policy: || Policy::default().escalate_after(1),
    },
    Way {
        label: "16 writers, never escalating",
        writers: MANY,
        policy: || patient().escalate_after(u32::MAX),
    },
    Way {
        label: "16 writers, without pauses either",
        writers: MANY,
        policy: || patient().escalate_after(u32::MAX).pauses(Duration::ZERO, Duration::ZERO),
    },
];

/// Where nobody is served in turn, somebody may need very many attempts.
fn patient() -> Policy {
    Policy::default().attempts(u32::MAX).deadline(Duration::from_secs(60))
}

/// The way that the bars are about.
const BY_DEFAULT: usize = 1;
/// What many writers get through at least, of what one does.
const LEAST: f64 = 0.5;

pub fn measure(options: &Options) -> Result<ExitCode> {
    let rounds = if options.quick { QUICK_ROUNDS } else { ROUNDS };
    let mut all_met = true;
    for product in options.products() {
        let name = product.name_and_version()?;
        let rounds_of_all = match product {
            Product::Sqlite => take::<SqliteConnection>(Place::WalFile, rounds)?,
            #[cfg(feature = "postgres")]
            Product::Postgres => take::<diesel::PgConnection>(Place::Postgres, rounds)?,
            #[cfg(feature = "mysql")]
            Product::Mysql => take::<diesel::MysqlConnection>(Place::Mysql, rounds)?,
            #[cfg(not(all(feature = "postgres", feature = "mysql")))]
            _ => return Err("it is not built in; `cargo xtask bench` does so".into()),
        };
        println!("{}, {rounds} rounds of {} ms", machine::description(&name), ROUND.as_millis());
        println!("{}", table(&rounds_of_all)?);
        // The bar was set for a server, whose clients wait for each other over a network.
        if options.check && product == Product::Postgres {
            all_met &= judge(&rounds_of_all)?;
        }
        println!();
    }
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What one way did in one round.
struct Round {
    /// For each writer, the changes that went through.
    writers: Vec<Vec<Change>>,
}

struct Change {
    took: Duration,
    attempts: u32,
    /// Whether it had gone through when the round was over.
    in_time: bool,
}

impl Round {
    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.writers.iter().flatten()
    }

    fn per_second(&self) -> f64 {
        self.changes().filter(|change| change.in_time).count() as f64 / ROUND.as_secs_f64()
    }
}

/// All rounds, for each of the ways.
type Rounds = BTreeMap<usize, Vec<Round>>;

fn take<C>(place: Place, rounds: usize) -> Result<Rounds>
where
    C: Connection + Store<Document> + Send,
{
    let mut database = place.create()?;
    let mut witness = Through::<C, Alone>::set_up(&*database)?;
    let mut connections = (0..MANY).map(|_| join::<C>(&*database)).collect::<Result<Vec<_>>>()?;
    let mut random = fastrand::Rng::with_seed(1);
    let mut order: Vec<usize> = (0..WAYS.len()).collect();
    let mut all = Rounds::new();
    // The first round warms up.
    for round in 0..=rounds {
        random.shuffle(&mut order);
        for &way in &order {
            let taken = write(&WAYS[way], &mut connections)?;
            let kept = all.entry(way).or_default();
            if round > 0 {
                kept.push(taken);
            } else {
                kept.clear();
                kept.push(taken);
            }
        }
    }
    let times = all.values().flatten().map(|round| round.changes().count()).sum::<usize>();
    let expected = Expected { effect: Effect::Saves, times: i64::try_from(times)? };
    database.verify(&mut witness, expected)?;
    for rounds in all.values_mut() {
        rounds.remove(0);
    }
    Ok(all)
}

fn join<C: Connection>(database: &dyn Database) -> Result<C> {
    let mut connection = C::establish(database.url())?;
    connection.batch_execute(database.join_sql())?;
    Ok(connection)
}

fn write<C>(way: &Way, connections: &mut [C]) -> Result<Round>
where
    C: Store<Document> + Send,
{
    let end = Instant::now() + ROUND;
    let writers = thread::scope(|scope| {
        let writers: Vec<_> = connections[..way.writers]
            .iter_mut()
            .map(|connection| scope.spawn(move || write_until(end, &(way.policy)(), connection)))
            .collect();
        writers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let writers = writers
        .into_iter()
        .map(|writer| match writer {
            Ok(changes) => changes.map_err(|error| format!("{}: {error}", way.label).into()),
            Err(_) => Err("a writer panicked".into()),
        })
        .collect::<Result<_>>()?;
    Ok(Round { writers })
}

fn write_until<C: Store<Document>>(
    end: Instant,
    policy: &Policy,
    connection: &mut C,
) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    while Instant::now() < end {
        let (started, mut attempts) = (Instant::now(), 0);
        Document::try_modify(ID, &mut *connection, policy, |document| {
            attempts += 1;
            *document = document.clone().retitled();
            Ok::<_, Error>(())
        })?;
        let in_time = Instant::now() <= end;
        changes.push(Change { took: started.elapsed(), attempts, in_time });
    }
    Ok(changes)
}

fn table(all: &Rounds) -> Result<Table> {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([
        "writers of one row",
        "changes/s",
        "ratio (95 %)",
        "attempts, mean",
        "most",
        "p50 ms",
        "p99 ms",
        "longest ms",
        "of the slowest writer",
    ]);
    for (way, rounds) in all {
        let changes = || rounds.iter().flat_map(Round::changes);
        let count = changes().count().max(1);
        let mut took: Vec<f64> = changes().map(|change| change.took.as_secs_f64() * 1e3).collect();
        took.sort_by(f64::total_cmp);
        let quantile =
            |part: f64| took.get((took.len() as f64 * part) as usize).or(took.last()).copied();
        let attempts: u64 = changes().map(|change| u64::from(change.attempts)).sum();
        let most = changes().map(|change| change.attempts).max().unwrap_or_default();
        let rates = estimate(rounds.iter().map(Round::per_second).collect())?;
        table.add_row([
            WAYS[*way].label.to_owned(),
            format!("{:.0}", rates.median),
            with_bounds(&ratio(all, *way)?),
            format!("{:.2}", attempts as f64 / count as f64),
            most.to_string(),
            format!("{:.2}", quantile(0.5).unwrap_or_default()),
            format!("{:.2}", quantile(0.99).unwrap_or_default()),
            format!("{:.2}", took.last().copied().unwrap_or_default()),
            format!("{:.0} %", 100.0 * least_share(rounds)),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Ok(table)
}

/// What the writer who got least through over all rounds had, of an equal share.
fn least_share(rounds: &[Round]) -> f64 {
    let writers = rounds.first().map_or(0, |round| round.writers.len());
    let of = |writer: usize| rounds.iter().map(|round| round.writers[writer].len()).sum::<usize>();
    let all: Vec<usize> = (0..writers).map(of).collect();
    let equal = all.iter().sum::<usize>() as f64 / writers.max(1) as f64;
    all.iter().copied().min().unwrap_or_default() as f64 / equal
}

/// What a way gets through, of what one writer does, round by round.
fn ratio(all: &Rounds, way: usize) -> Result<Estimate> {
    let rates = |way| all.get(&way).into_iter().flatten().map(Round::per_second);
    estimate(rates(way).zip(rates(0)).map(|(many, one)| many / one).collect())
}

fn estimate(values: Vec<f64>) -> Result<Estimate> {
    Estimate::of(values).ok_or_else(|| "this number of rounds gives no confidence bounds".into())
}

/// That nobody gave up is known by then: it would have been an error.
fn judge(all: &Rounds) -> Result<bool> {
    let ratio = ratio(all, BY_DEFAULT)?;
    let met = ratio.upper >= LEAST;
    println!(
        "PostgreSQL, 16 writers of one row / 1 writer, changes per second: {}, bar ≥ {LEAST:.2}: {}",
        with_bounds(&ratio),
        if met { "met" } else { "missed" }
    );
    Ok(met)
}
