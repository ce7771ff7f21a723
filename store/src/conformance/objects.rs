//! The cases of whole objects, ranges and listings. Each uses names of its own below the prefix.

use bytes::Bytes;

use super::{Bench, Broken, Checked, fails, noise, same};
use crate::{ErrorKind, Location, Metadata, PutOptions, Scheme};

const PAGE: usize = 1000;

pub(super) async fn an_object_comes_back_as_it_was_put(bench: &Bench<'_>) -> Checked {
    let at = bench.at("put/object.tif")?;
    let metadata = Metadata::from([("job".to_owned(), "7b6f-uid".to_owned())]);
    let options =
        PutOptions { metadata, content_type: Some("image/tiff".to_owned()), ..PutOptions::default() };
    let body = noise(100_000, 1);
    let etag = bench.store.put(&at, body.clone(), &options).await?;
    let head = bench.store.head(&at).await?;
    same("size", head.size, 100_000)?;
    same("tag", &head.etag, &etag)?;
    same("address", &head.at, &at)?;
    if at.scheme() == Scheme::S3 {
        same("metadata", &head.metadata, &options.metadata)?;
    }
    let (info, bytes) = bench.store.get(&at).await?;
    same("info", info, head)?;
    same("bytes", bytes, body)
}

pub(super) async fn an_empty_object_is_an_object(bench: &Bench<'_>) -> Checked {
    let at = bench.at("empty")?;
    bench.store.put(&at, Bytes::new(), &PutOptions::default()).await?;
    same("size", bench.store.head(&at).await?.size, 0)?;
    same("bytes", bench.store.get(&at).await?.1, Bytes::new())
}

pub(super) async fn a_range_is_exactly_the_bytes_asked_for(bench: &Bench<'_>) -> Checked {
    let at = bench.at("ranges")?;
    let body = noise(10_000, 2);
    let etag = bench.store.put(&at, body.clone(), &PutOptions::default()).await?;
    for (start, end) in [(0, 1), (0, 10_000), (9_999, 10_000), (17, 4_099)] {
        let bytes = bench.store.get_range(&at, start as u64..end as u64, Some(&etag)).await?;
        same("bytes of a range", bytes, body.slice(start..end))?;
    }
    same("an empty range", bench.store.get_range(&at, 5..5, None).await?, Bytes::new())?;
    let beyond = bench.store.get_range(&at, 9_000..10_001, None).await;
    fails("a range over the end", beyond, ErrorKind::Invalid)?;
    fails("a range after the end", bench.store.get_range(&at, 10_000..10_001, None).await, ErrorKind::Invalid)
}

pub(super) async fn a_changed_object_is_noticed(bench: &Bench<'_>) -> Checked {
    let at = bench.at("changed")?;
    let old = bench.store.put(&at, noise(100, 3), &PutOptions::default()).await?;
    let new = bench.store.put(&at, noise(100, 4), &PutOptions::default()).await?;
    fails("the old tag", bench.store.get_range(&at, 0..10, Some(&old)).await, ErrorKind::Changed)?;
    let bytes = bench.store.get_range(&at, 0..10, Some(&new)).await?;
    same("bytes with the new tag", bytes, noise(10, 4))
}

pub(super) async fn what_is_missing_is_said_to_be_missing(bench: &Bench<'_>) -> Checked {
    let at = bench.at("missing/object")?;
    fails("head", bench.store.head(&at).await, ErrorKind::NotFound)?;
    fails("get", bench.store.get(&at).await, ErrorKind::NotFound)?;
    fails("get a range", bench.store.get_range(&at, 0..1, None).await, ErrorKind::NotFound)?;
    let nothing = bench.prefix.folder("missing")?;
    same("listing", bench.store.list(&nothing, None).await?, Vec::new())?;
    if at.scheme() == Scheme::File {
        return Ok(());
    }
    let at = Location::new("tessera-no-such-bucket", "object")?;
    fails("head in a missing bucket", bench.store.head(&at).await, ErrorKind::NoSuchBucket)?;
    let put = bench.store.put(&at, Bytes::new(), &PutOptions::default()).await;
    fails("put into a missing bucket", put, ErrorKind::NoSuchBucket)?;
    let list = bench.store.list(&at.parent(), None).await;
    fails("list a missing bucket", list, ErrorKind::NoSuchBucket)
}

pub(super) async fn an_existing_object_is_not_replaced_if_so_asked(bench: &Bench<'_>) -> Checked {
    let at = bench.at("absent")?;
    let options = PutOptions { if_absent: true, ..PutOptions::default() };
    bench.store.put(&at, noise(10, 5), &options).await?;
    let again = bench.store.put(&at, noise(10, 6), &options).await;
    fails("put over an object", again, ErrorKind::Exists)?;
    same("bytes", bench.store.get(&at).await?.1, noise(10, 5))?;
    bench.store.put(&at, noise(10, 6), &PutOptions::default()).await?;
    same("bytes after a plain put", bench.store.get(&at).await?.1, noise(10, 6))
}

