// SPDX-License-Identifier: GPL-2.0

//! What happens to files, mounts and file systems, as a file: fanotify(7).
//!
//! It is done as for [`inotify`]: marks are made by names, before anybody is there, and the group is told
//! of nothing until all is rebuilt, when what nobody has read comes first. Events with a file handle
//! keep that; those with a file have it found again by its name. Who has done something and has ended
//! is just a number.
//!
//! Refused: groups that somebody waits for an answer of, or that watch a mount namespace; marks on
//! what has no name in the container; events of files that have none, of errors of file systems, and
//! of those who have ended where their end or another number can be seen.

use crate::{
    build::Build,
    plan::Plan,
    report::{fail, Context, Name, Result},
    save::Save,
    state::{
        inotify::{adopt, name_of, watches},
        name::{find, CName},
    },
};
use cr_codec::{
    check::{fanotify_events, Rec},
    uapi::*,
};
use cr_sys::{
    build::with_fd,
    errno::{EOPNOTSUPP, ESTALE},
    fanotify::{Mark, Watched},
    file::FileRef,
    path::PathRef,
    pid_ns::PidNs,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

const SYS_FANOTIFY_MARK: u32 = 301;

const FAN_REPORT_MNT: u64 = 0x4000;
const FAN_ACCESS: u32 = 0x1;
const FAN_EVENT_ON_CHILD: u32 = 0x0800_0000;

const FAN_MARK_ADD: u32 = 0x1;
const FAN_MARK_DONT_FOLLOW: u32 = 0x4;
const FAN_MARK_IGNORED_MASK: u32 = 0x20;
const FAN_MARK_IGNORED_SURV_MODIFY: u32 = 0x40;
const FAN_MARK_EVICTABLE: u32 = 0x200;

const S_IFDIR: u32 = 0o040000;

/// Saves what fanotify groups watch, and have to tell: all files have been saved.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    for (file, id) in core::mem::take(&mut save.fanotifies) {
        let mut buffer = core::mem::take(&mut save.path);
        let result = save_one(save, &file, id, &mut buffer);
        save.path = buffer;
        result.context(format_args!("a fanotify group"))?;
    }
    Ok(())
}

fn save_one(save: &mut Save<'_>, file: &FileRef, id: u64, buffer: &mut [u8]) -> Result {
    if file.fanotify_flags() & FAN_REPORT_MNT != 0 {
        fail!(
            EOPNOTSUPP(),
            "tells of mounts (FAN_REPORT_MNT), which is not supported yet"
        );
    }
    let marks = match file.fanotify_marks(save.container.root()) {
        Err(error) if error == EXDEV => fail!(
            EOPNOTSUPP(),
            "watches a mount that is not one of the container's, which is not supported yet"
        ),
        marks => marks?,
    };
    let (events, nr_events) = events_of(save, file, buffer)?;
    let record = cr_img_fanotify {
        file: id,
        max_events: file.fanotify_max_events(),
        nr_marks: marks.len() as u32,
        nr_events,
        reserved: 0,
    };
    save.record(&record, &[&events])?;
    for mark in &marks {
        save_mark(save, mark, buffer)?;
    }
    Ok(())
}

fn save_mark(save: &mut Save<'_>, mark: &Mark, buffer: &mut [u8]) -> Result {
    let root = save.container.root();
    let mut record = mark.read();
    let name = match mark.watched() {
        Some(Watched::Inode(inode)) => {
            let (name, mode) = name_of(save, inode, buffer)?;
            record.mode = mode;
            name
        }
        Some(Watched::Mount(path)) => match name_of_place(root, path, buffer)? {
            Some(name) => name,
            None => fail!(
                EOPNOTSUPP(),
                "watches a mount that has no name below the container's root, which is not \
                 supported yet"
            ),
        },
        Some(Watched::Super(super_block)) => match super_block.name(root, buffer) {
            Err(error) if error == EXDEV || error == ESTALE() => fail!(
                EOPNOTSUPP(),
                "watches a file system that is not mounted below the container's root, which is \
                 not supported yet"
            ),
            name => name?,
        },
        None => return Err(EINVAL.into()),
    };
    record.path_len = name.len() as u32;
    save.record(&record, &[name])
}

/// The name that leads to a place on its mount, if there is one.
fn name_of_place<'a>(
    root: &PathRef,
    path: &PathRef,
    buffer: &'a mut [u8],
) -> Result<Option<&'a [u8]>> {
    let name = match path.name(root, buffer) {
        Err(error) if error == EXDEV || error == ESTALE() || error == ENOENT => return Ok(None),
        name => name?,
    };
    let found = PathRef::lookup(root, CName::new(name)?.as_cstr()?);
    let leads_there = !path.is_unlinked() && found.is_ok_and(|found| found.is(path));
    Ok(leads_there.then_some(name))
}

