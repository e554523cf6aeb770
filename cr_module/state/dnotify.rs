// SPDX-License-Identifier: GPL-2.0

//! Directories that send signals when something happens in them: fcntl(2), F_NOTIFY.
//!
//! A watch belongs to an open file in one descriptor table, where its close(2) ends it. Who makes
//! the table again adds its watches, which tell of nothing until all is rebuilt, so that nobody is
//! told of what the restart itself does. Who gets the signals is the file's owner: see [`owner`].
//!
//! Refused: watches by a file that is external.
//!
//! [`owner`]: super::owner

use crate::{
    build::Build,
    image::places_of,
    objects::Kind,
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
    state::lock,
};
use cr_codec::{order, uapi::*};
use cr_sys::errno::{EOPNOTSUPP, ESTALE};
use kernel::prelude::*;

const SYS_FCNTL: u32 = 72;
const F_NOTIFY: u64 = 1026;
/// No event that there is.
const DN_NOTHING: u64 = 0x40;

/// Saves the watches of all directories that are open: files and descriptor tables have been saved.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let files = core::mem::take(&mut save.lockable);
    for file in lock::one_of_each_inode(&files)? {
        for watch in &file.dnotifies()? {
            save_watch(save, watch)?;
        }
    }
    save.lockable = files;
    Ok(())
}

fn save_watch(save: &mut Save<'_>, watch: &cr_img_dnotify) -> Result {
    let table = save.objects.find(Kind::FdTable, watch.files);
    let (Some(files), Some(file)) = (table, save.objects.find(Kind::File, watch.file)) else {
        // Somebody else's.
        return Ok(());
    };
    if save.externals.contains(&file) {
        fail!(
            EOPNOTSUPP(),
            "fd {}: an external directory that sends signals (F_NOTIFY) is not supported yet",
            watch.fd
        );
    }
    let record = cr_img_dnotify {
        file,
        files,
        ..*watch
    };
    save.record(&record, &[])
}

/// Adds the watches of a descriptor table, which the current task has made. They tell of nothing.
pub(crate) fn restore(build: &Build<'_>, files: u64) -> Result {
    for at in places_of(&build.plan.dnotifies, files) {
        let watch: cr_img_dnotify = build.record(at).fixed()?;
        let added = build.syscall(SYS_FCNTL, [watch.fd.into(), F_NOTIFY, DN_NOTHING]);
        added.context(format_args!(
            "fd {}: signals of a directory (F_NOTIFY; fs.dir-notify-enable)",
            watch.fd
        ))?;
    }
    Ok(())
}

/// A living task for each descriptor table, by its id.
fn users(plan: &Plan) -> Result<KVVec<(u64, (usize, usize))>> {
    let mut users = KVVec::new();
    for (at, process) in plan.processes.iter().enumerate() {
        for (number, thread) in process.living() {
            let files = match thread.thread.files {
                0 => process.process.files,
                own => own,
            };
            users.push((files, (at, number)), GFP_KERNEL)?;
        }
    }
    order::sort_by_key(&mut users, |&user| user);
    Ok(users)
}

/// Lets the watches tell of events, each directory's in their order. All tasks are rebuilt.
pub(crate) fn finish(plan: &Plan) -> Result {
    if plan.dnotifies.is_empty() {
        return Ok(());
    }
    let users = users(plan)?;
    let mut watches = KVVec::new();
    for (_, rec) in plan.records.tagged(CR_TAG_DNOTIFY) {
        watches.push(rec.fixed::<cr_img_dnotify>()?, GFP_KERNEL)?;
    }
    // Each comes before those that are there.
    for watch in watches.iter().rev() {
        let (process, thread) = places_of(&users, watch.files).next().ok_or(EINVAL)?;
        let task = plan.task(process, thread)?.task;
        match plan.opened_file(watch.file)?.arm_dnotify(&task, watch.mask) {
            Err(error) if error == ENOENT => fail!(
                ESTALE(),
                "fd {}: signals of a directory (F_NOTIFY): this descriptor is of another file",
                watch.fd
            ),
            result => result?,
        }
    }
    Ok(())
}
