//! The header fields in which a milter records an SPF result.

/// One header field, unfolded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
}

/// The header of a message.
pub(super) fn fields(message: &str) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for line in message.lines().map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        if line.is_empty() {
            break;
        }
        match (line.starts_with([' ', '\t']), fields.last_mut(), line.split_once(':')) {
            (true, Some(field), _) => field.value += line,
            (false, _, Some((name, value))) => {
                fields.push(Field { name: name.trim_end().to_owned(), value: value.trim_start().to_owned() });
            }
            _ => {}
        }
    }
    fields
}

/// The words of a structured field: comments are left out, quoted text is taken as it stands, and `;` ends a group.
///
/// What a peer puts into a comment or a quoted string can be anything, results and identities too.
pub(super) fn words(value: &str) -> Vec<Vec<String>> {
    let mut scanner = Scanner { groups: vec![Vec::new()], word: None };
    let (mut depth, mut quoted) = (0_usize, false);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if depth > 0 => drop(chars.next()),
            '\\' if quoted => scanner.put(chars.next()),
            '"' if depth == 0 => {
                quoted = !quoted;
                scanner.put(None);
            }
            '(' if !quoted => {
                depth += 1;
                scanner.end_word();
            }
            ')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            ';' if !quoted => scanner.end_group(),
            c if c.is_whitespace() && !quoted => scanner.end_word(),
            c => scanner.put(Some(c)),
        }
    }
    scanner.end_word();
    scanner.groups
}

struct Scanner {
    groups: Vec<Vec<String>>,
    word: Option<String>,
}

impl Scanner {
    fn put(&mut self, c: Option<char>) {
        self.word.get_or_insert_with(String::new).extend(c);
    }

    fn end_word(&mut self) {
        if let (Some(word), Some(group)) = (self.word.take(), self.groups.last_mut()) {
            group.push(word);
        }
    }

    fn end_group(&mut self) {
        self.end_word();
        self.groups.push(Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_unfolded_and_ends_at_the_empty_line() {
        let found = fields("A: 1\r\n\t2\r\nB : x:y\n\nC: 3\n");
        let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.to_owned() };
        assert_eq!(found, [field("A", "1\t2"), field("B", "x:y")]);
    }

    #[test]
    fn comments_and_quoted_text_keep_what_is_in_them_to_themselves() {
        let value = r#"pass (a (b; identity=x) \) c=d) k=v; from="a; identity=\"helo\" b" identity=mailfrom;"#;
        let expected: [&[&str]; 3] = [&["pass", "k=v"], &[r#"from=a; identity="helo" b"#, "identity=mailfrom"], &[]];
        assert_eq!(words(value), expected);
        assert_eq!(words("(never closed"), [Vec::<String>::new()]);
        assert_eq!(words("a=\"never closed; b"), [["a=never closed; b"]]);
    }
}
