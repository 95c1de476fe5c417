//! The fenced blocks of the guides: what is documented is what runs.

use std::{fs, path::Path};

/// The block of `docs/NAME` whose fence says `info`, such as `toml` or `m4 unix`.
///
/// # Errors
/// The guide cannot be read, or has no such block, or more than one.
pub(crate) fn block(name: &str, info: &str) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let opening = format!("\n```{}\n", info.trim());
    let mut blocks = text.split(&opening).skip(1);
    match (blocks.next().and_then(|rest| rest.split_once("```")), blocks.next()) {
        (Some((block, _)), None) => Ok(block.to_owned()),
        _ => Err(format!("docs/{name} should have one block `{info}`")),
    }
}
