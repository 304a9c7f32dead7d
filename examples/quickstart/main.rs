//! Lost updates, how a version prevents them, and how a lease prevents lost work:
//! `cargo run --example quickstart`.
#![expect(clippy::unwrap_used, reason = "a story that takes another turn ends with an error")]

mod stage;

use diesel::prelude::*;
use noclobber::{Error, lock::Override, prelude::*};
use stage::{Told, in_eight_threads, on_a_new_file, tell};

diesel::table! { documents { id -> BigInt, title -> Text, visits -> BigInt, version -> BigInt } }

#[derive(Debug, Clone, HasQuery, Identifiable, Versioned)]
struct Document {
    id: i64,
    title: String,
    visits: i64,
    version: i64,
}

fn main() -> Told {
    on_a_new_file(|pool| {
        let conn = &mut *pool.get()?;
        let ann = Document::create(documents::title.eq("Draft"), conn)?;
        let bob = Document::find(ann.id, conn)?;
        tell(ann.title == bob.title, "Ann and Bob open the same document.")?;
        diesel::update(&ann).set(documents::title.eq("Ann's")).execute(conn)?;
        diesel::update(&bob).set(documents::title.eq("Bob's")).execute(conn)?;
        let lost = ann.reload(conn)?.title == "Bob's";
        tell(lost, "Both save naively, and the row says \"Bob's\": Ann's edit is lost.")?;

        let ann = Document { title: "Ann's".into(), ..ann }.save(conn)?;
        let refused = Document { title: "Bob's".into(), ..bob.clone() }.save(conn).unwrap_err();
        tell(refused.is_conflict(), &format!("With a version, Bob is refused: {refused}."))?;
        let both = Document { title: "Ann's and Bob's".into(), ..bob.reload(conn)? }.save(conn)?;
        tell(both.version == 3, "He loads it anew, sees Ann's edit, and saves both.")?;
        let refused = ann.delete(conn).unwrap_err();
        tell(refused.is_conflict(), &format!("Ann deletes what she saw: {refused}."))?;

        let all_have_read = std::sync::Barrier::new(8);
        let count_naively = || {
            let mut conn = pool.get();
            let read = conn.as_mut().map(|conn| Document::find(1, conn));
            all_have_read.wait();
            let document = read.unwrap().unwrap();
            let one_more = documents::visits.eq(document.visits + 1);
            diesel::update(&document).set(one_more).execute(&mut conn.unwrap()).unwrap();
        };
        (0..50).for_each(|_| in_eight_threads(count_naively));
        let naively = both.reload(conn)?.visits;
        tell(naively == 50, &format!("400 visits counted naively by eight threads: {naively}."))?;

        let count = || {
            Document::modify(1, pool, |document| document.visits += 1).unwrap();
        };
        (0..50).for_each(|_| in_eight_threads(count));
        let document = both.reload(conn)?;
        let all = document.visits - naively;
        tell(all == 400, &format!("400 more counted through `modify`: {all}. None is lost."))?;

        let anns = document.lock().owner("Ann").acquire(conn)?;
        tell(anns.is_trusted(), "Ann takes a lease before she begins to rewrite it.")?;
        let Err(Error::LockHeld(held)) = document.lock().owner("Bob").acquire(conn) else {
            return Err("Bob was not told".into());
        };
        tell(held.info().owner() == "Ann", &format!("Bob is told before he begins: {held}."))?;
        let chief = Override::by("Cleo")
            .because("it goes to print")
            .allowed_to(|who: &str, _: &_| who == "Cleo");
        let cleos = chief.steal(held.info(), conn)?;
        tell(cleos.fence() == 2, "Cleo, who may, takes the lease over. She has to say why.")?;
        let refused = document.clone().save_locked(&anns, conn).unwrap_err();
        tell(matches!(refused, Error::LockLost(_)), &format!("Ann's save is refused: {refused}."))?;
        let last = Document { title: "Printed".into(), ..document }.save_locked(&cleos, conn)?;
        cleos.release(conn)?;
        tell(last.version == 404, "Cleo's is not, and she gives the lease back.")
    })
}
