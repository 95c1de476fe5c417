//! The program `spf-milter` once more, under a name of its own: cargo builds it for the end-to-end tests of this package, whichever
//! way they are called, and tells them where it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    spf_milter::main(std::env::args_os())
}
