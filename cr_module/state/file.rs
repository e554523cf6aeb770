// SPDX-License-Identifier: GPL-2.0

//! Open file descriptions.
//!
//! Regular files, directories, the memory devices, and whatever was opened with O_PATH are found
//! again by their name below the root of the container's init, or, if that was removed, by another one
//! that they have; their contents are not in the image. Pipes refer to an object; see [`event`] for
//! those without a name, [`proc_task`] for files of processes in procfs, [`kernfs_file`] for sysfs and cgroups.
//! What belongs to the outside, and was declared external, is supplied at restart.
//!
//! Refused: everything else, by its name; files that are hidden by a mount;
//! files of file systems that make up their contents, but for sysfs, cgroups, and what in procfs is not
//! a process's; leases of what was removed.

use crate::{
    files::Files,
    objects::Kind,
    plan::Plan,
    report::{fail, Context, Name, Result},
    save::Save,
    state::{
        bpf, event, inet, inode, io_uring, kernfs_file, landlock,
        look::{check, Look},
        mqueue,
        name::{self, CName},
        netlink, owner, packet, pidfd, pipe, proc_task, removed_dir, socket, tcp, tty,
    },
};
use cr_codec::{
    check::{Rec, EVENT_FLAGS},
    uapi::*,
};
use cr_sys::{
    errno::{EOPNOTSUPP, ESTALE},
    file::*,
};
use kernel::prelude::*;

/// Where a file stands.
enum Place {
    /// In the container alone.
    Inside,
    /// Outside, or shared with the outside, and why.
    Outside(&'static str),
}

/// Saves an open file, unless it has been already.
pub(crate) fn save(save: &mut Save<'_>, file: &FileRef) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::File, file.identity()) {
        return Ok(id);
    }
    let mut buffer = core::mem::take(&mut save.path);
    let result = save_new(save, file, &mut buffer);
    save.path = buffer;
    result
}

fn save_new(save: &mut Save<'_>, file: &FileRef, buffer: &mut [u8]) -> Result<u64> {
    let look = Look::at(file);
    let found = match place(save, file, &look)? {
        Place::Outside(why) => Err(why),
        Place::Inside if look.has_name(file)? => {
            by_name(save, file, &look, buffer)?.ok_or("is outside of the container's root")
        }
        Place::Inside => Ok(by_object(save, file, &look, buffer)?),
    };
    let owned = match found {
        Ok(_) => {
            landlock::check_file(file).context(format_args!("{look}"))?;
            owner::look(save, file).context(format_args!("{look}"))?
        }
        Err(_) => None,
    };
    let (mut record, path, left, timer) = match found {
        Ok(found) => (found.record, found.path, found.left, found.timer),
        Err(why) => {
            let record = external(save, file, &look, why)?;
            (record, &[][..], KVVec::new(), None)
        }
    };
    record.path_len = path.len() as u32;
    if matches!(
        look.kind,
        FileType::Regular | FileType::Directory | FileType::Memfd | FileType::Removed
    ) {
        save.lockable
            .push((file.clone(), look.info.inode), GFP_KERNEL)?;
    }
    let id = save.objects.add(Kind::File, file.identity())?;
    if let Some(owner) = owned {
        save.owners
            .push(cr_img_owner { file: id, ..owner }, GFP_KERNEL)?;
    }
    if let Some(timer) = timer {
        save.timerfds
            .push(cr_img_timerfd { file: id, ..timer }, GFP_KERNEL)?;
    }
    match record.kind {
        CR_FILE_EPOLL => save.epolls.push((file.clone(), id), GFP_KERNEL)?,
        CR_FILE_INOTIFY => save.inotifies.push((file.clone(), id), GFP_KERNEL)?,
        CR_FILE_FANOTIFY => save.fanotifies.push((file.clone(), id), GFP_KERNEL)?,
        CR_FILE_IO_URING => save.rings.push((file.clone(), id), GFP_KERNEL)?,
        CR_FILE_EXTERNAL => save.externals.push(id, GFP_KERNEL)?,
        _ => {}
    }
    save.object(id, &record, &[path, &left])?;
    Ok(id)
}

