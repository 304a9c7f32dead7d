//! The columns that a save writes, of a model and of a part.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{checks, lock_columns, sql_type};
use crate::parse::{Field, Model};

/// What an embedded part says of itself.
pub(crate) fn columns(part: &Model) -> TokenStream {
    let name = &part.name;
    // Told apart from the derive, or the compiler would advise to implement the trait by hand.
    let columns = quote_spanned!(name.span()=> __nc::Columns<__DB>);
    let written: Vec<_> = part.fields.iter().filter(|field| field.is_written()).collect();
    let walk = walk_columns(part, &written);
    let bounds = column_bounds(part, &written);
    let of_a_part = lock_columns::of_a_part(part);
    let checks = checks::part(part);
    quote! {
        #[allow(unused_qualifications, reason = "the model's scope may have some names as well")]
        const _: () = {
            use ::noclobber::__private as __nc;
            #[automatically_derived]
            impl<__DB: __nc::Backend> #columns for #name
            where
                #(#bounds,)*
            {
                #walk
            }
            #of_a_part
            #checks
        };
    }
}

/// `fn __walk_columns`: `"a" = ?, "b" = ?, `.
pub(super) fn walk_columns(model: &Model, written: &[&Field]) -> TokenStream {
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
pub(super) fn column_bounds(model: &Model, written: &[&Field]) -> Vec<TokenStream> {
    let bound = |field: &&Field| {
        if field.embed.is_some() {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> #ty: __nc::Columns<__DB>)
        } else {
            bind_bound(model, field)
        }
    };
    written.iter().map(bound).collect()
}

pub(super) fn bind_bound(model: &Model, field: &Field) -> TokenStream {
    let ty = &field.ty;
    let sql_type = sql_type(model, field);
    quote_spanned!(ty.span()=> #ty: __nc::Bind<#sql_type, __DB>)
}

/// `"column" = ?`
pub(super) fn bind_equals(model: &Model, field: &Field, value: &TokenStream) -> TokenStream {
    let push = push_column(model, field);
    let sql_type = sql_type(model, field);
    quote! {
        #push
        out.push_sql(" = ");
        __nc::Bind::<#sql_type, __DB>::__bind(#value, out.reborrow())?;
    }
}

pub(super) fn push_column(model: &Model, field: &Field) -> TokenStream {
    let (table, column) = (&model.table, &field.column);
    quote!(out.push_identifier(<#table::#column as __nc::Column>::NAME)?;)
}
