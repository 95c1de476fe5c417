//! What a scenario file with a mistake in it is told: every message, with its place.

use fake_mta::{diag::Source, scenario};

/// Puts a mistake into a file that is right otherwise, and returns all messages.
fn told(text: &str) -> String {
    let source = Source::new("scenarios/a.toml", text);
    match scenario::parse(&source) {
        Ok(_) => panic!("nothing is wrong with it"),
        Err(diags) => diags.iter().map(|diag| diag.render(false)).collect::<Vec<_>>().join("\n"),
    }
}

/// A file with this dialogue.
fn dialogue(lines: &str) -> String {
    format!("name = 'a'\n[[session]]\nclient = '192.0.2.1'\ndialogue = '''\n{lines}\n'''\n")
}

/// A whole file, with this at its top.
fn top(lines: &str) -> String {
    format!("{lines}\n[[session]]\nclient = '192.0.2.1'\ndialogue = ''\n")
}

#[test]
fn toml_that_is_none() {
    insta::assert_snapshot!(told("name = 'a\n[[session]\nclient = \n"));
}

#[test]
fn nothing_at_all() {
    insta::assert_snapshot!(told(""));
}

#[test]
fn unknown_keys_of_every_table() {
    insta::assert_snapshot!(told(
        "nmae = 'a'\nname = 'a'\n[dns]\nzones = ''\n[mta]\nhostnme = 'x'\n[mta.timeouts]\nbody = '1s'\n\
         [milter]\nconfg = {}\n[[session]]\ncleint = 'x'\nclient = '192.0.2.1'\ndialogue = ''\n"
    ));
}

#[test]
fn keys_of_the_wrong_type() {
    insta::assert_snapshot!(told(
        "name = 1\nrfc = 'x'\nnote = []\n[dns]\nzone = 1\nmode = 'both'\n[mta]\nprofile = ['sendmial', 'postfix', 'postfix']\n\
         timeouts.connect = '5 minutes'\nprotocol_version = -1\nresolve_sender_domains = 'yes'\ndefault_action = 'ignore'\n\
         [messages]\na = 5\n[session]\nclient = 'x'\n"
    ));
}

#[test]
fn macros_without_an_address_have_no_values_by_address() {
    insta::assert_snapshot!(told(&top(
        "name = 'a'\n[mta]\nmacro_values.j = { 'a@example.com' = 'x' }\nmacro_values.rcpt_host = { 'a@example.com' = 1, '<b@example.com>' = 'x' }"
    )));
}

#[test]
fn unknown_words_of_a_dialogue() {
    insta::assert_snapshot!(told(&dialogue(
        "S[psotfix]: 220 hello\ns: 220 hello\nX: what\nC: [colse]\nM: rejcet\nM: 550 5.7.1 no\nD: example.com TXTT\nD: example.com\n250 ok\nEHLO: x"
    )));
}

#[test]
fn lines_without_their_arguments() {
    insta::assert_snapshot!(told(&dialogue(
        "C[postfix]: HELO x\nC: [close\nC: [auth PLAIN]\nC: [wait long]\nC: [wait 2h]\nC: [raw 4x]\nC: [tls versoin=1]\n\
         C: [message hello]\nM: addheader\nM: chgheader Subject: x\nM: accept now\nS:\nS[postfix: 220 x\nS: /(/"
    )));
}

#[test]
fn a_bad_client() {
    insta::assert_snapshot!(told("name = 'a'\n[[session]]\nclient = 'mail.example [192.0.2.256]'\ndialogue = ''\n"));
}

#[test]
fn bad_zone_text_is_shown_in_the_file_itself() {
    insta::assert_snapshot!(told(&top(
        "name = 'a'\n[dns]\nzone = '''\nexample.com.  TXT  \"v=spf1 -all\"\nexample.com.  A  192.0.2.256\n'''"
    )));
}

#[test]
fn a_block_with_escapes_has_no_exact_places() {
    insta::assert_snapshot!(told(&top("name = 'a'\n[dns]\nzone = \"example.com. TXT \\\"v=spf1 -all\\\"\"")));
}

#[test]
fn a_file_that_is_not_there() {
    insta::assert_snapshot!(told(&top(
        "name = 'a'\n[dns]\ninclude = ['no-such-file.zone']\n[messages]\nm = { file = 'no-such-file.eml' }"
    )));
}

#[test]
fn a_bad_fault_rule() {
    insta::assert_snapshot!(told(&top("name = 'a'\n[dns]\nfault = ['example.com TXT drpo']")));
}

#[test]
fn keys_that_belong_in_the_suite() {
    insta::assert_snapshot!(told(&top("name = 'a'\n[milter]\ncommand = 'x'")));
}

#[test]
fn a_later_format() {
    insta::assert_snapshot!(told(&top("format = 2\nname = 'a'")));
}

#[test]
fn variants_that_do_not_fit() {
    let text = dialogue("C: HELO x\nS: 250 ok")
        + "[[variant]]\nname = 'v'\nexpect.'C: HELO y' = 'S: 501 no'\n\
         [[variant]]\nname = 'v'\nexpect.'HELO x' = 'S: 501 no'\n[[variant]]\nexpect = {}\n\
         [[variant]]\nname = 'w'\nexpect.'C: HELO x' = 'C: EHLO x'\n";
    insta::assert_snapshot!(told(&text));
}

#[test]
fn what_cannot_come_instead() {
    let text =
        |instead: &str| dialogue("C: HELO x\nS: 250 ok").replace("[[session]]", &format!("{instead}\n[[session]]"));
    let known = "known_deviation = 'it says no'\n";
    let lines = "[instead]\n'C: HELO y' = 'S: 501 no'\n'HELO x' = 'S: 501 no'\n\
                 'C: HELO x' = '''\nC: EHLO x\nM2: reject\nS: 250 [n=size]\n'''\nenvelope = []\n";
    insta::assert_snapshot!(told(&text(&format!("{known}{lines}"))));
    let told = [
        told(&text("instead.'C: HELO x' = 'S: 501 no'")),
        told(&text(&format!("{known}instead = 'M: reject'"))),
        told(&text(&format!("{known}instead = {{}}"))),
    ];
    insta::assert_snapshot!("nothing_comes_instead", told.join("\n"));
}

#[test]
fn cases_that_do_not_fit() {
    let text = dialogue("C: HELO {helo}\nC: MAIL FROM:<{sender}>")
        + "[[case]]\nhelo = 'x'\nsendr = 'y'\n[[case]]\nhelo = \"x\\ny\"\n[[case]]\nhelo = []\nsendr = 'z'\n";
    insta::assert_snapshot!(told(&text));
}

#[test]
fn a_name_that_nothing_else_has() {
    insta::assert_snapshot!(told(&dialogue("C: HELO x\nS: 250 [n=size]\nM: reply 550 5.7.1 [n=size] [n=sice]")));
}

#[test]
fn what_can_never_hold() {
    let text = dialogue("C: HELO x\nM2: reject\nM2: none").replace("name = 'a'", "name = \"a\\u001b[31m\"");
    let text = text.replace("[[session]]", "[mta]\nhostname = 'mx example'\nprotocol_version = 99\n[[session]]");
    insta::assert_snapshot!(told(
        &(text + "envelope = ['MAIL FROM:<a@b.example>', 'RCPT <c@d.example>', '[..]', '[n] of them']\n")
    ));
}