/// What is to be written of an open file.
#[derive(Default)]
struct Found<'a> {
    record: cr_img_file,
    path: &'a [u8],
    /// What is left of a file of /proc that was read in part.
    left: KVVec<u8>,
    timer: Option<cr_img_timerfd>,
}

impl From<cr_img_file> for Found<'_> {
    fn from(record: cr_img_file) -> Self {
        Self {
            record,
            ..Self::default()
        }
    }
}

/// Describes one that has a name; none if that is not below the container's root.
fn by_name<'a>(
    save: &mut Save<'_>,
    file: &FileRef,
    look: &Look,
    buffer: &'a mut [u8],
) -> Result<Option<Found<'a>>> {
    let mut record = look.record();
    let mut left = KVVec::new();
    if look.kind == FileType::ProcTask {
        // What is gone has no name any more either.
        check(look)?;
        (record.target, left) = proc_task::save(save, file, &look.info.name)?;
        record.size = left.len() as u64;
    }
    let Some(path) = name_of(save, file, look, buffer)? else {
        return Ok(None);
    };
    if look.kind != FileType::ProcTask {
        check(look)?;
    }
    record.kind = match look.kind {
        FileType::Pipe => return Ok(Some(pipe_end(save, file, record, path)?)),
        FileType::Directory => CR_FILE_DIR,
        FileType::MemoryDevice => CR_FILE_CHR,
        FileType::Proc => {
            (record.target, left) = file
                .read_proc()
                .context(format_args!("file {}", Name(path)))?;
            record.size = left.len() as u64;
            CR_FILE_PROC
        }
        FileType::ProcTask => CR_FILE_PROC_TASK,
        FileType::Kernfs => {
            record.target =
                kernfs_file::save(save, file, path).context(format_args!("file {}", Name(path)))?;
            CR_FILE_KERNFS
        }
        FileType::Place => CR_FILE_PATH,
        _ => CR_FILE_REG,
    };
    Ok(Some(Found {
        record,
        path,
        left,
        timer: None,
    }))
}

/// Describes one that has none, and saves what is behind it.
fn by_object<'a>(
    save: &mut Save<'_>,
    file: &FileRef,
    look: &Look,
    buffer: &'a mut [u8],
) -> Result<Found<'a>> {
    check(look)?;
    let record = look.record();
    if event::is_anonymous(look.kind) {
        let (record, timer) = event::save(save, file, look.kind, look.read.flags)?;
        return Ok(Found {
            timer,
            ..record.into()
        });
    }
    let saved = match look.kind {
        FileType::Pipe => return pipe_end(save, file, record, &[]),
        FileType::Terminal => {
            let (record, path) =
                tty::save(save, file, record.flags, buffer).context(format_args!("{look}"))?;
            return Ok(Found {
                path,
                ..record.into()
            });
        }
        FileType::Socket => {
            let socket = file.socket().ok_or(EINVAL)?;
            look.refers(CR_FILE_SOCKET, socket::save(save, &socket, buffer)?)
        }
        FileType::Inet => {
            let socket = file.inet().ok_or(EINVAL)?;
            look.refers(CR_FILE_INET, inet::save(save, &socket, file)?)
        }
        FileType::Netlink => {
            let socket = file.netlink().ok_or(EINVAL)?;
            look.refers(CR_FILE_NETLINK, netlink::save(save, &socket, file)?)
        }
        FileType::Packet => {
            let socket = file.packet().ok_or(EINVAL)?;
            look.refers(CR_FILE_LINK, packet::save(save, &socket)?)
        }
        FileType::IoUring => look.refers(CR_FILE_IO_URING, io_uring::save(save, file)?),
        FileType::BpfMap => {
            let map = bpf::save(save, file).context(format_args!("{look}"))?;
            look.refers(CR_FILE_BPF_MAP, map)
        }
        FileType::Ruleset => {
            let rules = landlock::save_ruleset(save, file, look.read.flags)
                .context(format_args!("{look}"))?;
            look.refers(CR_FILE_RULESET, rules)
        }
        FileType::Directory => {
            removed_dir::save_file(save, file, &record).context(format_args!("{look}"))?
        }
        FileType::MessageQueue => {
            mqueue::save_file(save, file, &look.read).context(format_args!("{look}"))?
        }
        kind => inode::save(save, file, kind, look.info.inode, &record)
            .context(format_args!("{look}"))?,
    };
    Ok(saved.into())
}

