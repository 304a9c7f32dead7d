//! Reads the attributes `#[diesel(…)]` and `#[versioned(…)]`.
//!
//! What cannot be read ends the attribute it stands in. What can be read and is refused is told, and
//! the reading goes on: the rest of the attribute is none the worse for it.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::discouraged::Speculative;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, LitBool, LitStr, Path, Result, Token, Type};

use super::{Precision, Root};

type Wrong = Vec<Error>;

/// The attributes of one thing, Diesel's and ours.
pub(super) trait Attributes: Default {
    /// Takes one entry of `#[diesel(…)]`.
    fn diesel(&mut self, meta: &ParseNestedMeta<'_>, wrong: &mut Wrong) -> Result<()>;

    /// Takes one entry of `#[versioned(…)]`.
    fn versioned(&mut self, meta: &ParseNestedMeta<'_>, wrong: &mut Wrong) -> Result<()>;

    fn read(attributes: &[Attribute], wrong: &mut Wrong) -> Self {
        let mut read = Self::default();
        for attribute in attributes {
            let result = if attribute.path().is_ident("diesel") {
                attribute.parse_nested_meta(|meta| read.diesel(&meta, wrong))
            } else if attribute.path().is_ident("versioned") {
                attribute.parse_nested_meta(|meta| read.versioned(&meta, wrong))
            } else {
                Ok(())
            };
            wrong.extend(result.err());
        }
        read
    }
}

#[derive(Default)]
pub(super) struct StructAttributes {
    pub(super) table: Option<Path>,
    pub(super) primary_key: Option<Vec<Ident>>,
    pub(super) start_at_clock: Option<Span>,
    pub(super) by_trigger: Option<Span>,
    pub(super) lock_columns: Option<Span>,
    pub(super) precision: Option<Precision>,
    pub(super) root: Option<Root>,
}

impl Attributes for StructAttributes {
    fn diesel(&mut self, meta: &ParseNestedMeta<'_>, wrong: &mut Wrong) -> Result<()> {
        if meta.path.is_ident("table_name") {
            self.table = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("primary_key") {
            let columns;
            syn::parenthesized!(columns in meta.input);
            let columns = Punctuated::<_, Token![,]>::parse_terminated_with(&columns, |column| {
                column.call(Ident::parse_any)
            })?;
            if columns.is_empty() {
                wrong.push(meta.error("a key has at least one column"));
            } else {
                self.primary_key = Some(columns.into_iter().collect());
            }
        } else if meta.path.is_ident("treat_none_as_null") {
            none_is_null(meta, wrong)?;
        } else {
            skip(meta)?;
        }
        Ok(())
    }

    fn versioned(&mut self, meta: &ParseNestedMeta<'_>, wrong: &mut Wrong) -> Result<()> {
        if meta.path.is_ident("start") {
            let start: Ident = meta.value()?.parse()?;
            if start == "clock" {
                self.start_at_clock = Some(start.span());
            } else {
                wrong.push(Error::new(start.span(), "a version starts at `clock`, or by itself"));
            }
        } else if meta.path.is_ident("trigger") {
            self.by_trigger = Some(meta.path.span());
        } else if meta.path.is_ident("lock_columns") {
            self.lock_columns = Some(meta.path.span());
        } else if meta.path.is_ident("root") {
            let root = root(meta)?;
            match &self.root {
                None => self.root = Some(root),
                Some(_) => wrong.push(Error::new(root.span, "a child has one root")),
            }
        } else if meta.path.is_ident("precision") {
            let unit: Ident = meta.value()?.parse()?;
            match Precision::of(&unit) {
                Some(precision) => self.precision = Some(precision),
                None => wrong.push(Error::new(unit.span(), "a precision is `s`, `ms` or `us`")),
            }
        } else {
            let of_a_field = meta.path.is_ident("version") || meta.path.is_ident("unguarded");
            wrong.push(meta.error(if of_a_field {
                "this attribute belongs to a field"
            } else {
                "unknown attribute: a struct knows `start = clock`, `precision = …`, `trigger`, \
                 `lock_columns` and `root(…)`"
            }));
            skip(meta)?;
        }
        Ok(())
    }
}

/// `(Order, order_id)`, or `(Order, (tenant, order_id))`.
fn root(meta: &ParseNestedMeta<'_>) -> Result<Root> {
    const WANTED: &str = "a root is named by its model and the field that holds its key: \
                          `root(Order, order_id)`; of a key with several columns by all of them: \
                          `root(Order, (tenant, order_id))`";
    let span = meta.path.span();
    let told = |_| Error::new(span, WANTED);
    let parse = || -> Result<Root> {
        let content;
        syn::parenthesized!(content in meta.input);
        let model = content.parse()?;
        content.parse::<Token![,]>()?;
        let fields = if content.peek(syn::token::Paren) {
            let fields;
            syn::parenthesized!(fields in content);
            Punctuated::<Ident, Token![,]>::parse_terminated(&fields)?.into_iter().collect()
        } else {
            vec![content.parse()?]
        };
        content.parse::<Option<Token![,]>>()?;
        if fields.is_empty() || !content.is_empty() {
            return Err(meta.error(WANTED));
        }
        Ok(Root { span, model, fields })
    };
    parse().map_err(told)
}

impl Precision {
    fn of(unit: &Ident) -> Option<Self> {
        let span = unit.span();
        let variant = match unit.to_string().as_str() {
            "s" => "Seconds",
            "ms" => "Milliseconds",
            "us" => "Microseconds",
            _ => return None,
        };
        Some(Precision { variant: Ident::new(variant, span), span })
    }
}

#[derive(Default)]
pub(super) struct FieldAttributes {
    pub(super) column: Option<Ident>,
    pub(super) embed: Option<Span>,
    pub(super) skip_update: Option<Span>,
    pub(super) computed: Option<Span>,
    pub(super) version: Option<Span>,
    pub(super) unguarded: Option<Span>,
}

impl Attributes for FieldAttributes {
    fn diesel(&mut self, meta: &ParseNestedMeta<'_>, wrong: &mut Wrong) -> Result<()> {
        if meta.path.is_ident("column_name") {
            self.column = Some(column(meta)?);
        } else if meta.path.is_ident("embed") {
            self.embed = Some(meta.path.span());
        } else if meta.path.is_ident("skip_update") {
            self.skip_update = Some(meta.path.span());
        } else if meta.path.is_ident("treat_none_as_null") {
            none_is_null(meta, wrong)?;
        } else {
            if meta.path.is_ident("select_expression") {
                self.computed = Some(meta.path.span());
            } else if meta.path.is_ident("serialize_as") {
                wrong.push(meta.error(
                    "`serialize_as` makes a value that does not live as long as the statement: \
                     give the field a newtype that implements `ToSql` instead",
                ));
            }
            skip(meta)?;
        }
        Ok(())
    }

    fn versioned(&mut self, meta: &ParseNestedMeta<'_>, wrong: &mut Wrong) -> Result<()> {
        if meta.path.is_ident("version") {
            self.version = Some(meta.path.span());
        } else if meta.path.is_ident("unguarded") {
            self.unguarded = Some(meta.path.span());
        } else {
            let of_the_struct = ["start", "precision", "trigger", "lock_columns", "root"]
                .iter()
                .any(|attribute| meta.path.is_ident(attribute));
            wrong.push(meta.error(if of_the_struct {
                "this attribute belongs to the struct"
            } else {
                "unknown attribute: a field knows `version` and `unguarded`"
            }));
            skip(meta)?;
        }
        Ok(())
    }
}

/// `= name`, or `= "name"` as older code writes it.
fn column(meta: &ParseNestedMeta<'_>) -> Result<Ident> {
    let value = meta.value()?;
    let column = if value.peek(LitStr) {
        value.parse::<LitStr>()?.parse_with(Ident::parse_any)?
    } else {
        value.call(Ident::parse_any)?
    };
    // A column may be called like a keyword; in a path it is then a raw identifier.
    let is_plain = syn::parse_str::<Ident>(&column.to_string()).is_ok();
    Ok(if is_plain { column } else { Ident::new_raw(&column.to_string(), column.span()) })
}

/// A save writes whole rows, so a `None` is always a NULL.
fn none_is_null(meta: &ParseNestedMeta<'_>, wrong: &mut Wrong) -> Result<()> {
    let value: LitBool = meta.value()?.parse()?;
    if !value.value {
        wrong.push(Error::new(
            value.span(),
            "a save writes `None` as NULL: a column that keeps its old value would be a lost \
             update; to write only some columns use `patch`",
        ));
    }
    Ok(())
}

/// Passes over the value of an attribute, whatever it is.
fn skip(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    } else if meta.input.peek(Token![=]) {
        let value = meta.value()?;
        // A value is a type or an expression; both may hold commas.
        let as_type = value.fork();
        if as_type.parse::<Type>().is_ok() && (as_type.is_empty() || as_type.peek(Token![,])) {
            value.advance_to(&as_type);
        } else {
            value.parse::<Expr>()?;
        }
    }
    Ok(())
}
