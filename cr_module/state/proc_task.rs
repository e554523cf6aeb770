// SPDX-License-Identifier: GPL-2.0

//! Open files of processes and threads in procfs: /proc/PID/mem, as debuggers have it, stat, maps, mounts
//! and so on.
//!
//! Such a file is found again by its name; but the kernel opens it only when the thread is there whose
//! name it is. Until then, another file stands in for it. When all threads of all processes exist, such
//! files are opened, and who has made a descriptor table puts them into it. So are [`pidfd`]s, and message
//! queues ([`mqueue`](crate::state::mqueue)), which the container's init has opened.
//!
//! How far it was read, and the rest of what was made up for that, are as those of other files of procfs.
//! After a restart, the mounts of a container are others, so a list of them that was read is at its
//! beginning or at its end.
//!
//! Refused: those of a procfs that shows other processes; of threads that have ended; of memory and mounts
//! that a thread has not got any more, as after execve(2); files that ask who has opened them (uid_map), if
//! they were opened to write; directories, by [`file`](crate::state::file).

use crate::{
    build::Build,
    countdown::Countdown,
    image::Records,
    plan::{Plan, ProcessPlan},
    report::{fail, Context, Name, Result},
    save::Save,
    state::{
        name::CName,
        pidfd::{self, Dead},
    },
};
use cr_codec::uapi::*;
use cr_sys::{
    build as sys,
    errno::{EOPNOTSUPP, ESTALE},
    file::FileRef,
    path::PathRef,
    pid_ns::PidNs,
    sync::Event,
    task::TaskRef,
};
use kernel::{new_mutex, prelude::*, sync::Arc, sync::Mutex};

/// How far such a file was read, and what is left.
pub(crate) fn save(save: &Save<'_>, file: &FileRef, name: &[u8]) -> Result<(u64, KVVec<u8>)> {
    let name = Name(name);
    match file.read_proc_task(save.container.ns()) {
        Err(error) if error == EXDEV => fail!(
            EOPNOTSUPP(),
            "file {name} of a process in another pid namespace (/proc/PID) is not supported yet"
        ),
        Err(error) if error == ESRCH => fail!(
            EOPNOTSUPP(),
            "file {name} of a process that has ended, executed a program or left its mounts since \
             (/proc/PID) is not supported yet: close it"
        ),
        Err(EACCES) => fail!(
            EOPNOTSUPP(),
            "file {name} of a process (/proc/PID) was opened to write, or in another user namespace, \
             which is not supported yet: close it"
        ),
        Err(EBUSY) => fail!(
            EOPNOTSUPP(),
            "file {name} (/proc/PID) was read in part, which is not supported yet (seek to its \
             beginning, or close it)"
        ),
        result => Ok(result.context(format_args!("file {name}"))?),
    }
}

/// Stands in for such a file until that can be opened.
pub(crate) fn stand_in() -> Result<FileRef> {
    Ok(FileRef::make_eventfd(0, false)?)
}

/// Files of this kind in a container that is being built.
#[pin_data]
pub(crate) struct ProcTask {
    /// Places of their records.
    places: KVVec<usize>,
    /// Processes that have created all of their threads.
    threads: Arc<Countdown>,
    #[pin]
    opened: Event,
    /// By id, ascending, when they are opened.
    #[pin]
    files: Mutex<KVVec<(u64, FileRef)>>,
}

impl ProcTask {
    /// Nothing is opened yet.
    pub(crate) fn new(
        records: &Records,
        processes: &[ProcessPlan],
    ) -> Result<impl PinInit<Self, Error>> {
        let mut places = KVVec::new();
        for (at, rec) in records.tagged(CR_TAG_FILE) {
            if matches!(
                rec.fixed::<cr_img_file>()?.kind,
                CR_FILE_PROC_TASK | CR_FILE_PIDFD | CR_FILE_MQUEUE
            ) {
                places.push(at, GFP_KERNEL)?;
            }
        }
        let live = processes.iter().filter(|process| !process.is_zombie());
        let threads = Countdown::new(live.count())?;
        Ok(try_pin_init!(Self {
            places,
            threads,
            opened <- Event::new(),
            files <- new_mutex!(KVVec::new()),
        }? Error))
    }

    /// A process has created all of its threads.
    pub(crate) fn has_threads(&self) {
        self.threads.arrive();
    }

    /// Those who wait need not any more.
    pub(crate) fn give_up(&self) {
        self.threads.give_up();
    }

    /// Waits until all of them are opened.
    pub(crate) fn wait(&self) -> Result {
        match self.places.is_empty() {
            true => Ok(()),
            false => Ok(self.opened.wait()?),
        }
    }

    /// One of them, when it is opened.
    pub(crate) fn file(&self, id: u64) -> Option<FileRef> {
        let files = self.files.lock();
        let at = files.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(files[at].1.clone())
    }
}

/// Opens all of them when all threads exist.
pub(crate) fn restore(plan: &Plan, root: &PathRef, ns: &PidNs, init: &TaskRef) -> Result {
    let all = &plan.proc_task;
    if all.places.is_empty() {
        return Ok(());
    }
    all.threads.wait()?;
    plan.check()?;
    let mut dead = Dead::new();
    for at in &all.places {
        let rec = plan.records.get(*at);
        let path = rec.variable::<cr_img_file>();
        let record: cr_img_file = rec.fixed()?;
        let file = match record.kind {
            CR_FILE_PIDFD => pidfd::open(ns, init, &record, &mut dead)?,
            CR_FILE_MQUEUE => plan.mqueue(rec.id)?,
            _ => open(root, ns, &record, path).context(format_args!("file {}", Name(path)))?,
        };
        all.files.lock().push((rec.id, file), GFP_KERNEL)?;
    }
    all.opened.happen();
    Ok(())
}

fn open(root: &PathRef, ns: &PidNs, record: &cr_img_file, bytes: &[u8]) -> Result<FileRef> {
    let (path, left) = split(record, bytes)?;
    let name = CName::new(path)?;
    let opened = FileRef::open_proc_task(root, name.as_cstr()?, record.flags, ns);
    let written = opened.and_then(|file| {
        file.write_proc(record.pos, record.target, left)?;
        Ok(file)
    });
    match written {
        Ok(file) => Ok(file),
        Err(error) if [ENOENT, ESRCH, ESTALE()].contains(&error) => fail!(
            ESTALE(),
            "is not a file of a thread of the container: its procfs shows others, or none is there"
        ),
        Err(error) => Err(error.into()),
    }
}

/// The name of such a file, and what is left of what was made up for the last read.
pub(crate) fn split<'a>(record: &cr_img_file, bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    Ok(bytes
        .split_at_checked(record.path_len as usize)
        .ok_or(EINVAL)?)
}

/// Puts them into the descriptor table of the current task, which it has made.
pub(crate) fn install(plan: &Plan, build: &Build<'_>, table: u64) -> Result {
    let all = &plan.proc_task;
    all.wait()?;
    let table = build.object(table)?;
    for entry in table.array::<cr_img_fd>(size_of::<cr_img_fdtable>()) {
        if let Some(file) = all.file(entry.file) {
            sys::install_fd(entry.fd, &file, entry.flags & CR_FD_CLOEXEC != 0)
                .context(format_args!("fd {}", entry.fd))?;
        }
    }
    Ok(())
}
