//! A run of several steps, where one that fails does not hide the others.

use std::time::Instant;

use crate::Outcome;

/// What ran so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: String,
    seconds: f64,
    failure: Option<String>,
}

impl Steps {
    /// Runs one step, and prints its name and time.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Outcome) {
        println!("== {name}");
        let start = Instant::now();
        let failure = step().err();
        let seconds = start.elapsed().as_secs_f64();
        match &failure {
            None => println!("-- {name}: ok, {seconds:.1} s"),
            Some(reason) => println!("-- {name}: FAILED, {seconds:.1} s\n{reason}"),
        }
        self.done.push(Step { name: name.to_owned(), seconds, failure });
    }

    /// Prints all steps once more.
    ///
    /// # Errors
    /// Says how many steps failed.
    pub(crate) fn summary(&self) -> Outcome {
        println!("\nsummary:");
        for step in &self.done {
            let word = if step.failure.is_some() { "FAILED" } else { "ok" };
            println!("  {word:<7} {:7.1} s  {}", step.seconds, step.name);
            if let Some(reason) = &step.failure {
                println!("{}", indented(reason));
            }
        }
        let failed = self.done.iter().filter(|step| step.failure.is_some()).count();
        if failed == 0 {
            return Ok(());
        }
        Err(format!("{failed} of {} steps failed", self.done.len()))
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("            {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_lets_the_next_one_run_and_fails_the_whole() {
        let mut steps = Steps::default();
        let mut second_ran = false;
        steps.run("first", || Err("broken".into()));
        steps.run("second", || {
            second_ran = true;
            Ok(())
        });
        assert!(second_ran);
        assert_eq!(steps.summary(), Err("1 of 2 steps failed".into()));
    }
}
