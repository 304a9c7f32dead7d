//! One versioned model for each table of Chinook.

use bigdecimal::BigDecimal;
use diesel::prelude::*;
use noclobber::prelude::*;

use super::date_time::Moment;
use super::schema::{
    album, artist, customer, employee, genre, invoice, invoice_line, media_type, playlist,
    playlist_track, track,
};

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(table_name = album, primary_key(album_id), belongs_to(Artist))]
pub(crate) struct Album {
    pub(crate) album_id: i32,
    pub(crate) title: String,
    pub(crate) artist_id: i32,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = artist, primary_key(artist_id))]
pub(crate) struct Artist {
    pub(crate) artist_id: i32,
    pub(crate) name: Option<String>,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(table_name = customer, primary_key(customer_id))]
#[diesel(belongs_to(Employee, foreign_key = support_rep_id))]
pub(crate) struct Customer {
    pub(crate) customer_id: i32,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) company: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) fax: Option<String>,
    pub(crate) email: String,
    pub(crate) support_rep_id: Option<i32>,
    pub(crate) version: i64,
}

/// Reports to another employee, or to nobody.
#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(table_name = employee, primary_key(employee_id))]
#[diesel(belongs_to(Employee, foreign_key = reports_to))]
pub(crate) struct Employee {
    pub(crate) employee_id: i32,
    pub(crate) last_name: String,
    pub(crate) first_name: String,
    pub(crate) title: Option<String>,
    pub(crate) reports_to: Option<i32>,
    pub(crate) birth_date: Option<Moment>,
    pub(crate) hire_date: Option<Moment>,
    pub(crate) address: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) fax: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = genre, primary_key(genre_id))]
pub(crate) struct Genre {
    pub(crate) genre_id: i32,
    pub(crate) name: Option<String>,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(table_name = invoice, primary_key(invoice_id), belongs_to(Customer))]
pub(crate) struct Invoice {
    pub(crate) invoice_id: i32,
    pub(crate) customer_id: i32,
    pub(crate) invoice_date: Moment,
    pub(crate) billing_address: Option<String>,
    pub(crate) billing_city: Option<String>,
    pub(crate) billing_state: Option<String>,
    pub(crate) billing_country: Option<String>,
    pub(crate) billing_postal_code: Option<String>,
    pub(crate) total: BigDecimal,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(table_name = invoice_line, primary_key(invoice_line_id))]
#[diesel(belongs_to(Invoice), belongs_to(Track))]
pub(crate) struct InvoiceLine {
    pub(crate) invoice_line_id: i32,
    pub(crate) invoice_id: i32,
    pub(crate) track_id: i32,
    pub(crate) unit_price: BigDecimal,
    pub(crate) quantity: i32,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = media_type, primary_key(media_type_id))]
pub(crate) struct MediaType {
    pub(crate) media_type_id: i32,
    pub(crate) name: Option<String>,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = playlist, primary_key(playlist_id))]
pub(crate) struct Playlist {
    pub(crate) playlist_id: i32,
    pub(crate) name: Option<String>,
    pub(crate) version: i64,
}

/// Nothing but its key: a save of it writes the version alone.
#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(table_name = playlist_track, primary_key(playlist_id, track_id))]
#[diesel(belongs_to(Playlist), belongs_to(Track))]
pub(crate) struct PlaylistTrack {
    pub(crate) playlist_id: i32,
    pub(crate) track_id: i32,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Associations, Versioned)]
#[diesel(table_name = track, primary_key(track_id))]
#[diesel(belongs_to(Album), belongs_to(Genre), belongs_to(MediaType))]
pub(crate) struct Track {
    pub(crate) track_id: i32,
    pub(crate) name: String,
    pub(crate) album_id: Option<i32>,
    pub(crate) media_type_id: i32,
    pub(crate) genre_id: Option<i32>,
    pub(crate) composer: Option<String>,
    pub(crate) milliseconds: i32,
    pub(crate) bytes: Option<i32>,
    pub(crate) unit_price: BigDecimal,
    pub(crate) version: i64,
}
