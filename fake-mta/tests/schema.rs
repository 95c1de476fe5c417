//! The JSON schemas of both file formats: they say what the readers say, of every key, and every file that is shipped fits them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use boon::{Compiler, SchemaIndex, Schemas};
use fake_mta::{
    diag::Source,
    format::{FileKind, Key, Shape, Table, schema, schema_text},
    scenario,
    suite::Suite,
};
use toml::Value;

/// Both opinions on a file.
struct Judges {
    kind: FileKind,
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judges {
    fn new(kind: FileKind) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("schema.json", schema(kind)).expect("the schema is JSON");
        let index = compiler.compile("schema.json", &mut schemas).expect("the schema is one");
        Self { kind, schemas, index }
    }

    /// What the schema has against a file.
    fn schema_refuses(&self, file: &toml::Table) -> Option<String> {
        let json = serde_json::to_value(file).expect("TOML fits into JSON");
        self.schemas.validate(&json, self.index).err().map(|error| format!("{error:#}"))
    }

    /// What the reader has against it.
    fn reader_refuses(&self, file: &toml::Table) -> Option<String> {
        let text = toml::to_string(file).expect("a table is TOML");
        let source = Source::new("x.toml", text.as_str());
        let read = match self.kind {
            FileKind::Scenario => scenario::parse(&source).map(drop),
            FileKind::Suite => Suite::parse(&source).map(drop),
        };
        read.err().map(|problems| format!("{}\n{text}", problems[0].render(false)))
    }
}

#[test]
fn every_shipped_file_fits_its_schema() {
    let judges = [FileKind::Scenario, FileKind::Suite].map(Judges::new);
    let mut files = [Vec::new(), Vec::new()];
    for folder in ["scenarios", "examples"] {
        collect(&root().join(folder), &mut files);
    }
    assert!(files[0].len() > 150 && files[1].len() > 7, "{} and {}", files[0].len(), files[1].len());
    for (judges, files) in judges.iter().zip(&files) {
        for path in files {
            let text = fs::read_to_string(path).expect("a shipped file can be read");
            let file = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(judges.schema_refuses(&file), None, "{}", path.display());
        }
    }
}

#[test]
fn the_schemas_beside_the_scenarios_are_those_of_the_program() {
    for (kind, name) in [(FileKind::Scenario, "scenario.json"), (FileKind::Suite, "fake-mta.json")] {
        let path = root().join("scenarios/schema").join(name);
        let shipped = fs::read_to_string(&path).expect("it is shipped");
        let help = "write it again: fake-mta schema scenario|suite";
        assert!(shipped == schema_text(kind), "{} is not up to date; {help}", path.display());
    }
}

#[test]
fn the_schemas_and_the_readers_agree_about_every_key() {
    for kind in [FileKind::Scenario, FileKind::Suite] {
        let judges = Judges::new(kind);
        let whole = sample(kind.table(), true);
        assert_eq!((judges.schema_refuses(&whole), judges.reader_refuses(&whole)), (None, None));
        let mut paths = Vec::new();
        key_paths(kind.table(), &[], &mut paths);
        assert!(paths.len() > 10, "{paths:?}");
        let mut disputes = Vec::new();
        for (path, key) in paths {
            let values = wrong_values().into_iter().map(Some).chain([None]);
            disputes.extend(values.filter_map(|value| dispute(&judges, &whole, &path, &key, value.as_ref())));
            let mut misspelt = path.clone();
            *misspelt.last_mut().expect("a path has a key") = Step::Key("zzz".to_owned());
            let changed = changed(&whole, &misspelt, Some(Value::Boolean(true)));
            assert!(judges.schema_refuses(&changed).is_some(), "schema: {misspelt:?}");
            assert!(judges.reader_refuses(&changed).is_some(), "reader: {misspelt:?}");
        }
        assert!(disputes.is_empty(), "{}", disputes.join("\n"));
    }
}

/// Both refuse it, or none; of texts the schema may know less.
fn dispute(judges: &Judges, whole: &toml::Table, path: &[Step], key: &Key, value: Option<&Value>) -> Option<String> {
    let is_text = value.is_some_and(Value::is_str);
    let changed = changed(whole, path, value.cloned());
    let (schema, reader) = (judges.schema_refuses(&changed), judges.reader_refuses(&changed));
    // A row has to fit the columns of the others, a milter's configuration the placeholders.
    let reader_knows_more = is_text || matches!(key.shape, Shape::Rows | Shape::Free);
    let agree = schema.is_some() == reader.is_some() || (reader_knows_more && reader.is_some());
    (!agree).then(|| format!("{path:?} = {value:?}\nschema: {schema:?}\nreader: {reader:?}"))
}

/// A way through a file.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    First,
}

