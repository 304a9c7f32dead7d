//! The spelling checker.

use crate::tool::Tool;

pub(crate) const TYPOS: Tool = Tool {
    binary: "typos",
    wanted: "the spelling checker typos",
    variable: None,
    // Any version will do; what it should accept stands in `_typos.toml`.
    suits: |_| true,
    install: "install typos-cli --version 1.52.0 --locked",
};
