//! The twins keep the promises that real servers are held to.

use tessera_store::{FileStore, MemoryStore, Prefix, Store, conformance};

async fn check(store: &dyn Store, prefix: &Prefix) {
    let mut done = conformance::check(store, prefix).await.expect("the suite passes");
    done.extend(conformance::check_pages(store, prefix).await.expect("the suite passes"));
    assert_eq!(done.len(), 22);
}

#[tokio::test]
async fn the_memory_store_conforms() {
    let store = MemoryStore::new(&["images"]);
    check(&store, &"s3://images/suite/".parse().unwrap()).await;
    assert!(store.objects().is_empty() && store.open_uploads().is_empty());
}

#[tokio::test]
async fn the_file_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = Prefix::new("", format!("{}/suite/", folder.path().display())).unwrap();
    check(&FileStore, &prefix).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
