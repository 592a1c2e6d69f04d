use std::env;
use std::error::Error;
use std::process::{Command, Stdio};

type Failure = Box<dyn Error>;

const MARK: &str = "child";

/// Runs one task of this bench in a new process, and returns its report.
///
/// Memory can only be measured in a new process: an older one keeps freed memory, and new data is put between.
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

/// The task of this process, if it is a child process.
pub(crate) fn task() -> Option<[String; 2]> {
    let mut args = env::args().skip(1);
    (args.next()? == MARK).then_some([args.next()?, args.next()?])
}

/// Reports the measurements to the parent.
pub(crate) fn report(figures: &[f64]) {
    let figures: Vec<String> = figures.iter().map(f64::to_string).collect();
    println!("{}", figures.join(" "));
}
