//! The eleven tables of Chinook, each with the version column that the tests add.
//!
//! The database names everything in Pascal case; `#[sql_name]` is what stands in the statements.

use super::date_time::DateTime;

diesel::table! {
    #[sql_name = "Album"]
    album (album_id) {
        #[sql_name = "AlbumId"]
        album_id -> Integer,
        #[sql_name = "Title"]
        title -> Text,
        #[sql_name = "ArtistId"]
        artist_id -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "Artist"]
    artist (artist_id) {
        #[sql_name = "ArtistId"]
        artist_id -> Integer,
        #[sql_name = "Name"]
        name -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "Customer"]
    customer (customer_id) {
        #[sql_name = "CustomerId"]
        customer_id -> Integer,
        #[sql_name = "FirstName"]
        first_name -> Text,
        #[sql_name = "LastName"]
        last_name -> Text,
        #[sql_name = "Company"]
        company -> Nullable<Text>,
        #[sql_name = "Address"]
        address -> Nullable<Text>,
        #[sql_name = "City"]
        city -> Nullable<Text>,
        #[sql_name = "State"]
        state -> Nullable<Text>,
        #[sql_name = "Country"]
        country -> Nullable<Text>,
        #[sql_name = "PostalCode"]
        postal_code -> Nullable<Text>,
        #[sql_name = "Phone"]
        phone -> Nullable<Text>,
        #[sql_name = "Fax"]
        fax -> Nullable<Text>,
        #[sql_name = "Email"]
        email -> Text,
        #[sql_name = "SupportRepId"]
        support_rep_id -> Nullable<Integer>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::DateTime;

    #[sql_name = "Employee"]
    employee (employee_id) {
        #[sql_name = "EmployeeId"]
        employee_id -> Integer,
        #[sql_name = "LastName"]
        last_name -> Text,
        #[sql_name = "FirstName"]
        first_name -> Text,
        #[sql_name = "Title"]
        title -> Nullable<Text>,
        #[sql_name = "ReportsTo"]
        reports_to -> Nullable<Integer>,
        #[sql_name = "BirthDate"]
        birth_date -> Nullable<DateTime>,
        #[sql_name = "HireDate"]
        hire_date -> Nullable<DateTime>,
        #[sql_name = "Address"]
        address -> Nullable<Text>,
        #[sql_name = "City"]
        city -> Nullable<Text>,
        #[sql_name = "State"]
        state -> Nullable<Text>,
        #[sql_name = "Country"]
        country -> Nullable<Text>,
        #[sql_name = "PostalCode"]
        postal_code -> Nullable<Text>,
        #[sql_name = "Phone"]
        phone -> Nullable<Text>,
        #[sql_name = "Fax"]
        fax -> Nullable<Text>,
        #[sql_name = "Email"]
        email -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "Genre"]
    genre (genre_id) {
        #[sql_name = "GenreId"]
        genre_id -> Integer,
        #[sql_name = "Name"]
        name -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::DateTime;

    #[sql_name = "Invoice"]
    invoice (invoice_id) {
        #[sql_name = "InvoiceId"]
        invoice_id -> Integer,
        #[sql_name = "CustomerId"]
        customer_id -> Integer,
        #[sql_name = "InvoiceDate"]
        invoice_date -> DateTime,
        #[sql_name = "BillingAddress"]
        billing_address -> Nullable<Text>,
        #[sql_name = "BillingCity"]
        billing_city -> Nullable<Text>,
        #[sql_name = "BillingState"]
        billing_state -> Nullable<Text>,
        #[sql_name = "BillingCountry"]
        billing_country -> Nullable<Text>,
        #[sql_name = "BillingPostalCode"]
        billing_postal_code -> Nullable<Text>,
        #[sql_name = "Total"]
        total -> Numeric,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "InvoiceLine"]
    invoice_line (invoice_line_id) {
        #[sql_name = "InvoiceLineId"]
        invoice_line_id -> Integer,
        #[sql_name = "InvoiceId"]
        invoice_id -> Integer,
        #[sql_name = "TrackId"]
        track_id -> Integer,
        #[sql_name = "UnitPrice"]
        unit_price -> Numeric,
        #[sql_name = "Quantity"]
        quantity -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "MediaType"]
    media_type (media_type_id) {
        #[sql_name = "MediaTypeId"]
        media_type_id -> Integer,
        #[sql_name = "Name"]
        name -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "Playlist"]
    playlist (playlist_id) {
        #[sql_name = "PlaylistId"]
        playlist_id -> Integer,
        #[sql_name = "Name"]
        name -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "PlaylistTrack"]
    playlist_track (playlist_id, track_id) {
        #[sql_name = "PlaylistId"]
        playlist_id -> Integer,
        #[sql_name = "TrackId"]
        track_id -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    #[sql_name = "Track"]
    track (track_id) {
        #[sql_name = "TrackId"]
        track_id -> Integer,
        #[sql_name = "Name"]
        name -> Text,
        #[sql_name = "AlbumId"]
        album_id -> Nullable<Integer>,
        #[sql_name = "MediaTypeId"]
        media_type_id -> Integer,
        #[sql_name = "GenreId"]
        genre_id -> Nullable<Integer>,
        #[sql_name = "Composer"]
        composer -> Nullable<Text>,
        #[sql_name = "Milliseconds"]
        milliseconds -> Integer,
        #[sql_name = "Bytes"]
        bytes -> Nullable<Integer>,
        #[sql_name = "UnitPrice"]
        unit_price -> Numeric,
        version -> BigInt,
    }
}

diesel::joinable!(album -> artist (artist_id));
diesel::joinable!(customer -> employee (support_rep_id));
diesel::joinable!(invoice -> customer (customer_id));
diesel::joinable!(invoice_line -> invoice (invoice_id));
diesel::joinable!(invoice_line -> track (track_id));
diesel::joinable!(playlist_track -> playlist (playlist_id));
diesel::joinable!(playlist_track -> track (track_id));
diesel::joinable!(track -> album (album_id));
diesel::joinable!(track -> genre (genre_id));
diesel::joinable!(track -> media_type (media_type_id));

diesel::allow_tables_to_appear_in_same_query!(
    album,
    artist,
    customer,
    employee,
    genre,
    invoice,
    invoice_line,
    media_type,
    playlist,
    playlist_track,
    track,
);
