//! The real S3 server keeps the promises that stores make here.

use tessera_e2e::{Result, with_empty_namespace};
use tessera_store::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn the_s3_server_keeps_every_promise() -> Result<()> {
    with_empty_namespace("store", async |ns| {
        let done = conformance::check(&ns.store, &ns.folder("results")?).await?;
        assert!(done.len() > 10, "{done:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_s3_server_lists_more_than_a_page() -> Result<()> {
    with_empty_namespace("pages", async |ns| {
        conformance::check_pages(&ns.store, &ns.folder("images")?).await?;
        Ok(())
    })
    .await
}
