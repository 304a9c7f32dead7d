//! `impl VersionedOn<DB>`: what is true on a database that knows the types of the columns.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::columns::{
    bind_bound, bind_equals, bind_value, column_bounds, column_name, columns_of, has_arrays,
    push_array, push_column,
};
use super::{key_type, root, sql_type};
use crate::check::Facts;
use crate::parse::{Field, Model};

pub(super) fn on_a_database(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let name = &model.name;
    // Told apart from the derive, or the compiler would advise to implement the trait by hand.
    let versioned_on = quote_spanned!(name.span()=> __nc::VersionedOn<__DB>);
    let written: Vec<_> = model.fields.iter().filter(|field| is_guarded(field, facts)).collect();
    let bounds = bounds(model, facts, &written);
    let columns_of_model = columns_of(model, &written);
    let walk_key = walk_key(model, facts);
    let key_columns = key_columns(model, facts);
    let in_batches: Vec<_> = written.iter().copied().chain(facts.key.iter().copied()).collect();
    let has_arrays = has_arrays(model, &in_batches);
    let key_names = facts.key.iter().map(|field| column_name(model, field));
    let key_values = key_values(model, facts);
    let key_arrays = facts.key.iter().map(|field| push_array(model, field));

    let (key_type, key_sql) = (key_type(facts), key_sql_type(model, facts));
    let version_type = &facts.version.ty;
    let version_sql = sql_type(model, facts.version);
    let root = root::on_a_database(model, facts);
    quote! {
        #[automatically_derived]
        impl<__DB: __nc::Backend> #versioned_on for #name
        where
            #(#bounds,)*
        {
            #has_arrays

            #columns_of_model

            fn __walk_key<'__b>(
                key: &'__b Self::Key,
                mut out: __nc::AstPass<'_, '__b, __DB>,
            ) -> __nc::QueryResult<()> {
                #walk_key
                ::core::result::Result::Ok(())
            }

            fn __walk_key_columns(
                mut out: __nc::AstPass<'_, '_, __DB>,
            ) -> __nc::QueryResult<()> {
                #key_columns
                ::core::result::Result::Ok(())
            }

            fn __push_key_names(names: &mut ::std::vec::Vec<&'static str>) {
                #(names.push(#key_names);)*
            }

            fn __walk_key_values<'__b>(
                key: &'__b Self::Key,
                mut out: __nc::AstPass<'_, '__b, __DB>,
            ) -> __nc::QueryResult<()> {
                #key_values
                ::core::result::Result::Ok(())
            }

            fn __push_key_arrays<'__a>(
                models: &[&'__a Self],
                arrays: &mut __nc::ColumnValues<'__a, __DB>,
            ) {
                #(#key_arrays)*
            }

            #[inline]
            fn __walk_version<'__b>(
                version: &'__b Self::Version,
                out: __nc::AstPass<'_, '__b, __DB>,
            ) -> __nc::QueryResult<()> {
                __nc::Bind::<#version_sql, __DB>::__bind(version, out)
            }

            fn __push_version_array<'__a>(
                versions: impl ::core::iter::Iterator<Item = &'__a Self::Version>,
                arrays: &mut __nc::ColumnValues<'__a, __DB>,
            ) {
                arrays.push::<#version_sql, _>(versions);
            }

            fn __read_key<'__a>(
                row: &impl __nc::Row<'__a, __DB>,
            ) -> __nc::deserialize::Result<Self::Key> {
                <#key_type as __nc::Read<#key_sql, __DB>>::__read_row(row)
            }

            fn __read_version<'__a>(
                row: &impl __nc::Row<'__a, __DB>,
            ) -> __nc::deserialize::Result<Self::Version> {
                <#version_type as __nc::Read<#version_sql, __DB>>::__read_row(row)
            }

            #root
        }
    }
}

/// What the database has to know, each bound on the tokens that it is about.
fn bounds(model: &Model, facts: &Facts<'_>, written: &[&Field]) -> Vec<TokenStream> {
    let Model { name, table, .. } = model;
    let guards = facts.key.iter().copied().chain([facts.version]);

    let (key_type, key_sql) = (key_type(facts), key_sql_type(model, facts));
    let version_type = &facts.version.ty;
    let version_sql = sql_type(model, facts.version);

    let mut bounds = vec![
        quote!(<#table::table as __nc::QuerySource>::FromClause: __nc::QueryFragment<__DB>),
        quote_spanned! {name.span()=>
            #name: __nc::Selection<__DB, Expression: __nc::OfTable<#table::table>>
        },
    ];
    bounds.extend(column_bounds(model, written));
    let root_fields = facts.root.iter().flat_map(|root| root.fields.iter().copied());
    bounds.extend(guards.chain(root_fields).map(|field| bind_bound(model, field)));
    bounds.extend(root::bound(facts));
    bounds.push(quote_spanned!(key_type.span()=> #key_type: __nc::Read<#key_sql, __DB>));
    bounds.push(quote_spanned! {version_type.span()=>
        #version_type: __nc::Read<#version_sql, __DB>
    });
    bounds
}

/// `"id" = ? AND "part" = ?`
fn walk_key(model: &Model, facts: &Facts<'_>) -> TokenStream {
    match facts.key.as_slice() {
        [field] => bind_equals(model, field, &quote!(key)),
        fields => {
            let binds = fields.iter().enumerate().map(|(position, field)| {
                let and = (position > 0).then(|| quote!(out.push_sql(" AND ");));
                let position = syn::Index::from(position);
                let bind = bind_equals(model, field, &quote!(&key.#position));
                quote!(#and #bind)
            });
            quote!(#(#binds)*)
        }
    }
}

/// `?, ?`
fn key_values(model: &Model, facts: &Facts<'_>) -> TokenStream {
    match facts.key.as_slice() {
        [field] => bind_value(model, field, &quote!(key)),
        fields => {
            let binds = fields.iter().enumerate().map(|(position, field)| {
                let comma = (position > 0).then(|| quote!(out.push_sql(", ");));
                let position = syn::Index::from(position);
                let bind = bind_value(model, field, &quote!(&key.#position));
                quote!(#comma #bind)
            });
            quote!(#(#binds)*)
        }
    }
}

/// `"id", "part"`
fn key_columns(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let columns = facts.key.iter().enumerate().map(|(position, field)| {
        let comma = (position > 0).then(|| quote!(out.push_sql(", ");));
        let push = push_column(model, field);
        quote!(#comma #push)
    });
    quote!(#(#columns)*)
}

fn key_sql_type(model: &Model, facts: &Facts<'_>) -> TokenStream {
    match facts.key.as_slice() {
        [field] => sql_type(model, field),
        fields => {
            let types = fields.iter().map(|field| sql_type(model, field));
            quote!((#(#types,)*))
        }
    }
}

/// Whether a save writes the field, and so guards it: all but the key, the version, and what holds the key of
/// the root, which only a move writes.
fn is_guarded(field: &Field, facts: &Facts<'_>) -> bool {
    let guards = facts.key.iter().copied().chain([facts.version]);
    field.is_written()
        && guards.into_iter().all(|guard| guard.name != field.name)
        && !facts.is_of_the_root(field)
}
