// SPDX-License-Identifier: GPL-2.0

//! Memory of a process as an open file: /proc/PID/mem, as debuggers have it.
//!
//! It is found again by its name; but the kernel opens it only when the thread is there whose name it
//! is. Until then, another file stands in for it. When all threads of all processes exist, such files
//! are opened, and who has made a descriptor table puts them into it. So are [`pidfd`]s, and message
//! queues ([`mqueue`](crate::state::mqueue)), which the container's init has opened.
//!
//! Refused: those of a procfs that shows other processes; of threads that have ended, or executed a
//! program since, which the kernel shows as empty.

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

/// The thread whose memory such a file shows.
pub(crate) fn save(save: &Save<'_>, file: &FileRef) -> Result<u64> {
    let ns = save.container.ns();
    let tid = match file.proc_mem_of(ns) {
        Ok(tid) => tid,
        Err(error) if error == EXDEV => fail!(
            EOPNOTSUPP(),
            "memory of a process in another pid namespace (/proc/PID/mem) is not supported yet"
        ),
        Err(error) if error == ESRCH => fail!(
            EOPNOTSUPP(),
            "memory of a process that has ended or executed a program since (/proc/PID/mem) is not \
             supported yet: close it"
        ),
        Err(error) => return Err(error.into()),
    };
    Ok(u64::from(tid))
}

/// Stands in for such a file until that can be opened.
pub(crate) fn stand_in() -> Result<FileRef> {
    Ok(FileRef::make_eventfd(0, false)?)
}

/// Files of this kind in a container that is being built.
#[pin_data]
pub(crate) struct ProcMem {
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

impl ProcMem {
    /// Nothing is opened yet.
    pub(crate) fn new(
        records: &Records,
        processes: &[ProcessPlan],
    ) -> Result<impl PinInit<Self, Error>> {
        let mut places = KVVec::new();
        for (at, rec) in records.tagged(CR_TAG_FILE) {
            if matches!(
                rec.fixed::<cr_img_file>()?.kind,
                CR_FILE_PROC_MEM | CR_FILE_PIDFD | CR_FILE_MQUEUE
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
    let all = &plan.proc_mem;
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

fn open(root: &PathRef, ns: &PidNs, record: &cr_img_file, path: &[u8]) -> Result<FileRef> {
    let name = CName::new(path)?;
    let tid = u32::try_from(record.target).map_err(|_| EINVAL)?;
    let opened = FileRef::open_proc_mem(root, name.as_cstr()?, record.flags, record.pos, tid, ns);
    match opened {
        Ok(file) => Ok(file),
        Err(error) if [ENOENT, ESRCH, ESTALE()].contains(&error) => fail!(
            ESTALE(),
            "is not memory of thread {tid} of the container: its procfs shows others, or none is there"
        ),
        Err(error) => Err(error.into()),
    }
}

/// Puts them into the descriptor table of the current task, which it has made.
pub(crate) fn install(plan: &Plan, build: &Build<'_>, table: u64) -> Result {
    let all = &plan.proc_mem;
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
