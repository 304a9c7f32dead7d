//! Implementations that mean nothing, beside an error that tells what is wrong: what uses the model
//! compiles, and nobody is told a second time.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    GenericArgument, GenericParam, Generics, PathArguments, Type, WherePredicate, parse_quote,
};

use super::unguarded::unguarded;
use crate::check::type_name;
use crate::parse::{Field, Model};

pub(crate) fn versioned(model: &Model) -> TokenStream {
    let name = &model.name;
    let generics = owned_generics(model);
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let Guess { table, column, version } = Guess::of(model);
    let mut on_a_database = with_backend(&generics);
    on_a_database.make_where_clause().predicates.extend::<[WherePredicate; 2]>([
        parse_quote!(<#table as __nc::QuerySource>::FromClause: __nc::QueryFragment<__DB>),
        parse_quote! {
            #name #arguments:
                __nc::Selection<__DB, Expression: __nc::OfTable<#table>>
        },
    ]);
    let (parameters_on, _, bounds_on) = on_a_database.split_for_impl();

    let key = key_type(model);
    let columns = columns_of_anything();
    let unguarded = unguarded(model, &generics);
    let loadable = (!model.has_fields).then(|| loadable(model));
    let lock_columns = model
        .lock_columns
        .map(|_| quote!(impl #parameters __nc::LockColumns for #name #arguments #bounds {}));
    quote! {
        const _: () = {
            use ::noclobber::__private as __nc;
            impl #parameters __nc::Versioned for #name #arguments #bounds {
                type Table = #table;
                type Key = #key;
                type Version = #version;
                type VersionColumn = #column;
                type Root = Self;
                const TABLE: &'static str = "";
                fn key(&self) -> Self::Key {
                    ::core::unreachable!()
                }
                fn version(&self) -> &Self::Version {
                    ::core::unreachable!()
                }
                fn __set_version(&mut self, _: Self::Version) {}
            }
            impl #parameters_on __nc::VersionedOn<__DB> for #name #arguments #bounds_on {
                #columns
                fn __walk_key<'__b>(
                    _: &'__b Self::Key,
                    _: __nc::AstPass<'_, '__b, __DB>,
                ) -> __nc::QueryResult<()> {
                    ::core::unreachable!()
                }
                fn __walk_key_columns(_: __nc::AstPass<'_, '_, __DB>) -> __nc::QueryResult<()> {
                    ::core::unreachable!()
                }
                fn __push_key_names(_: &mut ::std::vec::Vec<&'static str>) {
                    ::core::unreachable!()
                }
                fn __walk_key_values<'__b>(
                    _: &'__b Self::Key,
                    _: __nc::AstPass<'_, '__b, __DB>,
                ) -> __nc::QueryResult<()> {
                    ::core::unreachable!()
                }
                fn __push_key_arrays<'__a>(
                    _: &[&'__a Self],
                    _: &mut __nc::ColumnValues<'__a, __DB>,
                ) {
                    ::core::unreachable!()
                }
                fn __walk_version<'__b>(
                    _: &'__b Self::Version,
                    _: __nc::AstPass<'_, '__b, __DB>,
                ) -> __nc::QueryResult<()> {
                    ::core::unreachable!()
                }
                fn __push_version_array<'__a>(
                    _: impl ::core::iter::Iterator<Item = &'__a Self::Version>,
                    _: &mut __nc::ColumnValues<'__a, __DB>,
                ) {
                    ::core::unreachable!()
                }
                fn __read_key<'__a>(
                    _: &impl __nc::Row<'__a, __DB>,
                ) -> __nc::deserialize::Result<Self::Key> {
                    ::core::unreachable!()
                }
                fn __read_version<'__a>(
                    _: &impl __nc::Row<'__a, __DB>,
                ) -> __nc::deserialize::Result<Self::Version> {
                    ::core::unreachable!()
                }
                type RootOn = Self;
            }
            impl #parameters __nc::OwnRoot for #name #arguments #bounds {}
            #loadable
            #unguarded
            #lock_columns
        };
    }
}

