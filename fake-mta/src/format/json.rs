//! A file format as a JSON schema (draft 7), which is what editors read.

use serde_json::{Map, Value, json};

use super::{FileKind, Key, Shape, Table};

/// The schema of a kind of file.
pub fn schema(kind: FileKind) -> Value {
    let mut writer = Writer { definitions: Map::new(), placeholders: kind == FileKind::Scenario };
    let table = kind.table();
    let mut schema = writer.table(table, table.keys, true);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(match kind {
        FileKind::Scenario => "A scenario of fake-mta",
        FileKind::Suite => "fake-mta.toml: the milter under test",
    });
    if kind == FileKind::Suite {
        // What [openspf] says is written to this file.
        schema["if"] = json!({ "required": ["openspf"] });
        schema["then"] = json!({ "properties": { "milter": { "required": ["config_file"] } } });
    }
    if kind == FileKind::Scenario {
        schema["dependencies"] = json!({ "instead": ["known_deviation"] });
    }
    schema["definitions"] = Value::Object(writer.definitions);
    schema
}

/// The schema as a file: indented, with a line end.
pub fn schema_text(kind: FileKind) -> String {
    format!("{:#}\n", schema(kind))
}

struct Writer {
    definitions: Map<String, Value>,
    /// A case may fill any string.
    placeholders: bool,
}

