//! Reads a struct and its attributes: what is written, without a judgement of what it means.

mod attributes;

use proc_macro2::{Ident, Span};
use quote::format_ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, GenericParam, Generics, Path, Type};

use self::attributes::{Attributes as _, FieldAttributes, StructAttributes};

/// The columns that leases are kept in, where a model says so.
pub(crate) const LOCK_COLUMNS: [&str; 4] =
    ["locked_by", "locked_until", "lock_token", "lock_fence"];

/// A struct with named fields, as it is written; or what is left of one that is none.
pub(crate) struct Model {
    pub(crate) name: Ident,
    /// A model has none; one that is refused for them still has to be named.
    pub(crate) generics: Generics,
    /// Whether Diesel's derives accept it.
    pub(crate) has_fields: bool,
    pub(crate) table: Path,
    /// The columns of the primary key: those named, or `id`.
    pub(crate) primary_key: Vec<Ident>,
    pub(crate) fields: Vec<Field>,
    pub(crate) start_at_clock: Option<Span>,
    /// `trigger`: the database moves the version on.
    pub(crate) by_trigger: Option<Span>,
    /// `lock_columns`: leases on its records are kept in columns of theirs.
    pub(crate) lock_columns: Option<Span>,
    pub(crate) precision: Option<Precision>,
    pub(crate) root: Option<Root>,
}

/// `root(Order, order_id)`: the model belongs to another one's aggregate.
pub(crate) struct Root {
    pub(crate) span: Span,
    /// The model of the root.
    pub(crate) model: Path,
    /// The fields that hold its key.
    pub(crate) fields: Vec<Ident>,
}

pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) column: Ident,
    pub(crate) embed: Option<Span>,
    pub(crate) skip_update: Option<Span>,
    /// `select_expression`: there is no column behind it to be written.
    pub(crate) computed: Option<Span>,
    pub(crate) version: Option<Span>,
    pub(crate) unguarded: Option<Span>,
    /// One of the columns that leases are kept in.
    pub(crate) of_the_lease: bool,
}

pub(crate) struct Precision {
    /// The variant of the library's `Precision`.
    pub(crate) variant: Ident,
    pub(crate) span: Span,
}

/// Reads all that can be read, and adds everything that is wrong with it to `wrong`.
///
/// An error leaves the rest readable, so that each mistake is told once and all of them are told
/// together. `what` is the noun for messages.
pub(crate) fn model(input: &DeriveInput, what: &str, wrong: &mut Vec<Error>) -> Model {
    wrong.extend(generics(&input.generics, what));
    let (fields, wrong_shape) = fields(input, what);
    wrong.extend(wrong_shape);

    let attributes = StructAttributes::read(&input.attrs, wrong);
    Model {
        name: input.ident.clone(),
        generics: input.generics.clone(),
        has_fields: fields.is_some(),
        table: attributes.table.unwrap_or_else(|| inferred_table(&input.ident)),
        // Nobody wrote the default, so an error in it is told at the model.
        primary_key: attributes
            .primary_key
            .unwrap_or_else(|| vec![Ident::new("id", input.ident.span())]),
        fields: fields
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(position, field)| self::field(position, field, wrong))
            .map(|field| Field {
                of_the_lease: attributes.lock_columns.is_some() && field.is_lock_column(),
                ..field
            })
            .collect(),
        start_at_clock: attributes.start_at_clock,
        by_trigger: attributes.by_trigger,
        lock_columns: attributes.lock_columns,
        precision: attributes.precision,
        root: attributes.root,
    }
}

fn generics(generics: &Generics, what: &str) -> Option<Error> {
    let parameter = generics.params.first()?;
    let message = match parameter {
        GenericParam::Lifetime(_) => format!("{what} owns its columns: it has no lifetimes"),
        GenericParam::Type(_) | GenericParam::Const(_) => {
            format!("{what} is a row of one table: it has no type parameters")
        }
    };
    Some(Error::new(parameter.span(), message))
}

/// The fields, if there are any, and why they are not those of a model.
fn fields<'a>(input: &'a DeriveInput, what: &str) -> (Option<&'a Fields>, Option<Error>) {
    let refuse = |span, why: &str| Some(Error::new(span, format!("{what} {why}")));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) => (Some(&data.fields), None),
            Fields::Unnamed(_) => {
                let why = "names its fields: this is a tuple struct";
                (Some(&data.fields), refuse(input.ident.span(), why))
            }
            Fields::Unit => (None, refuse(input.ident.span(), "has fields: this is a unit struct")),
        },
        Data::Enum(data) => {
            let why = "is a struct: an enum is not a row of a table";
            (None, refuse(data.enum_token.span, why))
        }
        Data::Union(data) => {
            let why = "is a struct: a union is not a row of a table";
            (None, refuse(data.union_token.span, why))
        }
    }
}

fn field(position: usize, field: &syn::Field, wrong: &mut Vec<Error>) -> Field {
    let name = match &field.ident {
        Some(name) => name.clone(),
        None => format_ident!("_{position}"),
    };
    let attributes = FieldAttributes::read(&field.attrs, wrong);
    Field {
        column: attributes.column.unwrap_or_else(|| name.clone()),
        name,
        ty: field.ty.clone(),
        embed: attributes.embed,
        skip_update: attributes.skip_update,
        computed: attributes.computed,
        version: attributes.version,
        unguarded: attributes.unguarded,
        of_the_lease: false,
    }
}

impl Model {
    /// The field that stands for a column of the key.
    pub(crate) fn key_field(&self, column: &Ident) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_column_called(column))
    }
}

impl Field {
    /// Whether one column stands behind the field.
    pub(crate) fn is_column(&self) -> bool {
        self.embed.is_none() && self.computed.is_none()
    }

    pub(crate) fn is_column_called(&self, column: &Ident) -> bool {
        self.is_column() && self.column.unraw() == column.unraw()
    }

    /// Whether its column is called like one of those that leases are kept in.
    pub(crate) fn is_lock_column(&self) -> bool {
        LOCK_COLUMNS.iter().any(|column| self.is_column() && self.column.unraw() == column)
    }

    /// Whether a save writes the field, as far as its attributes tell.
    pub(crate) fn is_written(&self) -> bool {
        self.unguarded.is_none()
            && self.skip_update.is_none()
            && self.computed.is_none()
            && !self.of_the_lease
    }
}

/// The table's name as Diesel infers it: snake case, with an `s` behind it.
fn inferred_table(model: &Ident) -> Path {
    let mut table = String::new();
    for (position, character) in model.unraw().to_string().chars().enumerate() {
        if character.is_uppercase() && position > 0 {
            table.push('_');
        }
        table.extend(character.to_lowercase());
    }
    table.push('s');
    Path::from(Ident::new(&table, model.span()))
}
