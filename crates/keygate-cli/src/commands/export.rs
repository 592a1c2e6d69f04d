use std::path::{Path, PathBuf};
use std::{fs, io};

use keygate::manage::{Export, TransferKeys as _};
use keygate::{ApiKey, YamlStore};
use serde_json::json;

use crate::args::{ExportArgs, Globals};
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::output::Output;
use crate::show::counted;
use crate::store::open;
use crate::wait::block_on;

pub(super) fn run(args: &ExportArgs, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let holdings = block_on(open(globals, out)?.export_keys())?;
    let text = yaml(&holdings)?;
    let (clients, keys) = (holdings.client_count(), holdings.key_count());
    let Some(path) = &args.out else {
        return out.answer(&text, &json!({ "clients": clients, "keys": keys, "file": text }));
    };
    NewFile::write(path, text.as_bytes())?;
    let path = path.display().to_string();
    let (counted, keys_counted) = (counted(clients, "client"), counted(keys, "key"));
    let note = format!("wrote {counted} and {keys_counted} to {path}, readable by you alone");
    out.done(&note, &json!({ "clients": clients, "keys": keys, "out": path }))
}

/// The text of a key file that holds this. A store wrote it and read it again.
fn yaml(holdings: &Export) -> Result<String, Failure> {
    let failed = |error: io::Error| {
        let folder = std::env::temp_dir();
        let folder = folder.display();
        Failure::unavailable(format!("the key file cannot be made in {folder} ({error})"))
    };
    let folder = Folder::make().map_err(failed)?;
    let path = folder.0.join("keys.yml");
    let imported = block_on(YamlStore::create(&path)?.import_keys(holdings))?;
    if let Some(refused) = imported.refused.first() {
        return Err(Failure::refused(format!("a key file cannot hold {refused}")));
    }
    fs::read_to_string(&path).map_err(failed)
}

/// A temporary folder for us alone.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let random = ApiKey::generate("export").map_err(io::Error::other)?.key_id();
        let path = std::env::temp_dir().join(format!("keygate-{random}"));
        make_private(&path)?;
        Ok(Self(path))
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
