use std::env;
use std::error::Error;
use std::process::{Command, Stdio};

type Failure = Box<dyn Error>;

const MARK: &str = "child";

/// Runs this bench again for one task, in a process of its own, and gives what that reports.
///
/// Memory can be measured in a fresh process only: an older one keeps what it has freed.
pub(crate) fn run<const COUNT: usize>(task: [&str; 2]) -> Result<[f64; COUNT], Failure> {
    let output =
        Command::new(env::current_exe()?).arg(MARK).args(task).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", task.join(" "), output.status).into());
    }
    let report = String::from_utf8(output.stdout)?;
    let figures = report.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    figures.try_into().map_err(|_| format!("{}: {report}", task.join(" ")).into())
}

/// The task of this process, if it is such a child.
pub(crate) fn task() -> Option<[String; 2]> {
    let mut args = env::args().skip(1);
    (args.next()? == MARK).then_some([args.next()?, args.next()?])
}

/// Tells the parent what was measured.
pub(crate) fn report(figures: &[f64]) {
    let figures: Vec<String> = figures.iter().map(f64::to_string).collect();
    println!("{}", figures.join(" "));
}
