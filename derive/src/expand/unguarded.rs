//! The columns that `increment` may change.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Generics;

use crate::parse::Model;

pub(super) fn unguarded(model: &Model, generics: &Generics) -> TokenStream {
    let (name, table) = (&model.name, &model.table);
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let columns = model
        .fields
        .iter()
        .filter(|field| field.unguarded.is_some() && field.is_column())
        .map(|field| &field.column);
    quote! {
        #(
            #[automatically_derived]
            impl #parameters __nc::Unguarded<#name #arguments> for #table::#columns #bounds {}
        )*
    }
}
