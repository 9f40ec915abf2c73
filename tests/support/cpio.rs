//! An initramfs: files and links in the archive format the kernel unpacks.
//!
//! Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst ("newc").

use std::collections::BTreeMap;

/// Regular file, directory and symbolic link in a mode.
const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// The content of the archive, by path without the leading slash. Parent directories come by themselves.
#[derive(Debug, Default)]
pub struct Archive(BTreeMap<String, (u32, Vec<u8>)>);

impl Archive {
    /// Adds an executable file.
    pub fn file(&mut self, path: &str, content: Vec<u8>) {
        self.put(path, FILE | 0o755, content);
    }

    /// Adds an empty directory.
    pub fn directory(&mut self, path: &str) {
        self.put(path, DIRECTORY | 0o755, Vec::new());
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.put(path, LINK | 0o777, target.into());
    }

    fn put(&mut self, path: &str, mode: u32, content: Vec<u8>) {
        for (at, _) in path.match_indices('/') {
            self.0.entry(path[..at].into()).or_insert((DIRECTORY | 0o755, Vec::new()));
        }
        self.0.insert(path.into(), (mode, content));
    }

    /// The archive. In path order, so that directories come before their files.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (inode, (path, (mode, content))) in self.0.iter().enumerate() {
            entry(&mut out, inode as u32 + 1, path, *mode, content);
        }
        entry(&mut out, 0, "TRAILER!!!", 0, &[]);
        out
    }
}

fn entry(out: &mut Vec<u8>, inode: u32, path: &str, mode: u32, content: &[u8]) {
    let links = 1;
    // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    let len = content.len() as u32;
    let fields = [inode, mode, 0, 0, links, 0, len, 0, 0, 0, 0, path.len() as u32 + 1, 0];
    out.extend(b"070701");
    for field in fields {
        out.extend(format!("{field:08X}").bytes());
    }
    out.extend(path.bytes());
    out.push(0);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(content);
    out.resize(out.len().next_multiple_of(4), 0);
}
