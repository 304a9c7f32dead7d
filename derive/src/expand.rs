//! Writes the code: the facts of a model, as the library's traits want them told.

mod checks;
mod columns;
pub(crate) mod fallback;
mod lock_columns;
mod on_a_database;
mod root;
mod unguarded;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

pub(crate) use self::columns::columns;
use self::lock_columns::lock_columns;
use self::on_a_database::on_a_database;
use self::unguarded::unguarded;
use crate::check::Facts;
use crate::parse::{Field, Model};

pub(crate) fn versioned(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let facts_of_model = facts_of_model(model, facts);
    let on_a_database = on_a_database(model, facts);
    let unguarded = unguarded(model, &model.generics);
    let lock_columns = lock_columns(model);
    let root = root::of_a_model(model, facts);
    let checks = checks::model(model, facts);
    quote! {
        #[allow(unused_qualifications, reason = "the model's scope may have some names as well")]
        const _: () = {
            use ::noclobber::__private as __nc;
            #facts_of_model
            #on_a_database
            #unguarded
            #lock_columns
            #root
            #checks
        };
    }
}

/// `impl Versioned`: what is true on every database.
fn facts_of_model(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let Model { name, table, .. } = model;
    let table_name = match table.segments.last() {
        Some(segment) => segment.ident.unraw().to_string(),
        None => String::new(),
    };
    let key_type = key_type(facts);
    let key_columns = facts.key.len();
    let key_fields = facts.key.iter().map(|field| &field.name);
    let key = match facts.key.as_slice() {
        [field] => {
            let field = &field.name;
            quote!(::core::clone::Clone::clone(&self.#field))
        }
        _ => quote!((#(::core::clone::Clone::clone(&self.#key_fields),)*)),
    };
    let Field { name: version, column: version_column, .. } = facts.version;
    let version_type = &facts.version.ty;
    let precision = model.precision.as_ref().map(|precision| {
        let variant = &precision.variant;
        quote!(const PRECISION: __nc::Precision = __nc::Precision::#variant;)
    });
    let by_trigger = model.by_trigger.map(|_| {
        quote!(
            const BY_TRIGGER: bool = true;
        )
    });
    let initial = model.start_at_clock.map(|span| {
        let initial_at = quote_spanned! {span=>
            <#version_type as __nc::StartsAtClock>::initial_at
        };
        quote! {
            fn __initial_version(clock: &__nc::Clock) -> Self::Version {
                #initial_at(clock)
            }
        }
    });
    let root = root::facts(facts);
    quote! {
        #[automatically_derived]
        impl __nc::Versioned for #name {
            type Table = #table::table;
            type Key = #key_type;
            type Version = #version_type;
            type VersionColumn = #table::#version_column;
            const TABLE: &'static str = #table_name;
            const KEY_COLUMNS: usize = #key_columns;
            #root
            #precision
            #by_trigger

            #[inline]
            fn key(&self) -> Self::Key {
                #key
            }

            #[inline]
            fn version(&self) -> &Self::Version {
                &self.#version
            }

            #[inline]
            fn __set_version(&mut self, version: Self::Version) {
                self.#version = version;
            }

            #initial
        }
    }
}

fn key_type(facts: &Facts<'_>) -> TokenStream {
    match facts.key.as_slice() {
        [field] => field.ty.to_token_stream(),
        fields => {
            let types = fields.iter().map(|field| &field.ty);
            quote!((#(#types,)*))
        }
    }
}

fn sql_type(model: &Model, field: &Field) -> TokenStream {
    let (table, column) = (&model.table, &field.column);
    quote_spanned!(field.ty.span()=> __nc::SqlTypeOf<#table::#column>)
}
