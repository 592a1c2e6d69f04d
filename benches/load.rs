//! Loading a large key file: `YamlStore::open` beside bare `serde_yaml`, in time and peak memory.
//!
//! `KEYGATE_BENCH_QUICK=1` makes the rounds few and the file small.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::time::Instant;

use keygate::YamlStore;
use serde::Deserialize;

use support::effort::Effort;
use support::figures::Figures;
use support::keys::{key, name};
use support::table::{Table, Unit};
use support::{child, memory};

mod support {
    pub(crate) mod child;
    pub(crate) mod effort;
    pub(crate) mod figures;
    pub(crate) mod keys;
    pub(crate) mod memory;
    pub(crate) mod table;
}

type Failure = Box<dyn Error>;

const SECONDS: Unit = Unit("s", 1.0, 2);
const MEBIBYTES: Unit = Unit("MiB", 1_048_576.0, 0);

const OURS: &str = "YamlStore::open";
const BARE: &str = "serde_yaml, HashMap<String, String>";

fn main() -> Result<(), Failure> {
    if let Some([subject, path]) = child::task() {
        return load(&subject, Path::new(&path));
    }
    let effort = Effort::of_this_run();
    let size = effort.pick(1_000, 100_000, 1_000_000);
    let rounds = effort.pick(1, 5, 11);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("keys.yml");
    write(&path, size)?;
    let (times, peaks) = compare(&path, rounds)?;

    let mut table = Table::of_ratios();
    table.compare("time", SECONDS, &times, [OURS, BARE], Some(1.0));
    table.compare("peak memory", MEBIBYTES, &peaks, [OURS, BARE], Some(0.8));
    table.print(&format!("{OURS} / {BARE}, {size} keys"));
    Ok(())
}

fn write(path: &Path, size: u64) -> io::Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    writeln!(file, "api_keys:")?;
    for number in 0..size {
        file.write_all(b"    ")?;
        file.write_all(&key(number))?;
        writeln!(file, ": {}", name(number))?;
    }
    file.flush()
}

/// The times and the peaks of both, a process for each.
fn compare(path: &Path, rounds: u32) -> Result<(Figures, Figures), Failure> {
    let path = path.to_str().ok_or("the folder for temporary files has a strange name")?;
    let (mut times, mut peaks) = (Figures::default(), Figures::default());
    for _ in 0..rounds {
        for subject in [OURS, BARE] {
            let [time, peak] = child::run([subject, path])?;
            times.add(subject, time);
            peaks.add(subject, peak);
        }
    }
    Ok((times, peaks))
}

/// What a service would declare that reads such a file without us.
#[derive(Deserialize)]
struct KeyFile {
    api_keys: HashMap<String, String>,
}

fn load(subject: &str, path: &Path) -> Result<(), Failure> {
    let start = Instant::now();
    // What was loaded is kept to the end of the process: giving it up is not part of loading it.
    let (time, keys) = if subject == OURS {
        let store = ManuallyDrop::new(YamlStore::open(path)?);
        (start.elapsed(), store.len())
    } else {
        let text = fs::read_to_string(path)?;
        let file = ManuallyDrop::new(serde_yaml::from_str::<KeyFile>(&text)?);
        drop(text);
        (start.elapsed(), file.api_keys.len())
    };
    assert_ne!(keys, 0, "the file holds keys");
    child::report(&[time.as_secs_f64(), memory::of_this_process("VmHWM")]);
    Ok(())
}
