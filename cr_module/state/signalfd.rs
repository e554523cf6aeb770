// SPDX-License-Identifier: GPL-2.0

//! Signals as files: signalfd(2).
//!
//! Who reads or polls one is told of its own signals. An epoll instance, however, notices those of
//! the process that has told it to watch the file: of everybody who shares the signal actions with
//! that one. So it is one of these who tells it again, when the signals are in the queues that were
//! there.
//!
//! Refused: an epoll instance that watches one for a process that has ended.

use crate::{
    objects::Kind,
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
    state::event,
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, file::FileRef};

/// Reads one that is about to be saved.
pub(crate) fn read(file: &FileRef, record: &mut cr_img_file) {
    (record.kind, record.target) = (CR_FILE_SIGNALFD, file.read_signalfd());
}

/// Makes one.
pub(crate) fn restore(record: &cr_img_file) -> Result<FileRef> {
    FileRef::make_signalfd(record.target).context(format_args!("making a signalfd"))
}

/// Whose signals an epoll instance notices by a file that it watches: 0 if it is no signalfd.
pub(crate) fn watched_for(save: &Save<'_>, item: &cr_img_epoll_item) -> Result<u64> {
    if item.signals == 0 {
        return Ok(0);
    }
    match save.objects.find(Kind::Sighand, item.signals) {
        Some(sighand) if !save.externals.contains(&item.file) => Ok(sighand),
        _ => fail!(
            EOPNOTSUPP(),
            "an epoll instance watches a signalfd, once descriptor {}, for a process that has ended \
             or is outside, which is not supported yet",
            item.fd
        ),
    }
}

/// Lets epoll instances notice the signals of the current process, all of which are in its queues.
pub(crate) fn restore_watched(plan: &Plan, at: usize) -> Result {
    if plan.records.tagged(CR_TAG_EPOLL).next().is_none() {
        return Ok(());
    }
    let sighand = plan.processes[at].process.sighand;
    let mut sharers = plan.processes.iter();
    if sharers.position(|process| process.process.sighand == sighand) != Some(at) {
        return Ok(());
    }
    for (_, rec) in plan.records.tagged(CR_TAG_EPOLL) {
        event::watch_late(plan, &rec, |item| item.signals == sighand)
            .context(format_args!("epoll: signalfd"))?;
    }
    Ok(())
}
