//! The time and peak memory of loading a large key file: `YamlStore::open` compared with bare `serde_yaml`, and
//! `ApiKeys` compared with a `HashMap`, with the same format crate.
//!
//! `KEYGATE_BENCH_QUICK=1` runs fewer rounds with a smaller file.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::time::Instant;

use keygate::{ApiKeys, YamlStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
    by_serde(folder.path(), effort)
}

const API_KEYS: &str = "ApiKeys";
const MAP: &str = "HashMap<String, String>";

/// Compares `ApiKeys`, which hashes each key, with a map of strings.
fn by_serde(folder: &Path, effort: Effort) -> Result<(), Failure> {
    let size = effort.pick(1_000, 100_000, 100_000);
    let rounds = effort.pick(1, 15, 31);
    let mut table = Table::of_ratios();
    for (format, bound) in [("yml", 1.1), ("json", 2.0)] {
        let path = folder.join(format!("own.{format}"));
        let entries =
            (0..size).map(|number| Ok((String::from_utf8(key(number).to_vec())?, name(number))));
        let entries = entries.collect::<Result<HashMap<_, _>, Failure>>()?;
        let text = match format {
            "yml" => serde_yaml::to_string(&entries)?,
            _ => serde_json::to_string(&entries)?,
        };
        fs::write(&path, text)?;
        let path = path.to_str().ok_or("the folder for temporary files has a strange name")?;
        let mut times = Figures::default();
        for _ in 0..rounds {
            for subject in [API_KEYS, MAP] {
                let [time, _] = child::run([subject, path])?;
                times.add(subject, time);
            }
        }
        table.compare(format, SECONDS, &times, [API_KEYS, MAP], Some(bound));
    }
    table.print(&format!("{API_KEYS} / {MAP}, {size} keys"));
    Ok(())
}

/// Measures the time to deserialize the text of a file, in seconds and without reading the file.
fn deserialize<T: DeserializeOwned>(path: &Path) -> Result<f64, Failure> {
    let text = fs::read_to_string(path)?;
    let start = Instant::now();
    let is_yaml = path.extension().is_some_and(|extension| extension == "yml");
    let keys: T = if is_yaml { serde_yaml::from_str(&text)? } else { serde_json::from_str(&text)? };
    let time = start.elapsed().as_secs_f64();
    std::mem::forget(keys);
    Ok(time)
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

/// Measures the time and peak memory of both subjects. Each measurement has its own process.
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

/// The type that a service without keygate would declare to read the file.
#[derive(Deserialize)]
struct KeyFile {
    api_keys: HashMap<String, String>,
}

fn load(subject: &str, path: &Path) -> Result<(), Failure> {
    if let API_KEYS | MAP = subject {
        let time = match subject {
            API_KEYS => deserialize::<ApiKeys>(path)?,
            _ => deserialize::<HashMap<String, String>>(path)?,
        };
        child::report(&[time, memory::of_this_process("VmHWM")]);
        return Ok(());
    }
    let start = Instant::now();
    // The keys are kept until the process ends, since dropping them is not part of loading.
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
