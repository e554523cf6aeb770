// SPDX-License-Identifier: GPL-2.0

//! Who answers for a task in the audit log: login id and session; and audited terminals.
//!
//! The kernel hands out the numbers of sessions. A task that had another session than the caller of
//! restart gets a new one, together with all others that shared it; the login id is the same. That
//! of init is the caller's if the login id is.

use crate::{
    plan::Plan,
    report::{failure, Context, Result},
    tree::Thread,
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, security, task::TaskRef};
use kernel::{prelude::*, rbtree::RBTree};

/// The session here for each login id and session of the image.
pub(crate) type Sessions = RBTree<(u32, u32), u32>;

/// Saves both numbers of a thread, which may be a zombie.
pub(crate) fn save(thread: &Thread, record: &mut cr_img_thread) -> Result {
    thread.task.read_audit(record).map_err(|_| {
        failure!(
            EOPNOTSUPP(),
            "an audit login id without a meaning in the caller's user namespace"
        )
    })
}

/// Gives them to the current task, which has those of its parent or of the caller.
pub(crate) fn restore(
    plan: &Plan,
    wanted: &cr_img_thread,
    creator: Option<&cr_img_thread>,
) -> Result {
    let key = (wanted.login_uid, wanted.audit_session);
    // Who has created it has its own already, and has handed them on.
    if creator.is_some_and(|creator| (creator.login_uid, creator.audit_session) == key) {
        return Ok(());
    }
    let mut sessions = plan.audit_sessions.lock();
    let (login, session) = current()?;
    let known = sessions.get(&key).copied();
    if login == wanted.login_uid && known == Some(session) {
        return Ok(());
    }
    let session = match known {
        // Init is the first one of all.
        None if sessions.is_empty() && login == wanted.login_uid => session,
        known => {
            security::set_audit_login(wanted.login_uid, known)
                .context(format_args!("audit login id {}", wanted.login_uid as i32))?;
            current()?.1
        }
    };
    if known.is_none() {
        sessions.try_create_and_insert(key, session, GFP_KERNEL)?;
    }
    Ok(())
}

fn current() -> Result<(u32, u32)> {
    let mut have = cr_img_thread::default();
    TaskRef::current().read_audit(&mut have)?;
    Ok((have.login_uid, have.audit_session))
}

/// Says which terminals' input of the current process is audited.
pub(crate) fn restore_tty(process: &cr_img_process) -> Result {
    security::set_audit_tty(process.audit_tty).context(format_args!("audit of terminals"))
}
