//! Decides whether a struct makes sense as a versioned model, and what it means.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{Error, Path, Result, Type};

use crate::parse::{Field, Model};

/// What a model means: its fields by the part they play.
pub(crate) struct Facts<'a> {
    /// In the order in which `primary_key` names them.
    pub(crate) key: Vec<&'a Field>,
    pub(crate) version: &'a Field,
    pub(crate) root: Option<RootFacts<'a>>,
}

/// The root of a child.
pub(crate) struct RootFacts<'a> {
    pub(crate) model: &'a Path,
    /// What holds its key, in the order of the key.
    pub(crate) fields: Vec<&'a Field>,
}

impl Facts<'_> {
    /// Whether the field is one of those that hold the key of the root.
    pub(crate) fn is_of_the_root(&self, field: &Field) -> bool {
        self.root.iter().flat_map(|root| &root.fields).any(|of_root| of_root.name == field.name)
    }
}

pub(crate) fn versioned(model: &Model) -> Result<Facts<'_>> {
    let version = version(model)?;
    let key = key(model, version)?;
    for field in key.iter().copied().chain([version]) {
        if let Some(unguarded) = field.unguarded {
            return Err(Error::new(
                unguarded,
                "the key and the version are what guards a record: they cannot be unguarded",
            ));
        }
    }
    start(model, version)?;
    precision(model, version)?;
    one_field_per_column(model)?;
    lock_columns(model)?;
    let root = root(model, version)?;
    Ok(Facts { key, version, root })
}

/// A part has no key and no version of its own.
pub(crate) fn part(part: &Model) -> Result<()> {
    let named = part.fields.iter().find(|field| field.is_written() && field.name == "version");
    let named = named.map(|field| field.name.span());
    if let Some(span) = part.fields.iter().find_map(|field| field.version).or(named) {
        return Err(Error::new(
            span,
            "the version is a field of the model itself, not of a part that is embedded in it",
        ));
    }
    let precision = part.precision.as_ref().map(|precision| precision.span);
    let root = part.root.as_ref().map(|root| root.span);
    let of_the_model = part.start_at_clock.or(part.by_trigger).or(part.lock_columns).or(root);
    if let Some(span) = of_the_model.or(precision) {
        return Err(Error::new(span, "this attribute belongs to the model with the version"));
    }
    one_field_per_column(part)
}

/// The field that is marked as the version, or else the one that is called so.
fn version(model: &Model) -> Result<&Field> {
    let mut marked = model.fields.iter().filter_map(|field| Some((field, field.version?)));
    let version = match (marked.next(), marked.next()) {
        (Some((version, _)), None) => version,
        (Some(_), Some((_, second))) => {
            return Err(Error::new(second, "a model has one version, and this is the second one"));
        }
        (None, _) => {
            let named = model.fields.iter().find(|field| field.name == "version");
            named.ok_or_else(|| {
                Error::new(
                    model.name.span(),
                    "a versioned model needs a version: a field called `version`, or one marked \
                     `#[versioned(version)]`",
                )
            })?
        }
    };
    if let Some(option) = type_name(&version.ty).filter(|name| *name == "Option") {
        return Err(Error::new(
            option.span(),
            "a version is never missing: NULL would guard nothing, so make the column NOT NULL",
        ));
    }
    if let Some(not_written) = version.embed.or(version.computed).or(version.skip_update) {
        return Err(Error::new(
            not_written,
            "the version is a column of its own, which every save writes",
        ));
    }
    Ok(version)
}

/// The fields of the key, in the order in which the columns are named.
fn key<'a>(model: &'a Model, version: &Field) -> Result<Vec<&'a Field>> {
    let of_column = |column: &Ident| {
        let Some(field) = model.key_field(column) else {
            if let Some(computed) = computed(model, column) {
                let message = "the key is a column of its own, which the record is found by";
                return Err(Error::new(computed, message));
            }
            let message = format!(
                "a versioned model knows its key, and no field stands for the column `{column}`; \
                 another key is declared by `#[diesel(primary_key(…))]`"
            );
            return Err(Error::new(column.span(), message));
        };
        if field.name == version.name {
            let message = "the version is not part of the key: a key stays, a version moves on";
            return Err(Error::new(column.span(), message));
        }
        Ok(field)
    };
    model.primary_key.iter().map(of_column).collect()
}

/// The attribute by which a field that is called like a column is none.
fn computed(model: &Model, column: &Ident) -> Option<Span> {
    let field = model.fields.iter().find(|field| field.name.unraw() == column.unraw())?;
    field.computed.or(field.embed)
}