/// An end of a pipe, which is where its name is.
fn pipe_end<'a>(
    save: &mut Save<'_>,
    file: &FileRef,
    record: cr_img_file,
    path: &[u8],
) -> Result<Found<'a>> {
    Ok(Found::from(cr_img_file {
        kind: CR_FILE_PIPE,
        target: pipe::save(save, file, &file.pipe()?, path)?,
        pos: 0,
        ..record
    }))
}

/// What stands for one of the outside, if the user has said so.
fn external(save: &Save<'_>, file: &FileRef, look: &Look, why: &str) -> Result<cr_img_file> {
    let Some(key) = save.container.external_key(file, look.info.inode) else {
        fail!(EBUSY, "{look} {why}: declare it external, or close it");
    };
    Ok(look.refers(CR_FILE_EXTERNAL, u64::from(key)))
}

const SHARED: &str = "is shared with a process outside of the container";

/// Decides whether a file can be part of the image at all.
fn place(save: &Save<'_>, file: &FileRef, look: &Look) -> Result<Place> {
    match look.kind {
        FileType::Pipe => {
            return Ok(match pipe::leaves(save, &file.pipe()?) {
                true => Place::Outside("has an end outside of the container"),
                false => Place::Inside,
            });
        }
        FileType::PidFd if pidfd::leaves(save, file) => {
            return Ok(Place::Outside("is of a process outside of the container"));
        }
        FileType::Regular
        | FileType::Directory
        | FileType::MemoryDevice
        | FileType::EventFd
        | FileType::Epoll
        | FileType::TimerFd
        | FileType::SignalFd
        | FileType::PidFd
        | FileType::Inotify
        | FileType::Fanotify
        | FileType::IoUring
        | FileType::Proc
        | FileType::ProcTask
        | FileType::MessageQueue
        | FileType::Kernfs
        | FileType::Ruleset
        | FileType::BpfMap
        | FileType::Place => {}
        // Nobody else may change what is to be saved.
        FileType::Memfd | FileType::Removed => {
            return Ok(match file.outside_user(save.container.ns(), true) {
                Some(_) => Place::Outside(SHARED),
                None => Place::Inside,
            })
        }
        // Connected to the outside, or special, it may be external.
        FileType::Inet | FileType::Netlink | FileType::Packet
            if save.container.external_key(file, look.info.inode).is_some() =>
        {
            return Ok(Place::Outside("is external"));
        }
        FileType::Inet | FileType::Socket => {
            if socket::leaves(save, file) || tcp::leaves(save, file) {
                return Ok(Place::Outside(
                    "is connected to the outside of the container",
                ));
            }
        }
        FileType::Netlink | FileType::Packet => {}
        FileType::Terminal if tty::is_inside(save, file)? => {}
        FileType::Terminal if file.tty().is_some() => {
            return Ok(Place::Outside("has an end outside of the container"));
        }
        // Of these there is nothing that could be saved.
        _ if save.container.external_key(file, look.info.inode).is_some() => {
            return Ok(Place::Outside("is external"));
        }
        _ => fail!(EOPNOTSUPP(), "{look} is not supported yet"),
    }
    // Our own are among them. A mapping, or a system call in progress, may have more.
    let ours = 1 + save.container.references_to(file) + save.references.held(file, look.kind);
    let descriptors = save.references.descriptors_of(file);
    if descriptors == 0 || look.info.count <= descriptors + ours {
        return Ok(Place::Inside);
    }
    Ok(match file.outside_user(save.container.ns(), false) {
        Some(_) => Place::Outside(SHARED),
        None => Place::Inside,
    })
}

