// SPDX-License-Identifier: GPL-2.0

//! Files that appear when they are complete, or not at all.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io::{self, BufReader, IsTerminal, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result};
use nix::{
    fcntl::{openat, renameat, AtFlags, OFlag, AT_FDCWD},
    sys::stat::Mode,
    unistd::{linkat, unlinkat, UnlinkatFlags},
};

use super::{
    cgroup::open_dir,
    keeper::Keeper,
    relay::{self, ToFile},
};
use crate::{error::Error, image::Image};

/// Where an image goes.
#[derive(Debug)]
pub struct Output {
    /// For people.
    name: String,
    to: To,
}

#[derive(Debug)]
enum To {
    /// A descriptor as it is: a pipe, a socket, a block device, a file that is standard output.
    Plain(File),
    /// A file that is put in place at the end.
    Pending(Pending),
    /// A device that the kernel cannot write to.
    Device(File),
    /// Any of these, with somebody in between, who may compress.
    Relayed(ToFile, Option<Pending>),
}

impl Output {
    /// Opens it. `last_copy` says that soon nothing else may be left of what goes there.
    pub fn open(path: Option<&Path>, last_copy: bool) -> Result<Self> {
        let name = match path {
            Some(path) => path.display().to_string(),
            None => "standard output".into(),
        };
        let to = Self::find(path, last_copy).with_context(|| name.clone())?;
        Ok(Self { name, to })
    }

    fn find(path: Option<&Path>, last_copy: bool) -> Result<To> {
        let file = match path.map(|path| (path, fs::metadata(path))) {
            None => File::from(io::stdout().as_fd().try_clone_to_owned()?),
            Some((path, Ok(found))) if !found.is_file() => {
                OpenOptions::new().write(true).open(path)?
            }
            Some((path, _)) => return Ok(To::Pending(Pending::create(path, last_copy)?)),
        };
        if file.is_terminal() {
            let what = "this is a terminal: use `> FILE`, `| COMMAND` or `-o FILE`";
            return Err(Error::Usage(what.into()).into());
        }
        if !relay::is_needed(&file)? {
            return Ok(To::Plain(file));
        }
        if last_copy {
            let what = "--kill: the kernel cannot tell whether the image has arrived there";
            return Err(Error::Usage(what.into()).into());
        }
        Ok(To::Device(file))
    }

    /// Has somebody see to it that a complete image is in place even when this process is killed.
    /// There must be no threads, and nothing open for whose end somebody waits.
    pub fn with_keeper(mut self) -> Result<Self> {
        if let To::Pending(pending) = &mut self.to {
            pending.keeper = Some(Keeper::start(|| pending.rescue())?);
        }
        Ok(self)
    }

    /// Makes it ready to be written to; with a level, to be compressed. From now on there may be a
    /// thread.
    pub fn start(self, level: Option<i32>) -> Result<Self> {
        let relay = |file| ToFile::start(file, level).context("a thread");
        let to = match (self.to, level) {
            (To::Device(file), _) | (To::Plain(file), Some(_)) => To::Relayed(relay(file)?, None),
            (To::Pending(pending), Some(_)) => {
                To::Relayed(relay(pending.file.try_clone()?)?, Some(pending))
            }
            (to, _) => to,
        };
        Ok(Self { to, ..self })
    }

    /// Where to ask whether what was written has arrived, if that is not certain anyway.
    pub fn confirm(&self) -> Option<BorrowedFd<'_>> {
        match &self.to {
            To::Relayed(relay, _) => Some(relay.confirm()),
            _ => None,
        }
    }

    /// The descriptor to write to.
    pub fn fd(&self) -> BorrowedFd<'_> {
        match &self.to {
            To::Plain(file) | To::Device(file) => file.as_fd(),
            To::Pending(pending) => pending.file.as_fd(),
            To::Relayed(relay, _) => relay.fd(),
        }
    }

    /// Waits until what was written has arrived, if that is not certain anyway. An error here is the
    /// cause of one in writing.
    pub fn settle(self) -> Result<Settled> {
        match self.to {
            To::Plain(_) | To::Device(_) => Ok(Settled(None)),
            To::Pending(pending) => Ok(Settled(Some((self.name, pending)))),
            To::Relayed(relay, pending) => match relay.finish() {
                Ok(()) => Ok(Settled(pending.map(|pending| (self.name, pending)))),
                Err(err) => Err(err).context(self.name),
            },
        }
    }
}

/// An output that nothing is written to any more.
#[derive(Debug)]
pub struct Settled(Option<(String, Pending)>);

impl Settled {
    /// Puts a file in place.
    pub fn commit(self) -> Result<()> {
        match self.0 {
            None => Ok(()),
            Some((name, pending)) => pending.commit().context(name),
        }
    }
}

/// A file that is not in place yet. Only its owner can read it, because images hold the memory of
/// processes.
#[derive(Debug)]
pub struct Pending {
    file: File,
    dir: OwnedFd,
    name: OsString,
    /// Name until the file is in place, if it has one.
    temporary: Option<OsString>,
    /// Who puts it in place if this process cannot.
    keeper: Option<Keeper>,
}

