//! Outlines kept from one scan to the next, by the hash of what they were made from.
//!
//! Reading source is the most of a scan, and between two scans nearly every file stays the same. A
//! cache is one file in a folder that somebody names. It holds what the last scan used and nothing
//! else, so it does not grow; and what other code than this wrote, or somebody cut short, is not
//! believed. Whoever can write the folder can choose what a scan sees: it is as trusted as the
//! sources beside it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};

use crate::syntax::{Language, Outline};

/// The name of the file.
const NAME: &str = "outlines.cache";
/// What a cache may hold. What does not fit is read anew each time.
const BYTES_MAX: usize = 64 << 20;
/// The code that makes outlines. A cache of another reading is of no use, whatever its version.
const READER: [&str; 8] = [
    include_str!("syntax/language.rs"),
    include_str!("syntax/lower.rs"),
    include_str!("syntax/lower/look.rs"),
    include_str!("syntax/lower/stand_in.rs"),
    include_str!("syntax/node.rs"),
    include_str!("syntax/outline.rs"),
    include_str!("syntax/route.rs"),
    include_str!("syntax/words.rs"),
];

/// What an outline was made from: the language, the path and the text.
pub(crate) type Key = [u8; 32];

/// The outlines of the last scan, and those of this one.
#[derive(Debug)]
pub(crate) struct Cache {
    file: PathBuf,
    /// What the file held, beyond its head.
    body: Vec<u8>,
    /// Where in the body each outline stands, and whether this scan used it.
    known: HashMap<Key, (std::ops::Range<usize>, AtomicBool)>,
    fresh: Mutex<Vec<(Key, Vec<u8>)>>,
    hits: AtomicUsize,
    bytes_max: usize,
}

/// What stands for this text in this place.
pub(crate) fn key(language: Language, path: &str, text: &str) -> Key {
    let mut hash = Sha256::new();
    for part in [language.word(), path] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    // TypeScript with and without JSX share a word and not a grammar.
    hash.update([u8::from(language == Language::Tsx)]);
    hash.update(text);
    hash.finalize().into()
}

impl Cache {
    /// Opens the cache in a folder, which is made if it is not there. What cannot be believed is
    /// as good as empty.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        Self::bounded(folder, BYTES_MAX)
    }

    fn bounded(folder: &Path, bytes_max: usize) -> io::Result<Self> {
        let told = |error: io::Error| {
            let what = format!("the cache in {}: {error}", folder.display());
            io::Error::new(error.kind(), what)
        };
        fs::create_dir_all(folder).map_err(told)?;
        let file = folder.join(NAME);
        let body = read(&file, bytes_max).map_err(told)?.unwrap_or_default();
        let known = index(&body);
        Ok(Self {
            file,
            body,
            known,
            fresh: Mutex::new(Vec::new()),
            hits: AtomicUsize::new(0),
            bytes_max,
        })
    }

    /// The outline that was made of the same before.
    pub(crate) fn find(&self, key: &Key) -> Option<Outline> {
        let (range, used) = self.known.get(key)?;
        let outline = postcard::from_bytes(self.body.get(range.clone())?).ok()?;
        used.store(true, Ordering::Relaxed);
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(outline)
    }

    /// Keeps an outline for the next scan.
    pub(crate) fn keep(&self, key: Key, outline: &Outline) {
        if let Ok(bytes) = postcard::to_stdvec(outline) {
            let mut fresh = self.fresh.lock().expect("nobody panics while it is held");
            fresh.push((key, bytes));
        }
    }

    /// Writes what this scan used, and says how many outlines it found here.
    pub(crate) fn close(self) -> io::Result<usize> {
        let hits = self.hits.into_inner();
        let mut fresh = self.fresh.into_inner().expect("nobody panicked");
        let unused = self
            .known
            .values()
            .any(|(_, used)| !used.load(Ordering::Relaxed));
        if fresh.is_empty() && !unused {
            return Ok(hits);
        }
        fresh.sort();
        let kept = self
            .known
            .iter()
            .filter(|(_, (_, used))| used.load(Ordering::Relaxed))
            .filter_map(|(key, (range, _))| Some((key, self.body.get(range.clone())?)));
        let all = kept.chain(fresh.iter().map(|(key, bytes)| (key, bytes.as_slice())));
        // Written beside and moved over, so that a scan at the same time reads one or the other.
        let beside = self.file.with_extension(std::process::id().to_string());
        let written =
            write(&beside, all, self.bytes_max).and_then(|()| fs::rename(&beside, &self.file));
        written.map(|()| hits).map_err(|error| {
            let _ = fs::remove_file(&beside);
            let what = format!("{} cannot be written: {error}", self.file.display());
            io::Error::new(error.kind(), what)
        })
    }
}

/// Writes a cache file: what it holds goes out piece by piece, and its head last.
fn write<'a>(
    file: &Path,
    outlines: impl Iterator<Item = (&'a Key, &'a [u8])>,
    bytes_max: usize,
) -> io::Result<()> {
    // What lies there is of a scan that was cut short, or a trap: it is replaced, never opened.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = io::BufWriter::new(File::create_new(file)?);
    out.write_all(&[0; 64])?;
    let (mut body, mut length) = (Sha256::new(), 0);
    for (key, bytes) in outlines {
        let size = key.len() + 4 + bytes.len();
        let Ok(own) = u32::try_from(bytes.len()) else {
            continue;
        };
        if length + size > bytes_max {
            continue;
        }
        length += size;
        for piece in [&key[..], &own.to_le_bytes(), bytes] {
            body.update(piece);
            out.write_all(piece)?;
        }
    }
    out.seek(io::SeekFrom::Start(0))?;
    out.write_all(&head(body))?;
    out.flush()
}

