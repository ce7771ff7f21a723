//! One page of what lies directly in a folder of a bucket. Does no IO.

use crate::{ObjectInfo, Prefix};

/// Folders and objects, in order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folder {
    /// The folders in it.
    pub folders: Vec<Prefix>,
    /// The objects in it.
    pub objects: Vec<ObjectInfo>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

/// A folder or an object, by the text that it is ordered by.
enum Entry {
    Folder(Prefix),
    Object(ObjectInfo),
}

impl Folder {
    /// A page out of the listing of everything below `prefix`, in order of the keys.
    pub(crate) fn of(prefix: &Prefix, all: Vec<ObjectInfo>, from: Option<&str>, most: u16) -> Folder {
        let mut entries: Vec<(String, Entry)> = Vec::new();
        for object in all {
            let rest = object.at.key().strip_prefix(prefix.path()).unwrap_or_default();
            match rest.split_once('/') {
                None => entries.push((rest.to_owned(), Entry::Object(object))),
                Some((name, _)) => {
                    let name = format!("{name}/");
                    if entries.last().is_none_or(|(last, _)| *last != name) {
                        entries.extend(prefix.folder(&name).ok().map(|folder| (name, Entry::Folder(folder))));
                    }
                }
            }
        }
        entries.retain(|(name, _)| from.is_none_or(|from| name.as_str() > from));
        Folder::page(entries, usize::from(most))
    }

    fn page(mut entries: Vec<(String, Entry)>, most: usize) -> Folder {
        let more = entries.len() > most;
        entries.truncate(most);
        let mut page = Folder { next: entries.last().map(|(name, _)| name.clone()), ..Folder::default() };
        page.next = page.next.filter(|_| more);
        for (_, entry) in entries {
            match entry {
                Entry::Folder(folder) => page.folders.push(folder),
                Entry::Object(object) => page.objects.push(object),
            }
        }
        page
    }
}
