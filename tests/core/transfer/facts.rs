use keygate::{MemoryStore, YamlStore};

use crate::facts;
use crate::transfer::folder::Folder;

#[tokio::test]
async fn memory_keeps_every_fact_of_a_key() {
    let stores = [MemoryStore::new(), MemoryStore::new(), MemoryStore::new()];
    facts::are_kept(async |place, clock| stores[place].clone().with_clock(clock.reader())).await;
}

#[tokio::test]
async fn key_file_keeps_every_fact_of_a_key() {
    let folder = Folder::new();
    facts::are_kept(async |place, clock| {
        let path = folder.path(&format!("{place}.yml"));
        let created = YamlStore::create(&path);
        created.or_else(|_| YamlStore::open(&path)).unwrap().with_clock(clock.reader())
    })
    .await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_keeps_every_fact_of_a_key() {
    let folder = Folder::new();
    facts::are_kept(async |place, clock| {
        let path = folder.path(&format!("{place}.db"));
        keygate::store::SqliteStore::migrate(path).await.unwrap().with_clock(clock.reader())
    })
    .await;
}
