//! Writes the code: the facts of a model, as the library's traits want them told.

mod checks;
pub(crate) mod fallback;
mod unguarded;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use self::unguarded::unguarded;
use crate::check::Facts;
use crate::parse::{Field, Model};

pub(crate) fn versioned(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let facts_of_model = facts_of_model(model, facts);
    let on_a_database = on_a_database(model, facts);
    let unguarded = unguarded(model, &model.generics);
    let checks = checks::model(model, facts);
    quote! {
        const _: () = {
            use ::noclobber::__private as __nc;
            #facts_of_model
            #on_a_database
            #unguarded
            #checks
        };
    }
}

/// What an embedded part says of itself.
pub(crate) fn columns(part: &Model) -> TokenStream {
    let name = &part.name;
    let written: Vec<_> = part.fields.iter().filter(|field| field.is_written()).collect();
    let walk = walk_columns(part, &written);
    let bounds = column_bounds(part, &written);
    let checks = checks::part(part);
    quote! {
        const _: () = {
            use ::noclobber::__private as __nc;
            #[automatically_derived]
            impl<__DB: __nc::Backend> __nc::Columns<__DB> for #name
            where
                #(#bounds,)*
            {
                #walk
            }
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
    let key_fields = facts.key.iter().map(|field| &field.name);
    let key = match facts.key.as_slice() {
        [field] => {
            let field = &field.name;
            quote!(::core::clone::Clone::clone(&self.#field))
        }
        _ => quote!((#(::core::clone::Clone::clone(&self.#key_fields),)*)),
    };
    let Field { name: version, column: version_column, .. } = facts.version;
    let version_type = spanned_type(facts.version);
    let precision = model.precision.as_ref().map(|precision| {
        let variant = &precision.variant;
        quote!(const PRECISION: __nc::Precision = __nc::Precision::#variant;)
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
    quote! {
        #[automatically_derived]
        impl __nc::Versioned for #name {
            type Table = #table::table;
            type Key = #key_type;
            type Version = #version_type;
            type VersionColumn = #table::#version_column;
            const TABLE: &'static str = #table_name;
            #precision

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

/// `impl VersionedOn<DB>`: what is true on a database that knows the types of the columns.
fn on_a_database(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let Model { name, table, .. } = model;
    let written: Vec<_> = model.fields.iter().filter(|field| is_guarded(field, facts)).collect();
    let bounds = column_bounds(model, &written);
    let walk_columns = walk_columns(model, &written);

    let key_bounds = facts.key.iter().map(|field| bind_bound(model, field));
    let version_bound = bind_bound(model, facts.version);
    let version_sql = sql_type(model, facts.version);
    let version_type = spanned_type(facts.version);
    let key_type = key_type(facts);
    let key_sql = match facts.key.as_slice() {
        [field] => sql_type(model, field),
        fields => {
            let types = fields.iter().map(|field| sql_type(model, field));
            quote!((#(#types,)*))
        }
    };

    let bind_key = match facts.key.as_slice() {
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
    };
    let key_columns = facts.key.iter().enumerate().map(|(position, field)| {
        let comma = (position > 0).then(|| quote!(out.push_sql(", ");));
        let push = push_column(model, field);
        quote!(#comma #push)
    });

    quote! {
        #[automatically_derived]
        impl<__DB: __nc::Backend> __nc::VersionedOn<__DB> for #name
        where
            <#table::table as __nc::QuerySource>::FromClause: __nc::QueryFragment<__DB>,
            #name: __nc::Selection<
                __DB,
                Expression: __nc::SelectableExpression<#table::table>,
            >,
            #(#bounds,)*
            #(#key_bounds,)*
            #version_bound,
            #key_type: __nc::Read<#key_sql, __DB>,
            #version_type: __nc::Read<#version_sql, __DB>,
        {
            #walk_columns

            fn __walk_key<'__b>(
                key: &'__b Self::Key,
                mut out: __nc::AstPass<'_, '__b, __DB>,
            ) -> __nc::QueryResult<()> {
                #bind_key
                ::core::result::Result::Ok(())
            }

            fn __walk_key_columns(
                mut out: __nc::AstPass<'_, '_, __DB>,
            ) -> __nc::QueryResult<()> {
                #(#key_columns)*
                ::core::result::Result::Ok(())
            }

            #[inline]
            fn __walk_version<'__b>(
                version: &'__b Self::Version,
                out: __nc::AstPass<'_, '__b, __DB>,
            ) -> __nc::QueryResult<()> {
                __nc::Bind::<#version_sql, __DB>::__bind(version, out)
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
        }
    }
}

/// `fn __walk_columns`: `"a" = ?, "b" = ?, `.
fn walk_columns(model: &Model, written: &[&Field]) -> TokenStream {
    let walks = written.iter().map(|field| {
        let name = &field.name;
        if field.embed.is_some() {
            quote!(__nc::Columns::__walk_columns(&self.#name, out.reborrow())?;)
        } else {
            let bind = bind_equals(model, field, &quote!(&self.#name));
            quote!(#bind out.push_sql(", ");)
        }
    });
    // Without a column there is nothing to be mutable for.
    let out = if written.is_empty() { quote!(_) } else { quote!(mut out) };
    quote! {
        fn __walk_columns<'__b>(
            &'__b self,
            #out: __nc::AstPass<'_, '__b, __DB>,
        ) -> __nc::QueryResult<()> {
            #(#walks)*
            ::core::result::Result::Ok(())
        }
    }
}

/// One bound for each column that is written, so that a type that does not fit is named alone.
fn column_bounds(model: &Model, written: &[&Field]) -> Vec<TokenStream> {
    let bound = |field: &&Field| {
        if field.embed.is_some() {
            let ty = spanned_type(field);
            quote!(#ty: __nc::Columns<__DB>)
        } else {
            bind_bound(model, field)
        }
    };
    written.iter().map(bound).collect()
}

fn bind_bound(model: &Model, field: &Field) -> TokenStream {
    let ty = spanned_type(field);
    let sql_type = sql_type(model, field);
    quote!(#ty: __nc::Bind<#sql_type, __DB>)
}

/// `"column" = ?`
fn bind_equals(model: &Model, field: &Field, value: &TokenStream) -> TokenStream {
    let push = push_column(model, field);
    let sql_type = sql_type(model, field);
    quote! {
        #push
        out.push_sql(" = ");
        __nc::Bind::<#sql_type, __DB>::__bind(#value, out.reborrow())?;
    }
}

fn push_column(model: &Model, field: &Field) -> TokenStream {
    let (table, column) = (&model.table, &field.column);
    quote!(out.push_identifier(<#table::#column as __nc::Column>::NAME)?;)
}

fn key_type(facts: &Facts<'_>) -> TokenStream {
    match facts.key.as_slice() {
        [field] => spanned_type(field),
        fields => {
            let types = fields.iter().map(|field| &field.ty);
            quote!((#(#types,)*))
        }
    }
}

fn spanned_type(field: &Field) -> TokenStream {
    let ty = &field.ty;
    quote_spanned!(ty.span()=> #ty)
}

fn sql_type(model: &Model, field: &Field) -> TokenStream {
    let (table, column) = (&model.table, &field.column);
    quote_spanned!(field.ty.span()=> __nc::SqlTypeOf<#table::#column>)
}

/// Whether a save writes the field, and so guards it: all but the key and the version.
fn is_guarded(field: &Field, facts: &Facts<'_>) -> bool {
    let guards = facts.key.iter().copied().chain([facts.version]);
    field.is_written() && guards.into_iter().all(|guard| guard.name != field.name)
}
