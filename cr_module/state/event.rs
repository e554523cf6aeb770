// SPDX-License-Identifier: GPL-2.0

//! Files that tell of events: eventfd(2), epoll(7); and what is common to these, [`timerfd`],
//! [`signalfd`], [`inotify`], [`fanotify`] and [`pidfd`].
//!
//! An epoll instance watches open file descriptions, each under the descriptor that it once had,
//! which by now may be closed, or another file's. So it is told about the files themselves, when all
//! of them are there. What is ready is in the order in which it has become so. Of what is told only
//! once (edge-triggered, or disabled after one event), nothing is told again, but what was on its way in
//! a TCP connection is told when it has come.
//!
//! Refused: eventfds that a part of the kernel signals; busy polling; a watched file that is open
//! outside of the container only.

use crate::{
    objects::Kind,
    plan::Plan,
    report::{fail, failure, Context, Result},
    save::Save,
    state::{fanotify, inotify, pidfd, signalfd, timerfd},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    errno::EOPNOTSUPP,
    file::{FileRef, FileType},
    list::read_all,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

const O_ACCMODE: u32 = 0o3;
const O_NONBLOCK: u32 = 0o4000;
const O_LARGEFILE: u32 = 0o100000;
/// O_ASYNC: see [`owner`](crate::state::owner).
const FASYNC: u32 = 0o20000;

/// Whether it is one of these files, which have no name.
pub(crate) fn is_anonymous(kind: FileType) -> bool {
    matches!(
        kind,
        FileType::EventFd
            | FileType::Epoll
            | FileType::TimerFd
            | FileType::SignalFd
            | FileType::PidFd
            | FileType::Inotify
            | FileType::Fanotify
    )
}

/// The record of such a file, and what else is to be said about a timer; what an epoll instance
/// watches comes later.
pub(crate) fn save(
    save: &Save<'_>,
    file: &FileRef,
    kind: FileType,
    flags: u32,
) -> Result<(cr_img_file, Option<cr_img_timerfd>)> {
    let own = match kind {
        FileType::PidFd => pidfd::FLAGS,
        FileType::Inotify => O_NONBLOCK | FASYNC,
        _ => O_NONBLOCK,
    };
    let other = flags & !(O_ACCMODE | O_LARGEFILE | own);
    if other != 0 {
        fail!(EOPNOTSUPP(), "an event file with unknown flags {other:#o}");
    }
    let mut record = cr_img_file {
        kind: match kind {
            FileType::Inotify => CR_FILE_INOTIFY,
            FileType::Fanotify => CR_FILE_FANOTIFY,
            _ => CR_FILE_EPOLL,
        },
        flags: flags & !FASYNC,
        ..Default::default()
    };
    let mut timer = None;
    if kind == FileType::TimerFd {
        timer = Some(timerfd::read(save, file, &mut record)?);
    }
    if kind == FileType::SignalFd {
        signalfd::read(file, &mut record);
    }
    if kind == FileType::Fanotify {
        record.target = file.fanotify_flags();
    }
    if kind == FileType::PidFd {
        pidfd::read(save, file, &mut record)?;
    }
    if kind == FileType::EventFd {
        let rings = save.references.rings_of(file.eventfd_identity());
        let Ok((count, semaphore)) = file.read_eventfd(rings) else {
            fail!(
                EOPNOTSUPP(),
                "an eventfd that the kernel signals (io_submit, KVM ...) is not supported yet"
            );
        };
        record.kind = CR_FILE_EVENTFD;
        record.pos = count;
        record.target = u64::from(semaphore);
    }
    Ok((record, timer))
}

/// Saves what epoll instances watch: all files have been saved.
pub(crate) fn save_watched(save: &mut Save<'_>) -> Result {
    for (file, id) in core::mem::take(&mut save.epolls) {
        let items = read_all(|room: &mut [_]| file.read_epoll(room));
        let mut items: KVVec<cr_img_epoll_item> = match items {
            Err(error) if error == EOPNOTSUPP() => {
                fail!(
                    EOPNOTSUPP(),
                    "an epoll instance with busy polling is not supported yet"
                )
            }
            items => items?,
        };
        for item in items.iter_mut() {
            let Some(watched) = save.objects.find(Kind::File, item.file) else {
                fail!(
                    EOPNOTSUPP(),
                    "an epoll instance watches a file, once descriptor {}, that is not open in the \
                     container any more, which is not supported yet",
                    item.fd
                );
            };
            item.file = watched;
            item.signals = signalfd::watched_for(save, item)?;
        }
        let record = cr_img_epoll {
            file: id,
            nr: items.len() as u32,
            reserved: 0,
        };
        save.record(&record, &[items.as_bytes()])?;
    }
    Ok(())
}

/// Makes such a file again.
pub(crate) fn restore(record: &cr_img_file) -> Result<FileRef> {
    let file = match record.kind {
        CR_FILE_EVENTFD => FileRef::make_eventfd(record.pos, record.target != 0)
            .context(format_args!("making an eventfd")),
        CR_FILE_TIMERFD => timerfd::restore(record),
        CR_FILE_SIGNALFD => signalfd::restore(record),
        CR_FILE_INOTIFY => inotify::restore(),
        CR_FILE_FANOTIFY => fanotify::restore(record),
        _ => FileRef::make_epoll().context(format_args!("making an epoll instance")),
    }?;
    Ok(with_flags(file, record.flags))
}

/// A file that was just made, with the only one of the flags of open files that it can have.
pub(crate) fn with_flags(file: FileRef, flags: u32) -> FileRef {
    if flags & O_NONBLOCK != 0 {
        file.add_flags(O_NONBLOCK);
    }
    file
}

/// Lets an epoll instance watch what it has watched, but for what comes later; `file_of` finds a file
/// and its record.
pub(crate) fn restore_watched<'a>(
    rec: &Rec<'_>,
    file_of: impl Fn(u64) -> Result<(&'a FileRef, cr_img_file)>,
) -> Result {
    let record: cr_img_epoll = rec.fixed()?;
    let (epoll, _) = file_of(record.file)?;
    for item in rec.array::<cr_img_epoll_item>(size_of::<cr_img_epoll>()) {
        let (watched, file) = file_of(item.file)?;
        if file.kind == CR_FILE_SIGNALFD || is_late(file.kind) {
            continue;
        }
        // What is supplied from outside has news of its own.
        let once = is_told_once(item.events) && file.kind != CR_FILE_EXTERNAL;
        let consumed = item.ready == 0 && once;
        watch(epoll, watched, &item, consumed)?;
    }
    Ok(())
}

/// Lets an epoll instance watch a file. If `consumed`, what is ready of it was told already.
pub(crate) fn watch(
    epoll: &FileRef,
    watched: &FileRef,
    item: &cr_img_epoll_item,
    consumed: bool,
) -> Result {
    epoll
        .add_to_epoll(watched, item, consumed)
        .map_err(|error| match error {
            error if error == EPERM => failure!(
                EPERM,
                "what is supplied for an external file cannot be watched by epoll"
            ),
            error => error.into(),
        })
        .context(format_args!("epoll: descriptor {}", item.fd))
}

/// Lets an epoll instance watch some files later than others, ready as they have been.
pub(crate) fn watch_late(
    plan: &Plan,
    rec: &Rec<'_>,
    which: impl Fn(&cr_img_epoll_item) -> bool,
) -> Result {
    let items = || rec.array::<cr_img_epoll_item>(size_of::<cr_img_epoll>());
    let epoll = plan.file(rec.fixed::<cr_img_epoll>()?.file)?;
    if !items().any(|item| which(&item)) {
        return Ok(());
    }
    for item in items().filter(|item| which(item)) {
        let consumed = item.ready == 0 && (item.signals != 0 || is_told_once(item.events));
        watch(epoll, &plan.opened_file(item.file)?, &item, consumed)?;
    }
    // Those that were behind it are, again.
    for item in items().filter(|item| item.ready != 0) {
        match epoll.make_ready_last(&plan.opened_file(item.file)?, item.fd) {
            // It comes later still.
            Err(error) if error == ENOENT => {}
            result => result?,
        }
    }
    Ok(())
}

/// Files that have nothing to tell before all is rebuilt.
fn is_late(kind: u32) -> bool {
    matches!(
        kind,
        CR_FILE_PIDFD | CR_FILE_INOTIFY | CR_FILE_FANOTIFY | CR_FILE_MQUEUE | CR_FILE_PROC_TASK
    )
}

/// Lets epoll instances watch processes, all of which exist or have ended, inotify instances and fanotify
/// groups, of which all that they have to tell is there, and message queues.
pub(crate) fn restore_watched_late(plan: &Plan) -> Result {
    let mut late = KVVec::new();
    for (_, rec) in plan.records.tagged(CR_TAG_FILE) {
        let kind = rec.fixed::<cr_img_file>()?.kind;
        if is_late(kind) {
            late.push(rec.id, GFP_KERNEL)?;
        }
    }
    for (_, rec) in plan.records.tagged(CR_TAG_EPOLL) {
        watch_late(plan, &rec, |item| late.binary_search(&item.file).is_ok())?;
    }
    Ok(())
}

/// Whether an event is not told again while it lasts.
fn is_told_once(events: u32) -> bool {
    const EPOLLWAKEUP: u32 = 1 << 29;
    const EPOLLONESHOT: u32 = 1 << 30;
    const EPOLLET: u32 = 1 << 31;
    const EPOLLEXCLUSIVE: u32 = 1 << 28;
    let disabled = events & !(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE) == 0;
    disabled || events & EPOLLET != 0
}
