//! A package archive in a folder: packages, index, signature, a server on loopback, and apt told of nothing else.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conclave_publish::Digest;
use conclave_tests::scratch::Scratch;
use conclave_tests::tool::{Ran, run};

/// A package of the archive.
pub(crate) struct Deb {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its dependency, or nothing.
    pub(crate) needs: String,
    /// The content of its one file: the same version with another number has other bytes.
    pub(crate) bytes: u8,
}

/// The archive, and a tree with a lock from the time when the archive offered other packages.
pub(crate) struct Archive {
    scratch: Scratch,
    address: String,
}

fn must(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

impl Archive {
    /// Serves `now` to a tree with a lock that names `locked`.
    pub(crate) fn new(packages: &str, locked: &[Deb], now: &[Deb]) -> Self {
        let scratch = Scratch::new();
        for below in ["served/debian/pool", "locked", "tree/image", "apt/trusted", "apt/state/lists/partial", "keys"] {
            fs::create_dir_all(scratch.file(below)).unwrap();
        }
        must(Command::new("chmod").arg("700").arg(scratch.file("keys")));
        let address = serve(scratch.file("served"));
        let archive = Self { scratch, address };
        archive.key("archive");
        must(archive.gpg().arg("--export").arg("--output").arg(archive.file("apt/trusted/archive.gpg")).arg("archive"));
        archive.configure();
        let mut lock = String::new();
        for deb in locked {
            let file = archive.pack(deb, "locked");
            lock += &format!("deb {} {} amd64 {}\n", deb.name, deb.version, digest(&file));
        }
        for source in ["dosfstools", "gcc-12", "glibc", "syslinux"] {
            lock += &format!("src {source} 1 {}\n", Digest::of(source.as_bytes()));
        }
        fs::write(archive.file("tree/image/inputs.lock"), lock).unwrap();
        fs::write(archive.file("tree/image/packages.txt"), packages).unwrap();
        archive.offers(now);
        archive
    }

    /// A file beside the archive.
    pub(crate) fn file(&self, below: &str) -> PathBuf {
        self.scratch.file(below)
    }

    fn gpg(&self) -> Command {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", self.file("keys")).args(["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback"]);
        gpg.args(["--passphrase", ""]);
        gpg
    }

    fn key(&self, name: &str) {
        must(self.gpg().args(["--quick-generate-key", name, "ed25519", "sign", "1d"]));
    }

    /// apt as on a machine that has this one source and never asked it.
    fn configure(&self) {
        let at = |below: &str| self.file(below).display().to_string();
        let source = format!("deb {}/debian bookworm main\n", self.address);
        fs::write(self.file("apt/sources.list"), source).unwrap();
        let settings = [
            ("Dir::Etc::main", "/dev/null".to_owned()),
            ("Dir::Etc::parts", at("apt/none")),
            ("Dir::Etc::sourcelist", at("apt/sources.list")),
            ("Dir::Etc::sourceparts", "-".to_owned()),
            ("Dir::Etc::trusted", at("apt/none")),
            ("Dir::Etc::trustedparts", at("apt/trusted")),
            ("Dir::State", at("apt/state")),
            ("Acquire::http::Proxy", "DIRECT".to_owned()),
        ];
        let settings: String = settings.iter().map(|(name, value)| format!("{name} \"{value}\";\n")).collect();
        fs::write(self.file("apt/apt.conf"), settings).unwrap();
    }

    /// Makes a package in a folder.
    fn pack(&self, deb: &Deb, folder: &str) -> PathBuf {
        let content = self.file("content");
        let _ = fs::remove_dir_all(&content);
        fs::create_dir_all(content.join("DEBIAN")).unwrap();
        let needs = if deb.needs.is_empty() { String::new() } else { format!("Depends: {}\n", deb.needs) };
        let control = format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\nMaintainer: T <t@example.org>\n{needs}Description: a package\n",
            deb.name, deb.version
        );
        fs::write(content.join("DEBIAN/control"), control).unwrap();
        fs::write(content.join("content"), [deb.bytes]).unwrap();
        let file = self.file(folder).join(format!("{}_{}_amd64.deb", deb.name, deb.version));
        // The same bytes whenever it is made.
        let mut pack = Command::new("dpkg-deb");
        pack.env("SOURCE_DATE_EPOCH", "0").args(["--root-owner-group", "--build"]).arg(&content).arg(&file);
        must(&mut pack);
        file
    }

    /// From now on it offers these, in an index signed by its key.
    pub(crate) fn offers(&self, debs: &[Deb]) {
        let pool = self.file("served/debian/pool");
        fs::remove_dir_all(&pool).unwrap();
        fs::create_dir(&pool).unwrap();
        for deb in debs {
            self.pack(deb, "served/debian/pool");
        }
        let mut scan = Command::new("dpkg-scanpackages");
        let index = must(scan.args(["--multiversion", "pool"]).current_dir(self.file("served/debian")));
        let dist = self.file("served/debian/dists/bookworm");
        let mut listed = String::new();
        for (name, text) in [("main/binary-amd64/Packages", index.as_str()), ("main/source/Sources", "")] {
            fs::create_dir_all(dist.join(name).parent().unwrap()).unwrap();
            fs::write(dist.join(name), text).unwrap();
            listed += &format!(" {} {} {name}\n", Digest::of(text.as_bytes()), text.len());
        }
        let date = must(Command::new("date").env("LC_ALL", "C").args(["-u", "+%a, %d %b %Y %T UTC"]));
        let release = format!(
            "Origin: Debian\nLabel: Debian\nSuite: oldstable\nCodename: bookworm\nDate: {date}Architectures: amd64\n\
             Components: main\nSHA256:\n{listed}"
        );
        fs::write(dist.join("Release"), release).unwrap();
        self.sign("archive");
    }

    fn sign(&self, by: &str) {
        let dist = self.file("served/debian/dists/bookworm");
        must(
            self.gpg()
                .args(["--local-user", by, "--clearsign", "--output"])
                .args([dist.join("InRelease"), dist.join("Release")]),
        );
    }

    /// Signs the index by a key that apt does not trust.
    pub(crate) fn sign_by_another(&self) {
        self.key("another");
        self.sign("another");
    }

    /// Puts other bytes where the index says a package is.
    pub(crate) fn exchange(&self, name: &str, bytes: &[u8]) {
        fs::write(self.file(&format!("served/debian/pool/{name}_1_amd64.deb")), bytes).unwrap();
    }

    /// The entry of a package in the lock.
    pub(crate) fn locked(&self, name: &str) -> Digest {
        digest(&self.file(&format!("locked/{name}_1_amd64.deb")))
    }

    /// A folder with locked packages, under names that say nothing.
    pub(crate) fn kept(&self, names: &[&str]) -> String {
        let folder = self.file("kept");
        fs::create_dir_all(&folder).unwrap();
        for (at, name) in names.iter().enumerate() {
            fs::copy(self.file(&format!("locked/{name}_1_amd64.deb")), folder.join(format!("{at}.deb"))).unwrap();
        }
        folder.display().to_string()
    }

    /// A folder with a file that does not match its name.
    pub(crate) fn kept_as(&self, called: &str) -> String {
        let folder = self.file("kept-as");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(called), b"not this package").unwrap();
        folder.display().to_string()
    }

    /// The address of a folder with locked packages, as it lies beside a published image.
    pub(crate) fn published(&self, names: &[&str]) -> String {
        names.iter().for_each(|name| drop(self.published_as(name, name)));
        format!("{}/inputs", self.address)
    }

    /// The same with one package under the digest of another.
    pub(crate) fn published_as(&self, name: &str, called: &str) -> String {
        let folder = self.file("served/inputs");
        fs::create_dir_all(&folder).unwrap();
        let target = folder.join(format!("{}.deb", self.locked(called)));
        fs::copy(self.file(&format!("locked/{name}_1_amd64.deb")), target).unwrap();
        format!("{}/inputs", self.address)
    }

    /// Where fetched packages lie.
    pub(crate) fn cache(&self) -> PathBuf {
        self.file("cache/conclave/debs")
    }

    /// Runs the builder in the tree.
    pub(crate) fn builder(&self, words: &[&str]) -> Ran {
        let mut builder = Command::new(env!("CARGO"));
        builder.args(["run", "--quiet", "--locked", "--package", "conclave-image", "--manifest-path"]);
        builder.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).arg("--").args(words);
        builder.current_dir(self.file("tree"));
        run(self.asked(builder), "")
    }

    /// The command asks this archive and no other, with a cache of its own.
    fn asked(&self, mut command: Command) -> Command {
        command.env("APT_CONFIG", self.file("apt/apt.conf"));
        command.env("XDG_CACHE_HOME", self.file("cache")).env("no_proxy", "127.0.0.1");
        command
    }

    /// Rehearses on the image, as a person does with the lock of the archive's tree, and interrupts the rehearsal once
    /// it has said `last`. Gives the output. As root: the two files are mounted over those of this tree, and an empty
    /// folder over the image built in it.
    pub(crate) fn rehearses_until(&self, last: &str) -> String {
        let line = "mkdir -p target/image \"$0/image-of-test\"
            mount --bind \"$0/image-of-test\" target/image
            for file in inputs.lock packages.txt; do mount --bind \"$0/tree/image/$file\" \"image/$file\"; done
            exec scripts/rehearse --image --folder \"$0/rehearsal\" 2>&1";
        let mut command = Command::new("unshare");
        command.args(["--mount", "--", "bash", "-euc", line]).arg(self.scratch.path());
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).env("CARGO_TARGET_DIR", target());
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = self.asked(command).spawn().unwrap();
        let mut said = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            said += &(line.unwrap() + "\n");
            if said.contains(last) {
                break;
            }
        }
        // As Ctrl-C does in a terminal. There is no group of this id if it has ended by itself.
        let _ = Command::new("kill").args(["-INT", "--", &format!("-{}", child.id())]).status().unwrap();
        child.wait().unwrap();
        said
    }
}

/// The folder where cargo builds: code that it has built for this test is not built again.
fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

fn digest(file: &Path) -> Digest {
    Digest::of(&fs::read(file).unwrap())
}

/// Serves the files of a folder on loopback until the test ends; says where.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folder = folder.clone();
            std::thread::spawn(move || answer(stream, &folder));
        }
    });
    address
}

/// Answers one request; the connection ends with it.
fn answer(mut stream: std::net::TcpStream, folder: &Path) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let request = lines.next()?;
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let path = request.split(' ').nth(1)?.trim_start_matches('/').replace("%2b", "+");
    let (status, body) = match fs::read(folder.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}
