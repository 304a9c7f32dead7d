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
    let columns_of_part = columns_of(part, &written);
    let has_arrays = has_arrays(part, &written);
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
                #has_arrays
                #columns_of_part
            }
            #of_a_part
            #checks
        };
    }
}

/// What a model and a part alike say of the columns that a save writes.
pub(super) fn columns_of(model: &Model, written: &[&Field]) -> TokenStream {
    let walk_columns = walk_columns(model, written);
    let push_names = push_names(model, written);
    let walk_values = walk_values(model, written);
    let push_arrays = push_arrays(model, written);
    quote!(#walk_columns #push_names #walk_values #push_arrays)
}

/// `fn __push_names`: `"a"`, `"b"`.
fn push_names(model: &Model, written: &[&Field]) -> TokenStream {
    let pushes = written.iter().map(|field| {
        if field.embed.is_some() {
            let ty = &field.ty;
            quote!(<#ty as __nc::Columns<__DB>>::__push_names(names);)
        } else {
            let name = column_name(model, field);
            quote!(names.push(#name);)
        }
    });
    let names = if written.is_empty() { quote!(_) } else { quote!(names) };
    quote! {
        fn __push_names(#names: &mut ::std::vec::Vec<&'static str>) {
            #(#pushes)*
        }
    }
}

/// `fn __walk_values`: `?, ?, `.
fn walk_values(model: &Model, written: &[&Field]) -> TokenStream {
    let walks = written.iter().map(|field| {
        let name = &field.name;
        if field.embed.is_some() {
            quote!(__nc::Columns::__walk_values(&self.#name, out.reborrow())?;)
        } else {
            let bind = bind_value(model, field, &quote!(&self.#name));
            quote!(#bind out.push_sql(", ");)
        }
    });
    let out = if written.is_empty() { quote!(_) } else { quote!(mut out) };
    quote! {
        fn __walk_values<'__b>(
            &'__b self,
            #out: __nc::AstPass<'_, '__b, __DB>,
        ) -> __nc::QueryResult<()> {
            #(#walks)*
            ::core::result::Result::Ok(())
        }
    }
}

/// `fn __push_arrays`: the values of each column for many models.
fn push_arrays(model: &Model, written: &[&Field]) -> TokenStream {
    let pushes = written.iter().map(|field| {
        let name = &field.name;
        if field.embed.is_some() {
            quote! {
                let parts: ::std::vec::Vec<_> = models.iter().map(|model| &model.#name).collect();
                __nc::Columns::__push_arrays(&parts, arrays);
            }
        } else {
            push_array(model, field)
        }
    });
    let (models, arrays) =
        if written.is_empty() { (quote!(_), quote!(_)) } else { (quote!(models), quote!(arrays)) };
    quote! {
        fn __push_arrays<'__a>(
            #models: &[&'__a Self],
            #arrays: &mut __nc::ColumnValues<'__a, __DB>,
        ) {
            #(#pushes)*
        }
    }
}

/// The values of one field for `models`.
pub(super) fn push_array(model: &Model, field: &Field) -> TokenStream {
    let name = &field.name;
    let sql_type = sql_type(model, field);
    quote!(arrays.push::<#sql_type, _>(models.iter().map(|model| &model.#name));)
}

/// `const HAS_ARRAYS`: whether one of these columns is an array.
pub(super) fn has_arrays(model: &Model, written: &[&Field]) -> TokenStream {
    let questions = written.iter().map(|field| {
        if field.embed.is_some() {
            let ty = &field.ty;
            quote!(<#ty as __nc::Columns<__DB>>::HAS_ARRAYS)
        } else {
            let sql_type = sql_type(model, field);
            quote!(<__nc::Probe<#sql_type>>::IS_ARRAY)
        }
    });
    quote! {
        const HAS_ARRAYS: bool = {
            #[allow(unused_imports, reason = "every column may be an array")]
            use __nc::NoArray as _;
            false #(|| #questions)*
        };
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
    let bind = bind_value(model, field, value);
    quote! {
        #push
        out.push_sql(" = ");
        #bind
    }
}

/// `?`
pub(super) fn bind_value(model: &Model, field: &Field, value: &TokenStream) -> TokenStream {
    let sql_type = sql_type(model, field);
    quote!(__nc::Bind::<#sql_type, __DB>::__bind(#value, out.reborrow())?;)
}

/// The column's name in the database.
pub(super) fn column_name(model: &Model, field: &Field) -> TokenStream {
    let (table, column) = (&model.table, &field.column);
    quote!(<#table::#column as __nc::Column>::NAME)
}

pub(super) fn push_column(model: &Model, field: &Field) -> TokenStream {
    let name = column_name(model, field);
    quote!(out.push_identifier(#name)?;)
}
