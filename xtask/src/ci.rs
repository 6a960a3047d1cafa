//! `ci`: everything that has to hold before a change goes in.

use crate::boards::Warnings;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{
    Outcome, bench, boards, checks, core_only, dependencies, fuzz, lints, only_flags, test,
};

pub(crate) const HELP: &str =
    "run `test` and every check, nothing skipped (--no-test: checks only)";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    only_flags(arguments, &["--no-test"])?;
    let workspace = Workspace::load()?;
    let mut steps = Steps::default();
    written_down(&workspace, &mut steps);
    code(&workspace, &mut steps);
    for_boards(&workspace, &mut steps);
    steps.run("fuzz smoke", || fuzz::smoke(&workspace));
    if arguments.is_empty() {
        steps.run("test", || test::run(&["--no-skip".into()]));
    }
    steps.summary()
}

fn written_down(workspace: &Workspace, steps: &mut Steps) {
    steps.run("lock files", || checks::lock_files(workspace));
    steps.run("change logs and front pages", || checks::front_pages(workspace));
    steps.run("oldest compiler", || checks::oldest_compiler(workspace));
    steps.run("dependencies", || dependencies::check(workspace));
}

fn code(workspace: &Workspace, steps: &mut Steps) {
    steps.run("format", || lints::format(workspace));
    steps.run("clippy, everything", || lints::clippy_everything(workspace));
    for library in workspace.libraries() {
        let name = format!("clippy, feature sets of {}", library.name);
        steps.run(&name, || lints::clippy_feature_sets(workspace, library));
    }
    steps.run("rustdoc", || lints::rustdoc(workspace));
}

fn for_boards(workspace: &Workspace, steps: &mut Steps) {
    for builds in core_only::all() {
        steps.run(&builds.name, || {
            let compiler = builds.compiler()?;
            println!("{}", compiler.describe());
            builds.run(workspace, &compiler)
        });
    }
    steps.run("boards", || boards::build_all(workspace, Warnings::Denied));
    steps.run("size image", || bench::build_only(workspace));
}
