use diesel::prelude::*;
use noclobber::prelude::*;

#[derive(Versioned)]
enum Document {
    Draft,
    Final,
}

fn main() -> noclobber::Result<()> {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    let document = Document::find(1, conn)?;
    document.save(conn)?.delete(conn)
}
