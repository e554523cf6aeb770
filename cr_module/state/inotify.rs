// SPDX-License-Identifier: GPL-2.0

//! What happens to files and directories, as a file: inotify(7).
//!
//! A watch holds an inode, so the checkpoint looks for a name that leads to it. At restart, init adds
//! the watches by these names, before anybody is there: they tell of nothing until all is rebuilt,
//! so that nobody is told of what the restart itself opens, maps or closes. Events that have not been
//! read come first.
//!
//! Refused: watches of what has no name, or none that the container can use; a queue with room for
//! more events than that of others.

use crate::{
    build::Build,
    plan::Plan,
    report::{fail, Context, Name, Result},
    save::Save,
    state::name,
};
use cr_codec::{
    check::{inotify_events, Rec},
    uapi::*,
};
use cr_sys::{build::with_fd, errno::ESTALE, file::FileRef, inotify::InodeRef, path::PathRef};
use kernel::prelude::*;

const SYS_INOTIFY_ADD_WATCH: u32 = 254;

/// Saves what inotify instances watch, and have to tell: all files have been saved.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    for (file, id) in core::mem::take(&mut save.inotifies) {
        let mut buffer = core::mem::take(&mut save.path);
        let result = save_one(save, &file, id, &mut buffer);
        save.path = buffer;
        result.context(format_args!("an inotify instance"))?;
    }
    Ok(())
}

fn save_one(save: &mut Save<'_>, file: &FileRef, id: u64, buffer: &mut [u8]) -> Result {
    let (mut watches, mut names) = (KVVec::new(), KVVec::new());
    let mut from = 1;
    while let Some((mut watch, inode)) = file.next_watch(from)? {
        let (name, mode) =
            name_of(save, &inode, buffer).context(format_args!("watch descriptor {}", watch.wd))?;
        watch.mode = mode;
        watch.path_len = name.len() as u32;
        names.extend_from_slice(name, GFP_KERNEL)?;
        watches.push(watch, GFP_KERNEL)?;
        from = match watch.wd.checked_add(1) {
            Some(next) => next,
            None => break,
        };
    }
    let events = file.inotify_events()?;
    let record = cr_img_inotify {
        file: id,
        nr_watches: watches.len() as u32,
        nr_events: inotify_events(&events).count() as u32,
        ..file.read_inotify()
    };
    save.record(&record, &[&events])?;
    let mut names = names.as_slice();
    for watch in &watches {
        let (name, rest) = names
            .split_at_checked(watch.path_len as usize)
            .ok_or(EINVAL)?;
        save.record(watch, &[name])?;
        names = rest;
    }
    Ok(())
}

/// The name of what is watched, and its type.
pub(super) fn name_of<'a>(
    save: &Save<'_>,
    inode: &InodeRef,
    buffer: &'a mut [u8],
) -> Result<(&'a [u8], u32)> {
    let (mode, is_plain) = inode.read_type();
    let name = name::of_inode(
        save.container.root(),
        inode,
        is_plain,
        buffer,
        ["watches", "use it, or remove the watch"],
    )?;
    Ok((name, mode))
}

/// Makes one that watches nothing yet.
pub(crate) fn restore() -> Result<FileRef> {
    FileRef::make_inotify().context(format_args!("making an inotify instance"))
}

/// What is watched by the instance or group whose record is at a place.
pub(super) fn watches(plan: &Plan, at: usize, tag: u32, nr: u32) -> impl Iterator<Item = Rec<'_>> {
    let after = (at + 1..plan.records.len()).map(|at| plan.records.get(at));
    after.filter(move |rec| rec.tag == tag).take(nr as usize)
}

/// Makes it that of the current task, which is in the container.
pub(super) fn adopt(file: &FileRef, max_events: u32, what: &str) -> Result {
    match file.adopt_watcher(max_events) {
        Err(error) if error == ENOSPC => fail!(
            ENOSPC,
            "{what} has room for {max_events} events, more than max_queued_events in /proc/sys/fs \
             allows"
        ),
        result => Ok(result?),
    }
}

/// Adds the watches, which tell of nothing. The current task is init, which has nothing open.
pub(crate) fn restore_watches(plan: &Plan, build: &Build<'_>) -> Result {
    let root = PathRef::current_root()?;
    for (at, rec) in plan.records.tagged(CR_TAG_INOTIFY) {
        let inotify: cr_img_inotify = rec.fixed()?;
        let file = build.file(inotify.file)?;
        adopt(file, inotify.max_events, "an inotify instance")?;
        let mut watches = watches(plan, at, CR_TAG_WATCH, inotify.nr_watches);
        with_fd(file, |fd| {
            watches.try_for_each(|rec| {
                let path = rec.variable::<cr_img_watch>();
                add(build, &root, file, fd.into(), &rec)
                    .context(format_args!("inotify: watch of {}", Name(path)))
            })
        })?;
    }
    Ok(())
}

fn add(build: &Build<'_>, root: &PathRef, file: &FileRef, fd: u64, rec: &Rec<'_>) -> Result {
    const IN_DONT_FOLLOW: u64 = 0x0200_0000;
    let watch: cr_img_watch = rec.fixed()?;
    let path = rec.variable::<cr_img_watch>();
    let target = name::find(root, path, watch.mode)?;
    file.set_next_wd(watch.wd as u32);
    let name = build.scratch_path(path)?;
    let wd = build.syscall(SYS_INOTIFY_ADD_WATCH, [fd, name, IN_DONT_FOLLOW])?;
    if wd != i64::from(watch.wd) || !file.watches(watch.wd, &target) {
        fail!(ESTALE(), "is another file by now, or one with two watches");
    }
    Ok(())
}

/// Lets the watches tell of events, behind those that wait. All is rebuilt.
pub(crate) fn finish(plan: &Plan) -> Result {
    // Some were needed for the restart alone, which is over when they can be watched.
    for (_, file) in &plan.files {
        file.end_quietly();
    }
    for (at, rec) in plan.records.tagged(CR_TAG_INOTIFY) {
        let inotify: cr_img_inotify = rec.fixed()?;
        let file = plan.file(inotify.file)?;
        if file.has_unread() {
            fail!(ESTALE(), "inotify: something that is watched is gone");
        }
        for (event, name) in inotify_events(rec.variable::<cr_img_inotify>()) {
            file.queue_inotify_event(&event, name)?;
        }
        for rec in watches(plan, at, CR_TAG_WATCH, inotify.nr_watches) {
            let watch: cr_img_watch = rec.fixed()?;
            file.arm_watch(watch.wd, watch.mask)
                .context(format_args!("inotify: watch descriptor {}", watch.wd))?;
        }
        file.set_next_wd(inotify.next_wd);
    }
    Ok(())
}
