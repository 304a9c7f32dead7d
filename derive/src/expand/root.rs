//! The root of the aggregate that a model belongs to, or that it is its own.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::columns::{bind_equals, bind_value, column_name};
use crate::check::{Facts, RootFacts};
use crate::parse::{Field, Model};

/// In `impl Versioned`.
pub(super) fn facts(facts: &Facts<'_>) -> TokenStream {
    let Some(root) = &facts.root else {
        return quote!(
            type Root = Self;
        );
    };
    let (model, into_key) = (root.model, into_key(root));
    quote! {
        type Root = #model;
        const HAS_ROOT: bool = true;

        #[inline]
        fn __root_key(&self) -> ::core::option::Option<__nc::RootKey<Self>> {
            ::core::option::Option::Some(#into_key)
        }
    }
}

/// In `impl VersionedOn<DB>`.
pub(super) fn on_a_database(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let Some(root) = &facts.root else {
        return quote!(
            type RootOn = Self;
        );
    };
    let (root_model, ty) = (root.model, key_type(root));
    let binds = match root.fields.as_slice() {
        [field] => bind_equals(model, field, &quote!(__key)),
        fields => {
            let binds = fields.iter().enumerate().map(|(position, field)| {
                let between = (position > 0).then(|| quote!(out.push_sql(between);));
                let position = syn::Index::from(position);
                let bind = bind_equals(model, field, &quote!(&__key.#position));
                quote!(#between #bind)
            });
            quote!(#(#binds)*)
        }
    };
    let beside_key: Vec<_> = root.fields.iter().filter(|field| !is_of_key(field, facts)).collect();
    let names = beside_key.iter().map(|field| column_name(model, field));
    let values = beside_key.iter().map(|field| {
        let name = &field.name;
        let bind = bind_value(model, field, &quote!(&self.#name));
        quote!(#bind out.push_sql(", ");)
    });
    quote! {
        type RootOn = #root_model;

        #[allow(unused_variables, reason = "all of it may be part of the model's key")]
        fn __push_root_names(names: &mut ::std::vec::Vec<&'static str>) {
            #(names.push(#names);)*
        }

        #[allow(unused_variables, unused_mut, reason = "all of it may be part of the model's key")]
        fn __walk_root_values<'__b>(
            &'__b self,
            mut out: __nc::AstPass<'_, '__b, __DB>,
        ) -> __nc::QueryResult<()> {
            #(#values)*
            ::core::result::Result::Ok(())
        }

        #[allow(unused_variables, reason = "one column has nothing between it and another")]
        fn __walk_root<'__b>(
            root: &'__b __nc::RootKey<Self>,
            between: &'static str,
            mut out: __nc::AstPass<'_, '__b, __DB>,
        ) -> __nc::QueryResult<()> {
            let __key = <#ty as __nc::KeyOf<#root_model>>::__as_key(root);
            #binds
            ::core::result::Result::Ok(())
        }
    }
}

fn is_of_key(field: &Field, facts: &Facts<'_>) -> bool {
    facts.key.iter().any(|part| part.name == field.name)
}

/// What a database has to know for it.
pub(super) fn bound(facts: &Facts<'_>) -> Option<TokenStream> {
    let model = facts.root.as_ref()?.model;
    Some(quote_spanned!(model.span()=> #model: __nc::VersionedOn<__DB>))
}

/// `impl OwnRoot`, or `impl Child`.
pub(super) fn of_a_model(model: &Model, facts: &Facts<'_>) -> TokenStream {
    let (name, table) = (&model.name, &model.table);
    let Some(root) = &facts.root else {
        return quote! {
            #[automatically_derived]
            impl __nc::OwnRoot for #name {}
        };
    };
    let (root_model, ty, into_key) = (root.model, key_type(root), into_key(root));
    let has_no_root = quote_spanned! {root_model.span()=>
        __nc::checks::root_has_no_root::<#root_model>()
    };
    let types = root.fields.iter().map(|field| &field.ty);
    let columns: Vec<_> = root.fields.iter().map(|field| &field.column).collect();
    let fields = root.fields.iter().map(|field| &field.name);
    let values: Vec<_> = match root.fields.as_slice() {
        [_] => vec![quote!(__key)],
        fields => (0..fields.len()).map(syn::Index::from).map(|at| quote!(__key.#at)).collect(),
    };
    quote! {
        #[automatically_derived]
        impl __nc::Child for #name {
            type ForeignKey = (#(__nc::Eq<#table::#columns, #types>,)*);

            #[inline]
            fn root_key(&self) -> __nc::RootKey<Self> {
                #into_key
            }

            fn __set_root_key(&mut self, root: __nc::RootKey<Self>) {
                let __key = <#ty as __nc::KeyOf<#root_model>>::__of_key(root);
                #(self.#fields = #values;)*
            }

            fn __foreign_key(root: __nc::RootKey<Self>) -> Self::ForeignKey {
                let __key = <#ty as __nc::KeyOf<#root_model>>::__of_key(root);
                (#(__nc::ExpressionMethods::eq(#table::#columns, #values),)*)
            }
        }
        const _: () = #has_no_root;
    }
}

/// The root's key, out of the fields of `self`.
fn into_key(root: &RootFacts<'_>) -> TokenStream {
    let (model, ty) = (root.model, key_type(root));
    let fields = root.fields.iter().map(|field| &field.name);
    let key = match root.fields.as_slice() {
        [field] => {
            let field = &field.name;
            quote!(::core::clone::Clone::clone(&self.#field))
        }
        _ => quote!((#(::core::clone::Clone::clone(&self.#fields),)*)),
    };
    let span = ty.span();
    quote_spanned!(span=> <#ty as __nc::KeyOf<#model>>::__into_key(#key))
}

/// The type of the fields together.
fn key_type(root: &RootFacts<'_>) -> TokenStream {
    match root.fields.as_slice() {
        [field] => field.ty.to_token_stream(),
        fields => {
            let types = fields.iter().map(|field| &field.ty);
            quote!((#(#types,)*))
        }
    }
}