/// The name of a file below the container's root; none when it is not below it.
fn name_of<'a>(
    save: &Save<'_>,
    file: &FileRef,
    look: &Look,
    buffer: &'a mut [u8],
) -> Result<Option<&'a [u8]>> {
    // It has another one.
    let linked = look.kind == FileType::Regular && look.has(CR_FILE_X_UNLINKED);
    let name = match linked {
        true => file.other_name(save.container.root(), buffer),
        false => file.name(save.container.root(), buffer),
    };
    let name = match name {
        Err(_) if linked => fail!(
            EOPNOTSUPP(),
            "file {} was removed, and another name that it has is not known below the container's \
             root, which is not supported yet (use that name, or close the file)",
            Name(&look.info.name)
        ),
        Ok(name) => name,
        Err(error) if error == EXDEV => return Ok(None),
        Err(error) if error == ESTALE() && look.has(CR_FILE_X_UNLINKED) => {
            fail!(
                EOPNOTSUPP(),
                "file {} was removed, which is not supported yet",
                Name(&look.info.name)
            )
        }
        Err(error) if error == ESTALE() => fail!(
            EOPNOTSUPP(),
            "file {} is hidden by a mount or another file, which is not supported yet",
            Name(&look.info.name)
        ),
        Err(error) => return Err(error).context(format_args!("file {}", Name(&look.info.name))),
    };
    if look.has(CR_FILE_X_UNLINKED) && !linked {
        fail!(
            EOPNOTSUPP(),
            "file {} was removed, which is not supported yet",
            Name(name)
        );
    }
    if look.has(CR_FILE_X_FS)
        && !matches!(
            look.kind,
            FileType::MemoryDevice | FileType::Proc | FileType::ProcTask | FileType::Kernfs
        )
    {
        fail!(
            EOPNOTSUPP(),
            "file {} is on a file system whose files are not supported yet",
            Name(name)
        );
    }
    Ok(Some(name))
}

/// Makes an open file again.
pub(crate) fn restore(files: &mut Files<'_>, rec: &Rec<'_>) -> Result<FileRef> {
    let mut record: cr_img_file = rec.fixed()?;
    let events = record.flags & EVENT_FLAGS;
    record.flags &= !EVENT_FLAGS;
    let file = open(files, rec, &record)?;
    if events != 0 {
        file.set_events(events);
    }
    Ok(file)
}

fn open(files: &mut Files<'_>, rec: &Rec<'_>, record: &cr_img_file) -> Result<FileRef> {
    let path = rec.variable::<cr_img_file>();
    match record.kind {
        CR_FILE_EXTERNAL => files.external(record.target),
        CR_FILE_PIPE => files.open_pipe(record.target, record.flags),
        CR_FILE_SOCKET => files.open_socket(record.target, record.flags),
        CR_FILE_PTMX | CR_FILE_PTS | CR_FILE_CURRENT_TTY | CR_FILE_HUNG_UP => {
            tty::open(files, rec.id, record, path)
        }
        CR_FILE_INET => files.open_inet(record.target, record.flags),
        CR_FILE_NETLINK => files.open_netlink(record.target, record.flags),
        CR_FILE_LINK => files.open_packet(record.target, record.flags),
        CR_FILE_IO_URING => {
            let records = files.records();
            io_uring::restore(&records.get(records.find(record.target)?), record.flags)
        }
        CR_FILE_EVENTFD | CR_FILE_EPOLL | CR_FILE_TIMERFD | CR_FILE_SIGNALFD | CR_FILE_INOTIFY
        | CR_FILE_FANOTIFY => event::restore(record),
        CR_FILE_RULESET | CR_FILE_BPF_MAP => {
            let file = files.made(record.target)?.clone();
            Ok(event::with_flags(file, record.flags))
        }
        CR_FILE_PROC_TASK | CR_FILE_PIDFD | CR_FILE_MQUEUE => proc_task::stand_in(),
        CR_FILE_REMOVED_DIR => {
            inode::open(files, record).context(format_args!("a directory that was removed"))
        }
        CR_FILE_MEMFD | CR_FILE_INODE => {
            inode::open(files, record).context(format_args!("a file without a name"))
        }
        CR_FILE_PROC => {
            let (path, left) = proc_task::split(record, path)?;
            let opened = reopen(files, record, path).and_then(|file| {
                file.write_proc(record.pos, record.target, left)?;
                Ok(file)
            });
            opened.context(format_args!("file {}", Name(path)))
        }
        CR_FILE_KERNFS => {
            kernfs_file::restore(files, record, path).context(format_args!("file {}", Name(path)))
        }
        CR_FILE_PATH => find(files, record, path).context(format_args!("file {}", Name(path))),
        _ => reopen(files, record, path).context(format_args!("file {}", Name(path))),
    }
}

