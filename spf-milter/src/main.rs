//! The program; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    spf_milter::main(std::env::args_os())
}
