// SPDX-License-Identifier: GPL-2.0

//! Signals that open files send when something can be read or written: F_SETOWN, F_SETSIG and
//! O_ASYNC of fcntl(2).
//!
//! Any file can have an owner, and nothing comes of it without O_ASYNC. Refused: O_ASYNC of other
//! files than pipes, sockets and inotify instances, and owners outside of the container; what a Landlock
//! domain forbids is not in the image. Directories send signals in another way: see [`dnotify`].
//!
//! [`dnotify`]: super::dnotify

use crate::{
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, file::FileRef, pid_ns::PidNs};
use kernel::prelude::*;

/// Finds out whether an open file that is about to be saved has an owner.
pub(crate) fn look(save: &Save<'_>, file: &FileRef) -> Result<Option<cr_img_owner>> {
    match file.owner(save.container.ns()) {
        Ok(owner) => Ok(owner),
        Err(error) if error == EXDEV => fail!(
            EBUSY,
            "sends signals to a process outside of the container (F_SETOWN)"
        ),
        Err(error) if error == EOPNOTSUPP() => fail!(
            EOPNOTSUPP(),
            "sends signals (O_ASYNC), and is none of a pipe, a socket, an inotify instance, which is \
             not supported yet"
        ),
        Err(error) => Err(error.into()),
    }
}

/// Saves the owners. All files and all credentials are saved.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let owners = core::mem::take(&mut save.owners);
    if !owners.is_empty() && save.has_domains {
        fail!(
            EOPNOTSUPP(),
            "files that send signals (F_SETOWN) in a container with a Landlock domain are not \
             supported yet"
        );
    }
    for owner in &owners {
        save.record(owner, &[])?;
    }
    Ok(())
}

/// Sets the owners again, once all tasks exist.
pub(crate) fn restore(plan: &Plan, ns: &PidNs) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_OWNER) {
        let owner: cr_img_owner = rec.fixed()?;
        let pid = match owner.pid {
            0 => None,
            nr => Some(ns.find_pid(nr).ok_or(ESRCH)?),
        };
        plan.opened_file(owner.file)?
            .set_owner(pid.as_ref(), &owner)
            .context(format_args!("file {}: its owner", owner.file))?;
    }
    Ok(())
}