/// The events that wait, as in a record, and how many.
fn events_of(save: &Save<'_>, file: &FileRef, buffer: &mut [u8]) -> Result<(KVVec<u8>, u32)> {
    let (events, paths) = match file.fanotify_events(save.container.ns()) {
        Err(error) if error == EBUSY => fail!(
            EBUSY,
            "somebody waits for its permission, or has not been answered: answer, or close it"
        ),
        Err(error) if error == ESRCH => fail!(
            EOPNOTSUPP(),
            "an event of a process that has ended, and whose number or end can be seen elsewhere, is \
             not supported yet: read it"
        ),
        Err(error) if error == EOPNOTSUPP() => fail!(
            EOPNOTSUPP(),
            "an event of an error of a file system, or without a file handle, is not supported yet: \
             read it"
        ),
        events => events?,
    };
    let (mut all, mut nr) = (KVVec::new(), 0);
    let mut paths = paths.iter();
    for (mut event, rest) in fanotify_events(&events) {
        let mut name: &[u8] = &[];
        if event.kind == CR_FANOTIFY_PATH {
            let path = paths.next().ok_or(EINVAL)?;
            let Some(found) = name_of_place(save.container.root(), path, buffer)? else {
                fail!(
                    EOPNOTSUPP(),
                    "an event of a file that was removed, is hidden or outside of the container's \
                     root is not supported yet: read it"
                );
            };
            name = found;
        }
        event.path_len = name.len() as u32;
        all.extend_from_slice(event.as_bytes(), GFP_KERNEL)?;
        all.extend_from_slice(rest, GFP_KERNEL)?;
        all.extend_from_slice(name, GFP_KERNEL)?;
        nr += 1;
    }
    Ok((all, nr))
}

/// Makes one that watches nothing yet, and is told of nothing.
pub(crate) fn restore(record: &cr_img_file) -> Result<FileRef> {
    let file = match FileRef::make_fanotify(record.target) {
        Err(error) if error == EPERM => fail!(
            EPERM,
            "a fanotify group whose maker had CAP_SYS_ADMIN, which the caller does not have"
        ),
        file => file.context(format_args!("making a fanotify group"))?,
    };
    // Whether it blocks may have changed since it was made.
    file.set_status(record.flags);
    Ok(file)
}

/// Makes the marks. The current task is init, which has nothing open.
pub(crate) fn restore_marks(plan: &Plan, build: &Build<'_>) -> Result {
    let root = PathRef::current_root()?;
    for (at, rec) in plan.records.tagged(CR_TAG_FANOTIFY) {
        let group: cr_img_fanotify = rec.fixed()?;
        let file = build.file(group.file)?;
        adopt(file, group.max_events, "a fanotify group")?;
        let mut marks = watches(plan, at, CR_TAG_FANOTIFY_MARK, group.nr_marks);
        with_fd(file, |fd| {
            marks.try_for_each(|rec| {
                let path = rec.variable::<cr_img_fanotify_mark>();
                add(build, &root, file, fd.into(), &rec)
                    .context(format_args!("fanotify: mark on {}", Name(path)))
            })
        })?;
    }
    Ok(())
}

fn add(build: &Build<'_>, root: &PathRef, file: &FileRef, fd: u64, rec: &Rec<'_>) -> Result {
    const AT_FDCWD: u64 = -100_i64 as u64;
    let mark: cr_img_fanotify_mark = rec.fixed()?;
    let path = rec.variable::<cr_img_fanotify_mark>();
    let target = find(root, path, mark.mode)?;
    let name = build.scratch_path(path)?;
    let how = FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW | mark.type_ | mark.flags & FAN_MARK_EVICTABLE;
    // The kernel itself adds this one where it is not asked for.
    let mask = match mark.mode {
        S_IFDIR => mark.mask,
        _ => mark.mask & !FAN_EVENT_ON_CHILD,
    };
    let (how, mask) = match mask {
        0 | FAN_EVENT_ON_CHILD => (
            how | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
            FAN_ACCESS,
        ),
        _ => (how, mask),
    };
    let args = [fd, how.into(), mask.into(), AT_FDCWD, name, 0];
    build.syscall6(SYS_FANOTIFY_MARK, args)?;
    match file.set_fanotify_mark(&target, &mark) {
        Err(error) if error == ENOENT || error == EBUSY => {
            fail!(ESTALE(), "is another file by now, or one with two marks")
        }
        result => Ok(result?),
    }
}

/// Lets the groups tell of events, behind those that wait. All is rebuilt.
pub(crate) fn finish(plan: &Plan, ns: &PidNs, root: &PathRef) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_FANOTIFY) {
        let group: cr_img_fanotify = rec.fixed()?;
        let file = plan.file(group.file)?;
        for (event, rest) in fanotify_events(rec.variable::<cr_img_fanotify>()) {
            let path = match event.kind {
                CR_FANOTIFY_PATH => Some(place_of(root, event.path(rest))?),
                _ => None,
            };
            let pid = ns.pid_or_number(event.pid)?;
            file.queue_fanotify_event(&event, rest, path.as_ref(), pid.as_ref())
                .context(format_args!("fanotify: an event"))?;
        }
        file.open_fanotify();
    }
    Ok(())
}

fn place_of(root: &PathRef, path: &[u8]) -> Result<PathRef> {
    find(root, path, 0).context(format_args!("fanotify: an event of {}", Name(path)))
}