impl Writer {
    /// A table with these keys; without `complete`, what is required elsewhere may be left out, as in a variant.
    fn table(&mut self, table: &Table, keys: &[Key], complete: bool) -> Value {
        let mut properties = Map::new();
        for key in keys {
            let mut value = self.shape(key, table, complete);
            value["description"] = json!(description(key));
            properties.insert(key.name.to_owned(), value);
        }
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
        if complete && !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    fn shape(&mut self, key: &Key, table: &Table, complete: bool) -> Value {
        match key.shape {
            Shape::Exactly(number) => json!({ "const": number }),
            Shape::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Shape::Boolean => json!({ "type": "boolean" }),
            Shape::Text | Shape::Block => json!({ "type": "string" }),
            Shape::Line => json!({ "type": "string", "pattern": r"^[^\r\n]*[^\s][^\r\n]*$" }),
            Shape::Address => json!({ "type": "string", "pattern": "^(unix|local|inet6?):" }),
            Shape::Time => self.filled(json!({ "type": "string", "pattern": r"^[0-9]+\s*(ms|s|m|h)$" })),
            Shape::Date => self.filled(json!({ "type": "string", "pattern": DATE })),
            Shape::Word(words) => self.filled(json!({ "enum": words() })),
            Shape::Words(words) => {
                let word = self.filled(json!({ "enum": words() }));
                json!({ "anyOf": [word, { "type": "array", "items": word, "minItems": 1, "uniqueItems": true }] })
            }
            Shape::ByProfile => {
                let profiles = super::profiles().into_iter();
                let properties: Map<String, Value> =
                    profiles.map(|profile| (profile.to_owned(), json!({ "type": "string" }))).collect();
                let table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
                json!({ "anyOf": [{ "type": "string" }, table] })
            }
            Shape::Texts => list(&json!({ "type": "string" })),
            Shape::Lines | Shape::Blocks => one_or_list(&json!({ "type": "string" })),
            Shape::Command => json!({ "anyOf": [
                { "type": "string", "pattern": r"[^\s]" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 }
            ] }),
            Shape::Strings => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            Shape::StringsOf(names) => {
                let strings = json!({ "type": "object", "additionalProperties": { "type": "string" } });
                let pattern = format!(r"^\{{?({})\}}?$", names.join("|"));
                json!({
                    "type": "object",
                    "patternProperties": { pattern: { "anyOf": [{ "type": "string" }, strings] } },
                    "additionalProperties": { "type": "string" }
                })
            }
            Shape::Free => json!({ "type": "object" }),
            Shape::Table(inner) => self.reference(inner, inner.keys, true, ""),
            Shape::Tables(inner) if complete => {
                let item = self.reference(inner, inner.keys, true, "");
                json!({ "type": "array", "items": item, "minItems": 1 })
            }
            Shape::Tables(inner) => list(&self.reference(inner, inner.keys, false, "InVariant")),
            Shape::Either(one, each) => {
                let (one, each) = (self.reference(one, one.keys, true, ""), self.reference(each, each.keys, true, ""));
                json!({ "anyOf": [one, { "type": "array", "items": each, "maxItems": 9 }] })
            }
            Shape::Messages(inner) => {
                let mut message = self.table(inner, inner.keys, true);
                // Either of them, and not both.
                message["minProperties"] = json!(1);
                message["maxProperties"] = json!(1);
                json!({ "type": "object", "additionalProperties": { "anyOf": [{ "type": "string" }, message] } })
            }
            Shape::Variants(inner) => list(&self.variant(inner, table)),
            Shape::Expected => expected("^(connect$|C:)"),
            Shape::Instead => expected("^((connect|envelope|delivered|log)$|C:)"),
            Shape::Rows => list(&json!({
                "type": "object",
                "properties": { "name": { "description": "stands behind the scenario's name" } },
                "additionalProperties": { "type": ["string", "integer", "boolean"] }
            })),
        }
    }

    /// The base's keys, none of them required, and the variant's own.
    fn variant(&mut self, variant: &Table, base: &Table) -> Value {
        let is_own = |key: &&Key| variant.keys.iter().any(|own| own.name == key.name);
        let is_left_out = |key: &&Key| matches!(key.shape, Shape::Variants(_));
        let others: Vec<Key> = base.keys.iter().filter(|key| !is_own(key) && !is_left_out(key)).copied().collect();
        let mut schema = self.table(base, &others, false);
        let own = self.table(variant, variant.keys, true);
        if let (Some(all), Some(own)) = (schema["properties"].as_object_mut(), own["properties"].as_object()) {
            all.extend(own.clone());
        }
        schema["required"] = own["required"].clone();
        self.definitions.insert(variant.name.to_owned(), schema);
        json!({ "$ref": format!("#/definitions/{}", variant.name) })
    }

    /// A definition of its own, and what points at it. The wrapping leaves room for a description.
    fn reference(&mut self, table: &Table, keys: &[Key], complete: bool, suffix: &str) -> Value {
        let name = format!("{}{suffix}", table.name);
        if !self.definitions.contains_key(&name) {
            let schema = self.table(table, keys, complete);
            self.definitions.insert(name.clone(), schema);
        }
        json!({ "allOf": [{ "$ref": format!("#/definitions/{name}") }] })
    }

    /// The value, or a text with a placeholder that cases fill.
    fn filled(&self, schema: Value) -> Value {
        if self.placeholders {
            return json!({ "anyOf": [schema, { "type": "string", "pattern": r"\{[a-z][a-z0-9_]*\}" }] });
        }
        schema
    }
}

/// A table whose keys fit a pattern, and whose values are blocks of lines.
fn expected(keys: &str) -> Value {
    let lines = one_or_list(&json!({ "type": "string" }));
    json!({ "type": "object", "patternProperties": { keys: lines }, "additionalProperties": false })
}

fn list(item: &Value) -> Value {
    json!({ "type": "array", "items": item })
}

fn one_or_list(item: &Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

/// What an editor shows: the reference's words without its links, which lead nowhere there.
fn description(key: &Key) -> String {
    let mut text = format!("{}: {}", key.kind, without_links(key.about));
    if !key.default.is_empty() {
        text += &format!("\n\nDefault: {}", key.default);
    }
    text
}

/// `[text](#place)` as `text`.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](#") {
        let (start, name) = before.rsplit_once('[').unwrap_or(("", before));
        plain += start;
        plain += name;
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

/// A day, a time and a zone.
const DATE: &str =
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_their_text() {
        assert_eq!(without_links("a [b c](#d) e, `[f]`: [g](#h)"), "a b c e, `[f]`: g");
        assert_eq!(without_links("`[\"7208#8.4\"]`"), "`[\"7208#8.4\"]`");
    }
}
