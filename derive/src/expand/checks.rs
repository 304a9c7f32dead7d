//! Code that is never run, and that does not compile when a field does not fit its column: the
//! mistake is then told at the field, and not at the first save.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::sql_type;
use crate::check::Facts;
use crate::parse::{Field, Model};

pub(super) fn model(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let name = &model.name;
    let columns = part(model);
    let sql_type = sql_type(model, facts.version);
    let span = facts.version.ty.span();
    let not_null = quote_spanned!(span=> __nc::checks::version_is_not_null::<#sql_type>());
    let selectable = quote_spanned! {name.span()=>
        __nc::checks::model_is_selectable::<#name, __DB>
    };
    quote! {
        #columns
        const _: () = #not_null;
        #[allow(dead_code, reason = "compiled only to be checked")]
        const fn __check_selection<__DB: __nc::Backend>() {
            #selectable()
        }
    }
}

pub(super) fn part(part: &Model) -> TokenStream {
    let written = part.fields.iter().filter(|field| field.is_column() && field.is_written());
    let checks = written.map(|field| {
        let Field { ty, .. } = field;
        let sql_type = sql_type(part, field);
        let fits = quote_spanned!(ty.span()=> __nc::checks::field_fits_column::<#ty, #sql_type>());
        quote!(const _: () = #fits;)
    });
    quote!(#(#checks)*)
}