/// Has files of procfs tell who polls them what they had to tell, and nothing else. Until now, the container
/// has got its names, and who watches the files may have polled them.
pub(crate) fn finish(plan: &Plan) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_FILE) {
        let record: cr_img_file = rec.fixed()?;
        match record.kind {
            CR_FILE_PROC => plan.file(rec.id)?.set_polled(record.target)?,
            CR_FILE_PROC_TASK => plan.opened_file(rec.id)?.set_polled(record.target)?,
            _ => {}
        }
    }
    Ok(())
}

pub(crate) const O_NOCTTY: u32 = 0o400;

fn reopen(files: &Files<'_>, record: &cr_img_file, path: &[u8]) -> Result<FileRef> {
    let name = CName::new(path)?;
    let name = name.as_cstr()?;
    let path = name::lookup(files.root(), name)?;
    let (kind, found) = path.read();
    let expected = match record.kind {
        CR_FILE_REG => FileType::Regular,
        CR_FILE_DIR => FileType::Directory,
        CR_FILE_PROC => FileType::Proc,
        _ => FileType::MemoryDevice,
    };
    if kind != expected || (record.kind == CR_FILE_CHR && found.rdev != record.rdev) {
        return Err(name::another_type());
    }
    if record.kind == CR_FILE_REG {
        unchanged(files, record, &found)?;
    }
    let file = path.open(record.flags | O_NOCTTY)?;
    if record.pos != 0 && record.kind != CR_FILE_PROC {
        file.seek(record.pos).context(format_args!("its offset"))?;
    }
    Ok(file)
}

/// Opens what is only a place. What is there may have changed, as it may for who has no file open; a
/// symbolic link cannot, and would be another one.
fn find(files: &Files<'_>, record: &cr_img_file, path: &[u8]) -> Result<FileRef> {
    const S_IFMT: u32 = 0o170000;
    const S_IFLNK: u32 = 0o120000;

    let name = CName::new(path)?;
    let (path, kind) = name::lookup_itself(files.root(), name.as_cstr()?)?;
    let (_, found) = path.read();
    if kind != record.mode & S_IFMT || found.rdev != record.rdev {
        return Err(name::another_type());
    }
    if kind == S_IFLNK {
        unchanged(files, record, &found)?;
    }
    Ok(path.open(record.flags)?)
}

/// Refuses a file that is not as it was at the checkpoint, unless the caller takes it.
fn unchanged(files: &Files<'_>, record: &cr_img_file, found: &cr_img_file) -> Result {
    if !files.may_differ() {
        if found.size != record.size {
            fail!(
                ESTALE(),
                "has {} bytes, and had {} at the checkpoint",
                found.size,
                record.size
            );
        }
        if found.mtime_ns != record.mtime_ns {
            fail!(ESTALE(), "was modified since the checkpoint");
        }
    }
    Ok(())
}