/// The types whose names are certain are told here, on the token; the others by a trait bound.
fn start(model: &Model, version: &Field) -> Result<()> {
    let too_small = ["i16", "i32", "NaiveDateTime", "DateTime", "UuidVersion"];
    match (model.start_at_clock, type_name(&version.ty)) {
        (Some(clock), Some(name)) if too_small.iter().any(|small| name == small) => {
            Err(Error::new(
                clock,
                format!(
                    "`start = clock` needs a version of type `i64`, for microseconds since 1970; \
                     this one is `{name}`"
                ),
            ))
        }
        _ => Ok(()),
    }
}

fn precision(model: &Model, version: &Field) -> Result<()> {
    let without_time = ["i16", "i32", "i64", "UuidVersion"];
    match (&model.precision, type_name(&version.ty)) {
        (Some(precision), Some(name)) if without_time.iter().any(|other| name == other) => {
            Err(Error::new(
                precision.span,
                format!("only a timestamp has a precision; this version is `{name}`"),
            ))
        }
        _ => Ok(()),
    }
}

/// A column that two fields write would keep the value of one and lose that of the other.
fn one_field_per_column(model: &Model) -> Result<()> {
    let mut writers: Vec<&Field> = Vec::new();
    let is_writer = |field: &&Field| {
        field.is_column() && (field.skip_update.is_none() || field.unguarded.is_some())
    };
    for field in model.fields.iter().filter(is_writer) {
        if let Some(first) = writers.iter().find(|writer| writer.is_column_called(&field.column)) {
            let (column, first) = (field.column.unraw(), &first.name);
            let message = format!(
                "the column `{column}` belongs to the field `{first}` already: a second field can \
                 only read it, so mark one of them `#[diesel(skip_update)]`"
            );
            return Err(Error::new(field.column.span(), message));
        }
        writers.push(field);
    }
    Ok(())
}

/// Who holds a record and until when may be read; what proves it is the holder's secret.
fn lock_columns(model: &Model) -> Result<()> {
    let Some(lock_columns) = model.lock_columns else { return Ok(()) };
    if model.by_trigger.is_some() {
        return Err(Error::new(
            lock_columns,
            "a trigger that moves the version on at each UPDATE does so when a record is locked: keep \
             the leases of this model in the table `locks`",
        ));
    }
    for field in model.fields.iter().filter(|field| field.of_the_lease) {
        let column = field.column.unraw();
        let why = if column == "lock_token" {
            "`lock_token` is the secret of who holds the lease: no field reads it"
        } else if column == "lock_fence" {
            "`lock_fence` belongs to the lease, which tells it by `fence()`: no field reads it"
        } else {
            continue;
        };
        return Err(Error::new(field.column.span(), why));
    }
    Ok(())
}

/// The fields that hold the root's key.
fn root<'a>(model: &'a Model, version: &Field) -> Result<Option<RootFacts<'a>>> {
    let Some(root) = &model.root else { return Ok(None) };
    if model.lock_columns.is_some() {
        return Err(Error::new(
            root.span,
            "a guarded write under a lease in columns is one statement, and cannot move the root's \
             version on: keep the leases of this model in the table `locks`",
        ));
    }
    let of_name = |name: &Ident| {
        let field = model.fields.iter().find(|field| field.name.unraw() == name.unraw());
        let field = field.ok_or_else(|| {
            let message = format!(
                "there is no field `{name}`: `root(…)` names the model of the root, and the field that \
                 holds the root's key"
            );
            Error::new(name.span(), message)
        })?;
        if field.name == version.name {
            let message =
                "the version moves on with every write: it does not hold the key of a root";
            return Err(Error::new(name.span(), message));
        }
        if let Some(span) = field.embed.or(field.computed) {
            let message =
                "the key of the root stands in a column of its own, which every write compares";
            return Err(Error::new(span, message));
        }
        if let Some(unguarded) = field.unguarded {
            let message = "every write compares the key of the root: it cannot be unguarded";
            return Err(Error::new(unguarded, message));
        }
        if let Some(option) = type_name(&field.ty).filter(|name| *name == "Option") {
            let message = "a child always has a root: make the column NOT NULL; where it may have none, \
                           do without `root(…)`";
            return Err(Error::new(option.span(), message));
        }
        Ok(field)
    };
    let fields = root.fields.iter().map(of_name).collect::<Result<_>>()?;
    Ok(Some(RootFacts { model: &root.model, fields }))
}

/// The last name of a type's path: `Option` of `std::option::Option<i64>`.
pub(crate) fn type_name(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        // A type that went through a macro.
        Type::Group(group) => type_name(&group.elem),
        _ => None,
    }
}