impl Pending {
    fn create(path: &Path, last_copy: bool) -> io::Result<Self> {
        // Through a symbolic link, to where it leads.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = path
            .file_name()
            .ok_or(io::ErrorKind::IsADirectory)?
            .to_owned();
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let dir = open_dir(parent)?;

        // A file without a name vanishes by itself. But when the container is killed on the way,
        // the image must not vanish with crctl.
        let nameless = match last_copy {
            true => Err(io::ErrorKind::Unsupported.into()),
            false => OpenOptions::new()
                .write(true)
                .mode(0o600)
                .custom_flags(libc::O_TMPFILE)
                .open(parent),
        };
        let (file, temporary) = match nameless {
            Ok(file) => (file, None),
            Err(_) => {
                let temporary = temporary_name(&name);
                let file = create(dir.as_fd(), &temporary, 0o600)?;
                nix::unistd::fsync(&dir)?;
                (file, Some(temporary))
            }
        };
        Ok(Self {
            file,
            dir,
            name,
            temporary,
            keeper: None,
        })
    }

    /// Puts the file in place if it is an image, all of it; or removes it.
    fn rescue(&self) {
        let Some(temporary) = &self.temporary else {
            return;
        };
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        // If there is none, it is in place.
        let Ok(file) = openat(&self.dir, &**temporary, flags, Mode::empty()).map(File::from) else {
            return;
        };
        let image = BufReader::with_capacity(1 << 18, &file);
        let _ = match Image::load(image).is_ok() && file.sync_all().is_ok() {
            true => renameat(&self.dir, &**temporary, &self.dir, &*self.name),
            false => unlinkat(&self.dir, &**temporary, UnlinkatFlags::NoRemoveDir),
        };
        let _ = nix::unistd::fsync(&self.dir);
    }

    fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let temporary = match &self.temporary {
            Some(temporary) => temporary,
            None => {
                let temporary = temporary_name(&self.name);
                let link = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                let flags = AtFlags::AT_SYMLINK_FOLLOW;
                linkat(AT_FDCWD, Path::new(&link), &self.dir, &*temporary, flags)?;
                self.temporary.insert(temporary)
            }
        };
        renameat(&self.dir, temporary.as_os_str(), &self.dir, &*self.name)?;
        self.temporary = None;
        Ok(nix::unistd::fsync(&self.dir)?)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = unlinkat(&self.dir, &**temporary, UnlinkatFlags::NoRemoveDir);
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.dismiss();
        }
    }
}

fn temporary_name(name: &OsStr) -> OsString {
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", process::id()));
    temporary
}

fn create(dir: BorrowedFd<'_>, name: &OsStr, mode: u32) -> nix::Result<File> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    openat(dir, name, flags, Mode::from_bits_truncate(mode)).map(File::from)
}

/// A file for a pid. Its directory is opened early, while paths still mean what the user meant.
#[derive(Debug)]
pub struct PidFile {
    dir: OwnedFd,
    path: PathBuf,
    name: OsString,
}

impl PidFile {
    /// Opens the directory.
    pub fn prepare(path: &Path) -> Result<Self> {
        let context = || path.display().to_string();
        let name = path.file_name().with_context(context)?.to_owned();
        let dir = match path.parent() {
            Some(parent) if parent != Path::new("") => open_dir(parent),
            _ => open_dir(Path::new(".")),
        };
        Ok(Self {
            dir: dir.with_context(context)?,
            path: path.to_owned(),
            name,
        })
    }

    /// Writes the file.
    pub fn write(&self, pid: i32) -> Result<()> {
        let temporary = temporary_name(&self.name);
        let write = || -> io::Result<()> {
            let mut file = create(self.dir.as_fd(), &temporary, 0o644)?;
            writeln!(file, "{pid}")?;
            Ok(renameat(&self.dir, &*temporary, &self.dir, &*self.name)?)
        };
        write()
            .inspect_err(|_| {
                let _ = unlinkat(&self.dir, &*temporary, UnlinkatFlags::NoRemoveDir);
            })
            .with_context(|| self.path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn appears_when_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("img");
        for last_copy in [false, true] {
            fs::write(&path, "old").unwrap();
            let entries = || fs::read_dir(dir.path()).unwrap().count();

            let output = Output::open(Some(&path), last_copy).unwrap();
            let mut file = File::from(output.fd().try_clone_to_owned().unwrap());
            file.write_all(b"new").unwrap();
            drop(output);
            assert_eq!(fs::read(&path).unwrap(), b"old");
            assert_eq!(entries(), 1);

            let output = Output::open(Some(&path), last_copy).unwrap();
            let mut file = File::from(output.fd().try_clone_to_owned().unwrap());
            file.write_all(b"new").unwrap();
            output.settle().unwrap().commit().unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert_eq!(entries(), 1);
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn only_images_are_rescued() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("img");
        let output = Output::open(Some(&path), true).unwrap();
        let To::Pending(pending) = &output.to else {
            panic!("not a file");
        };
        (&pending.file).write_all(b"half an image").unwrap();
        pending.rescue();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn devices_are_not_replaced() {
        let null = Some(Path::new("/dev/null"));
        let output = Output::open(null, false).unwrap();
        assert!(matches!(output.to, To::Device(_)));
        let output = output.start(None).unwrap();
        output.settle().unwrap().commit().unwrap();
        let err = Output::open(null, true).unwrap_err();
        assert_eq!(crate::error::code(&err), Code::Usage);
    }

    #[test]
    fn pid_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        PidFile::prepare(&path).unwrap().write(17).unwrap();
        PidFile::prepare(&path).unwrap().write(18).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "18\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(PidFile::prepare(&dir.path().join("no/pid")).is_err());
    }
}