pub(super) async fn a_listing_is_in_order_and_of_the_prefix_alone(bench: &Bench<'_>) -> Checked {
    for name in ["list/b/2", "list/a", "list/b/10", "list/b-c", "list2", "list/B"] {
        bench.store.put(&bench.at(name)?, noise(3, 7), &PutOptions::default()).await?;
    }
    let prefix = bench.prefix.folder("list")?;
    let listed = bench.store.list(&prefix, None).await?;
    let wanted = ["list/B", "list/a", "list/b-c", "list/b/10", "list/b/2"];
    let wanted = wanted.iter().map(|name| bench.at(name)).collect::<Result<Vec<_>, _>>()?;
    same("addresses", listed.iter().map(|info| info.at.clone()).collect(), wanted.clone())?;
    same("a size", listed[0].size, 3)?;
    same("a tag", &listed[0].etag, &bench.store.head(&listed[0].at).await?.etag)?;
    let rest = bench.store.list(&prefix, Some(&wanted[2])).await?;
    same("addresses after one", rest.into_iter().map(|info| info.at).collect(), wanted[3..].to_vec())
}

pub(super) async fn a_folder_is_shown_page_by_page(bench: &Bench<'_>) -> Checked {
    for name in ["shown/b/2", "shown/a", "shown/b/10", "shown/b-c", "shown/d/e/f"] {
        bench.store.put(&bench.at(name)?, noise(3, 7), &PutOptions::default()).await?;
    }
    let prefix = bench.prefix.folder("shown")?;
    let (mut objects, mut folders, mut from, mut pages) = (Vec::new(), Vec::new(), None, 0);
    loop {
        let page = bench.store.browse(&prefix, from.as_deref(), 3).await?;
        objects.extend(page.objects.iter().map(|info| info.at.name().to_owned()));
        folders.extend(page.folders.iter().map(|folder| folder.path().to_owned()));
        (from, pages) = (page.next, pages + 1);
        if from.is_none() {
            break;
        }
    }
    same("objects", objects, ["a", "b-c"].map(str::to_owned).to_vec())?;
    let wanted = ["b/", "d/"].map(|name| format!("{}{name}", prefix.path())).to_vec();
    same("folders", folders, wanted)?;
    same("pages", pages, 2)
}

pub(super) async fn keys_with_unusual_characters_are_kept(bench: &Bench<'_>) -> Checked {
    let names = ["odd/a b+c", "odd/über 图", "odd/50%25", "odd/q?x=1&y#z", "odd/(a)*'!~=@,;:$"];
    let mut wanted = names.iter().map(|name| bench.at(name)).collect::<Result<Vec<_>, Broken>>()?;
    for at in &wanted {
        bench.store.put(at, noise(9, 8), &PutOptions::default()).await?;
        same("bytes", bench.store.get(at).await?.1, noise(9, 8))?;
    }
    wanted.sort();
    let prefix = bench.prefix.folder("odd")?;
    let listed = bench.store.list(&prefix, None).await?;
    same("addresses", listed.into_iter().map(|info| info.at).collect(), wanted)?;
    same("deleted", bench.store.delete_all(&prefix).await?, names.len() as u64)?;
    same("left", bench.store.list(&prefix, None).await?.len(), 0)
}

pub(super) async fn deleting_twice_is_deleting_once(bench: &Bench<'_>) -> Checked {
    let (a, b) = (bench.at("delete/a")?, bench.at("delete/b")?);
    bench.store.put(&a, noise(9, 9), &PutOptions::default()).await?;
    bench.store.delete(&[a.clone(), b.clone()]).await?;
    bench.store.delete(&[a.clone(), b]).await?;
    bench.store.delete(&[]).await?;
    fails("head", bench.store.head(&a).await, ErrorKind::NotFound)
}

pub(super) async fn all_pages_are_listed(bench: &Bench<'_>) -> Checked {
    let prefix = bench.prefix.folder("pages")?;
    let all = PAGE + 5;
    for index in 0..all {
        bench
            .store
            .put(&prefix.object(&format!("{index:05}"))?, Bytes::new(), &PutOptions::default())
            .await?;
    }
    same("listed", bench.store.list(&prefix, None).await?.len(), all)?;
    same("deleted", bench.store.delete_all(&prefix).await?, all as u64)?;
    same("left", bench.store.list(&prefix, None).await?.len(), 0)
}
