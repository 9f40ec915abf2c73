//! The folder of a rehearsal: the result is there whole or not at all, and the one before it is kept aside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The list of everything a rehearsal made: a folder with it is a rehearsal's.
pub(super) const LIST: &str = "made.sha256";
/// Room a rehearsal needs at most. Units: bytes.
const RESULT_LEN_MAX: usize = 4 << 20;

/// Why a folder is not taken.
#[derive(Debug, Error)]
pub enum FolderError {
    /// It holds something else.
    #[error("{} exists already, and no rehearsal made it: there is no {LIST} in it; name another folder with --folder", .0.display())]
    Foreign(PathBuf),
    /// The system failed.
    #[error("nothing can be kept in {}: make room, or name another folder with --folder", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// The folder for the results of a rehearsal.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder that can be taken, checked before anything is rehearsed: it holds an older rehearsal or nothing, and
    /// there is room for another.
    ///
    /// Errors: the folder holds other things, or the system would not keep a result.
    pub(super) fn ready(path: &Path) -> Result<Self, FolderError> {
        let folder = Self(path.to_owned());
        for path in [path, &folder.before(), &folder.unfinished()] {
            folder.check(path)?;
        }
        folder.whole(|new| fs::write(new.join(LIST), vec![0; RESULT_LEN_MAX]))?;
        folder.clear(&folder.unfinished())?;
        Ok(folder)
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the older result is kept.
    fn before(&self) -> PathBuf {
        beside(&self.0, ".before")
    }

    /// Where a result is written until it is whole.
    fn unfinished(&self) -> PathBuf {
        beside(&self.0, ".new")
    }

    fn io(&self, source: io::Error) -> FolderError {
        FolderError::Io { path: self.0.clone(), source }
    }

    /// Only the results of a rehearsal may be there.
    fn check(&self, path: &Path) -> Result<(), FolderError> {
        if path.symlink_metadata().is_err() || path.join(LIST).is_file() {
            return Ok(());
        }
        let empty = path.is_dir() && fs::read_dir(path).map_err(|error| self.io(error))?.next().is_none();
        if empty { Ok(()) } else { Err(FolderError::Foreign(path.to_owned())) }
    }

    /// Removes a folder that was checked.
    fn clear(&self, path: &Path) -> Result<(), FolderError> {
        self.check(path)?;
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io(error)),
            _ => Ok(()),
        }
    }

    /// Lets `write` fill a new folder; nothing is left of it if that fails.
    fn whole(&self, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), FolderError> {
        let new = self.unfinished();
        self.clear(&new)?;
        let written = fs::create_dir_all(&new).and_then(|()| write(&new));
        written.map_err(|error| {
            // The reason for the failure is told, not a second one.
            let _ = fs::remove_dir_all(&new);
            self.io(error)
        })
    }

    /// Lets `write` fill the folder; it writes the list first. The older contents are kept aside: returns their new
    /// place, if there were any.
    ///
    /// Errors: the folder could not be written. Its older contents are still there.
    pub(super) fn fill(&self, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<Option<PathBuf>, FolderError> {
        self.whole(write)?;
        let older = self.0.join(LIST).is_file();
        if older {
            self.clear(&self.before())?;
            fs::rename(&self.0, self.before()).map_err(|error| self.io(error))?;
        }
        // An empty folder is replaced.
        fs::rename(self.unfinished(), &self.0).map_err(|error| self.io(error))?;
        Ok(older.then(|| self.before()))
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place of this test's own, gone with it.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("conclave-folder-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> =
                fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn number(path: &Path) -> String {
        fs::read_to_string(path.join(LIST)).unwrap()
    }

    #[test]
    fn the_result_before_is_kept_aside_and_none_before_that() {
        let place = Place::new("aside");
        let path = place.0.join("rehearsal");
        for run in 1..=4 {
            let folder = Folder::ready(&path).unwrap();
            let before = folder.fill(|new| fs::write(new.join(LIST), run.to_string())).unwrap();
            assert_eq!(number(&path), run.to_string());
            assert_eq!(before.as_deref().map(number), (run > 1).then(|| (run - 1).to_string()));
        }
        assert_eq!(place.names(), ["rehearsal", "rehearsal.before"]);
    }

    #[test]
    fn what_fails_halfway_leaves_the_older_result_and_nothing_of_itself() {
        let place = Place::new("halfway");
        let path = place.0.join("rehearsal");
        let folder = Folder::ready(&path).unwrap();
        folder.fill(|new| fs::write(new.join(LIST), "1")).unwrap();
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let failed = folder.fill(|new| fs::write(new.join(LIST), "2").and(Err(full()))).unwrap_err();
        assert!(failed.to_string().contains("make room"), "{failed}");
        assert_eq!((number(&path).as_str(), place.names()), ("1", vec!["rehearsal".to_owned()]));
        // One that was killed halfway is cleared away by the next.
        fs::create_dir(place.0.join("rehearsal.new")).unwrap();
        fs::write(place.0.join("rehearsal.new").join(LIST), "half").unwrap();
        Folder::ready(&path).unwrap();
        assert_eq!(place.names(), ["rehearsal"]);
    }

    #[test]
    fn what_no_rehearsal_made_is_neither_moved_nor_removed() {
        let place = Place::new("foreign");
        let path = place.0.join("rehearsal");
        for name in ["rehearsal", "rehearsal.before", "rehearsal.new"] {
            let theirs = place.0.join(name);
            fs::create_dir(&theirs).unwrap();
            Folder::ready(&path).unwrap();
            fs::create_dir_all(&theirs).unwrap();
            fs::write(theirs.join("letter"), "Dear Sir or Madam").unwrap();
            let refused = Folder::ready(&path).unwrap_err();
            assert!(matches!(&refused, FolderError::Foreign(at) if *at == theirs), "{refused}");
            fs::remove_dir_all(&theirs).unwrap();
        }
    }
}