/// The place of every key that a table of the format has.
fn key_paths(table: &'static Table, above: &[Step], paths: &mut Vec<(Vec<Step>, Key)>) {
    for key in table.keys {
        let path = [above, &[Step::Key(key.name.to_owned())]].concat();
        let first = [path.as_slice(), &[Step::First]].concat();
        paths.push((path.clone(), *key));
        match key.shape {
            Shape::Table(inner) => key_paths(inner, &path, paths),
            Shape::Tables(inner) | Shape::Variants(inner) | Shape::Either(_, inner) => key_paths(inner, &first, paths),
            _ => {}
        }
    }
}

/// The file with one value put in, or taken out.
fn changed(whole: &toml::Table, path: &[Step], value: Option<Value>) -> toml::Table {
    let mut root = Value::Table(whole.clone());
    let (last, above) = path.split_last().expect("a path has a key");
    let mut at = &mut root;
    for step in above {
        at = match step {
            Step::Key(key) => at.get_mut(key).expect("the sample has every key"),
            Step::First => at.get_mut(0).expect("the sample has a first one"),
        };
    }
    let (Step::Key(key), Some(table)) = (last, at.as_table_mut()) else { panic!("{path:?} is no key of a table") };
    match value {
        Some(value) => drop(table.insert(key.clone(), value)),
        None => drop(table.remove(key)),
    }
    root.as_table().expect("a file is a table").clone()
}

/// One value of each type, and lists and tables of what hardly anything takes.
fn wrong_values() -> Vec<Value> {
    let table = |value: Value| Value::Table(toml::Table::from_iter([("zzz".to_owned(), value)]));
    vec![
        Value::Integer(7),
        Value::Integer(-1),
        Value::Boolean(true),
        Value::Float(1.5),
        Value::String("two words".to_owned()),
        Value::String(String::new()),
        Value::Array(Vec::new()),
        Value::Array(vec![Value::Integer(7)]),
        Value::Array(vec![Value::Array(Vec::new())]),
        Value::Array(vec![table(Value::Integer(1))]),
        table(Value::Integer(1)),
        table(table(Value::Integer(1))),
    ]
}

/// A table with every key; variants have none of their own.
fn sample(table: &Table, with_variants: bool) -> toml::Table {
    let keys = table.keys.iter().filter(|key| with_variants || !matches!(key.shape, Shape::Variants(_) | Shape::Rows));
    keys.map(|key| (key.name.to_owned(), sample_value(key))).collect()
}

fn sample_value(key: &Key) -> Value {
    let text = |text: &str| Value::String(text.to_owned());
    let one = |key: &str, value: Value| toml::Table::from_iter([(key.to_owned(), value)]);
    match key.shape {
        Shape::Exactly(number) => Value::Integer(number),
        Shape::Number(_, most) => Value::Integer(most.into()),
        Shape::Boolean => Value::Boolean(true),
        Shape::Text | Shape::Line | Shape::Block | Shape::ByProfile => text(sample_text(key.name)),
        Shape::Address => text("unix:/x"),
        Shape::Time => text("5m"),
        Shape::Date => text("2004-08-01T12:00:00Z"),
        Shape::Word(words) | Shape::Words(words) => text(words()[0]),
        Shape::Texts => Value::Array(Vec::new()),
        Shape::Lines => Value::Array(vec![text(sample_text(key.name))]),
        Shape::Blocks | Shape::Command => Value::Array(vec![text("x")]),
        Shape::Strings => Value::Table(one("x", text("y"))),
        Shape::StringsOf(names) => Value::Table(one(names[0], Value::Table(one("x", text("y"))))),
        Shape::Free => Value::Table(one("x", Value::Integer(1))),
        Shape::Messages(_) => Value::Table(one("m", Value::Table(one("text", text("x"))))),
        Shape::Table(inner) => Value::Table(sample(inner, true)),
        Shape::Tables(inner) | Shape::Either(_, inner) => Value::Array(vec![Value::Table(sample(inner, true))]),
        Shape::Variants(inner) => Value::Array(vec![Value::Table(sample(inner, false))]),
        Shape::Expected | Shape::Instead => Value::Table(one("C: HELO x", text("S: 250 x"))),
        Shape::Rows => Value::Array(vec![Value::Table(one("ip", text("192.0.2.1")))]),
    }
}

/// A text that its place takes.
fn sample_text(key: &str) -> &'static str {
    match key {
        "client" => "[{ip}]",
        "envelope" => "RCPT TO:<x>",
        "dialogue" => "C: HELO x",
        "zone" => "example.com. A 192.0.2.1",
        "fault" => "example.com TXT drop",
        "expect" => "example.com TXT",
        "wire" => "",
        _ => "x",
    }
}

/// Scenario files, and suite files.
fn collect(dir: &Path, files: &mut [Vec<PathBuf>; 2]) {
    for entry in fs::read_dir(dir).expect("a folder of the project").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "toml") && !path.ends_with("Cargo.toml") {
            files[usize::from(path.ends_with("fake-mta.toml"))].push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
