//~ noclobber does not know the database behind `C`
//~ enable the feature of your database in `Cargo.toml`

use diesel::connection::LoadConnection;

fn nothing<C: LoadConnection>(conn: &mut C) -> noclobber::Result<()> {
    noclobber::transaction(conn, |_| Ok(()))
}

fn main() {}
