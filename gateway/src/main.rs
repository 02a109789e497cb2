//! The program `sillok`; see [`sillok_gateway::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    sillok_gateway::cli::main()
}
