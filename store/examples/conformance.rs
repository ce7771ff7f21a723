//! Runs the conformance suite against the server of the AWS_* variables, below the prefix given
//! (`cargo run --release -p tessera-store --example conformance s3://bucket/prefix/`), and deletes that prefix.

use anyhow::Context;
use tessera_store::{Prefix, S3Store, StoreConfig, conformance};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let prefix = std::env::args().nth(1).context("give a prefix, as in s3://bucket/prefix/")?;
    let prefix: Prefix = prefix.parse()?;
    let store = S3Store::new(&StoreConfig::from_env()?)?;
    let mut done = conformance::check(&store, &prefix).await?;
    done.extend(conformance::check_pages(&store, &prefix).await?);
    for case in &done {
        println!("ok  {}", case.replace('_', " "));
    }
    println!("{} cases", done.len());
    Ok(())
}