/// The code that wrote it, and what it wrote.
fn head(body: Sha256) -> [u8; 64] {
    let mut reader = Sha256::new();
    for source in READER {
        reader.update(source);
    }
    let mut head = [0; 64];
    head[..32].copy_from_slice(&reader.finalize());
    head[32..].copy_from_slice(&body.finalize());
    head
}

/// The body of a cache file, or nothing where there is none that this code wrote whole.
fn read(file: &Path, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // Opening a pipe would wait for somebody to write, and a link leads elsewhere.
        Ok(found) if !found.is_file() => {
            let what = format!("{NAME} is no file: remove it, or name another folder");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        found => found?,
    };
    let mut bytes = Vec::new();
    File::open(file)?
        .take(bytes_max as u64 + 65)
        .read_to_end(&mut bytes)?;
    if bytes.len() < 64 || bytes.len() > bytes_max + 64 {
        return Ok(None);
    }
    let body = bytes.split_off(64);
    let expected = head(Sha256::new_with_prefix(&body));
    Ok((expected[..] == bytes[..]).then_some(body))
}

fn index(body: &[u8]) -> HashMap<Key, (std::ops::Range<usize>, AtomicBool)> {
    let mut out = HashMap::new();
    let mut at = 0;
    while let Some((key, length)) = entry(body, at) {
        let from = at + 36;
        let Some(to) = from.checked_add(length).filter(|to| *to <= body.len()) else {
            break;
        };
        out.insert(key, (from..to, AtomicBool::new(false)));
        at = to;
    }
    out
}

fn entry(body: &[u8], at: usize) -> Option<(Key, usize)> {
    let key = body.get(at..at + 32)?.try_into().ok()?;
    let length: [u8; 4] = body.get(at + 32..at + 36)?.try_into().ok()?;
    Some((key, u32::from_le_bytes(length) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(import: &str) -> Outline {
        Outline {
            imports: vec![import.to_owned()],
            ..Outline::default()
        }
    }

    fn filled(folder: &Path, imports: &[&str]) -> io::Result<()> {
        let cache = Cache::open(folder)?;
        for import in imports {
            cache.keep(key(Language::Python, "a.py", import), &outline(import));
        }
        cache.close().map(|_| ())
    }

    #[test]
    fn given_a_cache_when_opened_again_then_it_answers_for_the_same_text_in_the_same_place_only() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        filled(folder.path(), &["x"]).expect("it can be written");

        let cache = Cache::open(folder.path()).expect("it can be read");

        let found = |language, path, text| cache.find(&key(language, path, text));
        let same = found(Language::Python, "a.py", "x").expect("it was kept");
        assert_eq!(same.imports, ["x"]);
        assert!(found(Language::Python, "a.py", "y").is_none());
        assert!(found(Language::Python, "urls.py", "x").is_none());
        assert!(found(Language::Ruby, "a.py", "x").is_none());
    }

    #[test]
    fn given_a_cache_that_other_code_wrote_or_that_was_cut_short_when_opened_then_it_is_empty() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        filled(folder.path(), &["x"]).expect("it can be written");
        let file = folder.path().join(NAME);
        let whole = fs::read(&file).expect("it is there");
        let mut other = whole.clone();
        other[0] ^= 1;
        let mut changed = whole.clone();
        *changed.last_mut().expect("it is not empty") ^= 1;

        for bytes in [
            &other,
            &changed,
            &whole[..whole.len() - 1].to_vec(),
            &Vec::new(),
        ] {
            fs::write(&file, bytes).expect("it can be written");
            let cache = Cache::open(folder.path()).expect("it can be read");
            assert!(cache.known.is_empty());
        }
        fs::write(&file, &whole).expect("it can be written");
        assert_eq!(
            Cache::open(folder.path())
                .expect("it can be read")
                .known
                .len(),
            1
        );
    }

    #[cfg(unix)]
    #[test]
    fn given_a_pipe_in_place_of_a_cache_when_opened_then_that_is_said_and_nobody_waits() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join(NAME))
            .status()
            .expect("mkfifo is there");
        assert!(made.success());

        let error = Cache::open(folder.path()).expect_err("a pipe is no cache");

        assert!(error.to_string().contains("is no file"), "{error}");
    }

    /// A link by the name that is written first had made us write what it leads to.
    #[cfg(unix)]
    #[test]
    fn given_a_link_by_the_name_that_is_written_first_when_closed_then_it_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "ours").expect("a file can be written");
        let beside = folder
            .path()
            .join(NAME)
            .with_extension(std::process::id().to_string());
        std::os::unix::fs::symlink(&elsewhere, &beside).expect("a link can be made");

        filled(folder.path(), &["x"]).expect("it can be written");

        assert_eq!(fs::read(&elsewhere).expect("it is there"), b"ours");
        let cache = Cache::open(folder.path()).expect("it can be read");
        assert_eq!(cache.known.len(), 1);
    }

    #[test]
    fn given_outlines_that_nobody_used_or_that_do_not_fit_when_closed_then_they_are_gone() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        filled(folder.path(), &["x", "y"]).expect("it can be written");

        let cache = Cache::open(folder.path()).expect("it can be read");
        assert!(cache.find(&key(Language::Python, "a.py", "x")).is_some());
        assert_eq!(cache.close().expect("it can be written"), 1);
        let after = Cache::open(folder.path()).expect("it can be read");
        assert_eq!(after.known.len(), 1);

        let small = Cache::bounded(folder.path(), 100).expect("it can be read");
        small.keep(
            key(Language::Python, "a.py", "z"),
            &outline(&"z".repeat(200)),
        );
        small.close().expect("it can be written");
        let length = fs::metadata(folder.path().join(NAME))
            .expect("it is there")
            .len();
        assert!(length <= 164, "{length} bytes");
    }
}
