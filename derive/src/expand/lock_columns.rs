//! Leases that are kept in columns of the record: that they are, and that the columns are there for it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::parse::Model;

/// `impl LockColumns`, where the model says so.
pub(super) fn lock_columns(model: &Model) -> TokenStream {
    let Some(span) = model.lock_columns else { return TokenStream::new() };
    let (name, table) = (&model.name, &model.table);
    let columns = quote_spanned! {span=>
        __nc::checks::lock_columns::<
            __nc::SqlTypeOf<#table::locked_by>,
            __nc::SqlTypeOf<#table::locked_until>,
            __nc::SqlTypeOf<#table::lock_token>,
            __nc::SqlTypeOf<#table::lock_fence>,
        >()
    };
    let parts = model.fields.iter().filter(|field| field.embed.is_some()).map(|field| {
        let ty = &field.ty;
        quote_spanned! {span=>
            __nc::checks::part_leaves_lock_columns_alone(<#ty as __nc::Part>::WRITES_LOCK_COLUMNS)
        }
    });
    quote! {
        #[automatically_derived]
        impl __nc::LockColumns for #name {}
        const _: () = #columns;
        #(const _: () = #parts;)*
    }
}

/// `impl Part`: whether a save of the whole writes one of these columns through this part.
pub(super) fn of_a_part(part: &Model) -> TokenStream {
    let name = &part.name;
    let (parameters, arguments, bounds) = part.generics.split_for_impl();
    let own = part.fields.iter().any(|field| field.is_written() && field.is_lock_column());
    let parts = part.fields.iter().filter(|field| field.embed.is_some() && field.is_written());
    let parts = parts.map(|field| &field.ty);
    quote! {
        #[automatically_derived]
        impl #parameters __nc::Part for #name #arguments #bounds {
            const WRITES_LOCK_COLUMNS: bool =
                #own #(|| <#parts as __nc::Part>::WRITES_LOCK_COLUMNS)*;
        }
    }
}