pub(crate) fn columns(part: &Model) -> TokenStream {
    let name = &part.name;
    let (parameters_of_part, arguments, bounds) = part.generics.split_for_impl();
    let with_backend = with_backend(&part.generics);
    let (parameters, ..) = with_backend.split_for_impl();
    let columns = columns_of_anything();
    quote! {
        const _: () = {
            use ::noclobber::__private as __nc;
            impl #parameters __nc::Columns<__DB> for #name #arguments #bounds {
                #columns
            }
            impl #parameters_of_part __nc::Part for #name #arguments #bounds {
                const WRITES_LOCK_COLUMNS: bool = false;
            }
        };
    }
}

/// What a model and a part alike say of their columns.
fn columns_of_anything() -> TokenStream {
    quote! {
        fn __walk_columns<'__b>(
            &'__b self,
            _: __nc::AstPass<'_, '__b, __DB>,
        ) -> __nc::QueryResult<()> {
            ::core::unreachable!()
        }
        fn __push_names(_: &mut ::std::vec::Vec<&'static str>) {
            ::core::unreachable!()
        }
        fn __walk_values<'__b>(
            &'__b self,
            _: __nc::AstPass<'_, '__b, __DB>,
        ) -> __nc::QueryResult<()> {
            ::core::unreachable!()
        }
        fn __push_arrays<'__a>(_: &[&'__a Self], _: &mut __nc::ColumnValues<'__a, __DB>) {
            ::core::unreachable!()
        }
    }
}

/// What stands in for the facts.
struct Guess {
    table: TokenStream,
    /// The version's, or one that could be.
    column: TokenStream,
    version: TokenStream,
}

impl Guess {
    fn of(model: &Model) -> Self {
        let columns = || model.fields.iter().filter(|field| field.is_column());
        let field = columns()
            .find(|field| field.version.is_some())
            .or_else(|| columns().find(|field| field.name == "version"))
            .or_else(|| columns().find(|field| is_counter(&field.ty)));
        let version = field.map(|field| without_option(&field.ty));
        let version = version.map_or_else(|| quote!(i64), |version| quote!(#version));
        match field.or_else(|| columns().next()) {
            Some(Field { column, .. }) => {
                let table = &model.table;
                Guess { table: quote!(#table::table), column: quote!(#table::#column), version }
            }
            None => Guess {
                table: quote!(__nc::any_table::table),
                column: quote!(__nc::any_table::id),
                version,
            },
        }
    }
}

/// The key as it is declared, or a number.
fn key_type(model: &Model) -> TokenStream {
    let of_column = |column| model.key_field(column).map(|field| &field.ty);
    let types: Option<Vec<&Type>> = model.primary_key.iter().map(of_column).collect();
    match types.as_deref() {
        None => quote!(i64),
        Some([ty]) => quote!(#ty),
        Some(types) => quote!((#(#types,)*)),
    }
}

/// What Diesel's derives tell of a struct, and cannot tell of anything else.
fn loadable(model: &Model) -> TokenStream {
    let name = &model.name;
    quote! {
        impl<__DB: __nc::Backend> __nc::Selectable<__DB> for #name {
            type SelectExpression = __nc::any_table::id;
            fn construct_selection() -> Self::SelectExpression {
                ::core::unreachable!()
            }
        }
        impl<__DB: __nc::Backend> __nc::Queryable<__nc::BigInt, __DB> for #name
        where
            i64: __nc::FromStaticSqlRow<__nc::BigInt, __DB>,
        {
            type Row = i64;
            fn build(_: Self::Row) -> __nc::deserialize::Result<Self> {
                ::core::unreachable!()
            }
        }
    }
}

/// The generics of a model that borrows nothing.
fn owned_generics(model: &Model) -> Generics {
    let mut generics = model.generics.clone();
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Lifetime(lifetime) => lifetime.bounds.push(parse_quote!('static)),
            GenericParam::Type(ty) => ty.bounds.push(parse_quote!('static)),
            GenericParam::Const(_) => {}
        }
    }
    generics
}

fn with_backend(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics.params.push(parse_quote!(__DB: __nc::Backend));
    generics
}

fn is_counter(ty: &Type) -> bool {
    type_name(ty).is_some_and(|name| name == "i16" || name == "i32" || name == "i64")
}

/// The `T` of an `Option<T>`.
fn without_option(ty: &Type) -> &Type {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Option"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.first()
    {
        return inner;
    }
    ty
}
