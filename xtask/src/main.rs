//! Every chore of the workspace: `cargo xtask COMMAND`.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks through its output")]

mod baremetal;
mod bench;
mod boards;
mod checks;
mod ci;
mod core_only;
mod dependencies;
mod elf;
mod fuzz;
mod lints;
mod probe;
mod process;
mod setup;
mod steps;
mod test;
mod workspace;

use std::process::ExitCode;

/// What went wrong, ready to be printed.
type Outcome<T = ()> = Result<T, String>;

/// One sub-command.
struct Command {
    name: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command { name: "setup", help: setup::HELP, run: setup::run },
    Command { name: "test", help: test::HELP, run: test::run },
    Command { name: "ci", help: ci::HELP, run: ci::run },
    Command { name: "boards", help: boards::HELP, run: boards::run },
    Command { name: "fuzz", help: fuzz::HELP, run: fuzz::run },
    Command { name: "probe", help: probe::HELP, run: probe::run },
    Command { name: "bench", help: bench::HELP, run: bench::run },
];

/// Exit code for a command line that makes no sense.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("{}", usage());
        return ExitCode::from(USAGE);
    };
    if rest.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("cargo xtask {}: {}", command.name, command.help);
        return ExitCode::SUCCESS;
    }
    match (command.run)(&rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("cargo xtask {name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        text.push_str(&format!("\n  {:<7} {}", command.name, command.help));
    }
    text
}

/// Fails on any argument that is not in `known`.
fn only_flags(arguments: &[String], known: &[&str]) -> Outcome {
    match arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        Some(unknown) => Err(format!("unknown argument `{unknown}`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_command_on_a_line_of_its_own() {
        let text = usage();
        for command in COMMANDS {
            assert!(text.lines().any(|line| line.trim_start().starts_with(command.name)));
            assert!(!command.help.contains('\n'));
        }
    }

    #[test]
    fn unknown_flags_are_refused() {
        assert!(only_flags(&["--no-test".into()], &["--no-test"]).is_ok());
        assert!(only_flags(&["--no-tests".into()], &["--no-test"]).is_err());
    }
}
