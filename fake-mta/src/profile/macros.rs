//! The values of macros.

use std::collections::BTreeMap;

use super::Host;

/// The values of all macros that have one now, by name without braces.
#[derive(Debug, Clone, Default)]
pub(crate) struct MacroTable(BTreeMap<String, Vec<u8>>);

impl MacroTable {
    /// Sets a macro, whatever the settings say.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Sets a macro that the settings do not override.
    pub(crate) fn set_default(&mut self, host: &Host, name: &str, value: impl Into<Vec<u8>>) {
        let value = host.macro_override(name).unwrap_or_else(|| value.into());
        self.set(name, value);
    }

    /// Sets a macro of an address that the settings do not override.
    pub(crate) fn set_of(&mut self, host: &Host, name: &str, address: &[u8], value: impl Into<Vec<u8>>) {
        let value = host.macro_override_of(name, address).unwrap_or_else(|| value.into());
        self.set(name, value);
    }

    /// Sets the macros that the settings override.
    pub(crate) fn set_overrides(&mut self, host: &Host) {
        for (name, value) in &host.settings.macro_values {
            self.set(name, value.as_str());
        }
    }

    /// Takes the values of macros away that the settings do not override.
    pub(crate) fn forget(&mut self, host: &Host, names: &[&str]) {
        for name in names.iter().filter(|name| host.macro_override(name).is_none()) {
            self.0.remove(*name);
        }
    }

    /// The value of a macro, by its name without braces.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Names as they stand in the list, with the values of those that have one; `bare` takes the braces off.
    pub(crate) fn pairs(&self, names: &[String], bare: impl Fn(&str) -> Option<&str>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let known = names.iter().filter_map(|name| {
            let value = self.get(bare(name)?)?;
            Some((name.clone().into_bytes(), value.to_vec()))
        });
        known.collect()
    }
}
