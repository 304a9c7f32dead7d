//! What cargo knows about this workspace.

use std::{env, path::PathBuf};

use serde_json::Value;

use crate::{Outcome, cargo::cargo};

/// The package whose features are built one by one.
const LIBRARY: &str = "noclobber";

/// This workspace, as cargo sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo builds, which the environment or a configuration may have moved.
    pub(crate) target: PathBuf,
    /// The features of the library, `default` left out: it only names others.
    pub(crate) features: Vec<String>,
}

impl Workspace {
    pub(crate) fn read() -> Outcome<Self> {
        let mut command = cargo("metadata --no-deps --format-version 1");
        if let Some(directory) = env::var_os("CARGO_MANIFEST_DIR") {
            // So that the task may be started from outside the workspace.
            command.arg("--manifest-path").arg(PathBuf::from(directory).join("Cargo.toml"));
        }
        let output = command
            .output()
            .map_err(|error| format!("Install cargo; it could not be started: {error}."))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Self::parse(&output.stdout).ok_or_else(|| {
            format!("`cargo metadata` tells no root, target or package `{LIBRARY}`; update cargo.")
        })
    }

    fn parse(metadata: &[u8]) -> Option<Self> {
        let metadata: Value = serde_json::from_slice(metadata).ok()?;
        let library =
            metadata["packages"].as_array()?.iter().find(|package| package["name"] == LIBRARY)?;
        Some(Self {
            root: metadata["workspace_root"].as_str()?.into(),
            target: metadata["target_directory"].as_str()?.into(),
            features: library["features"]
                .as_object()?
                .keys()
                .filter(|feature| *feature != "default")
                .cloned()
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Workspace;

    #[test]
    fn the_features_are_those_of_the_library() {
        let metadata = br#"{
            "packages": [
                { "name": "bench", "features": { "floor": [] } },
                { "name": "noclobber",
                  "features": { "default": [], "sqlite": ["diesel/sqlite"], "uuid": ["dep:uuid"] } }
            ],
            "workspace_root": "/code",
            "target_directory": "/elsewhere/target"
        }"#;
        assert_eq!(
            Workspace::parse(metadata),
            Some(Workspace {
                root: "/code".into(),
                target: "/elsewhere/target".into(),
                features: vec!["sqlite".into(), "uuid".into()],
            })
        );
    }

    #[test]
    fn a_workspace_without_the_library_is_refused() {
        let metadata = br#"{ "packages": [], "workspace_root": "/", "target_directory": "/" }"#;
        assert_eq!(Workspace::parse(metadata), None);
    }

    #[test]
    fn this_workspace_is_read() {
        let features = Workspace::read().map(|workspace| workspace.features);
        assert!(features.is_ok_and(|features| features.iter().any(|name| name == "sqlite")));
    }
}
