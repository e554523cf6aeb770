// SPDX-License-Identifier: GPL-2.0

//! Limits of an IPC namespace that the container has to itself: its sysctls. Objects in it are
//! refused.

use crate::{
    checkpoint::Save,
    report::{fail, Result},
};
use cr_codec::check::Rec;
use cr_sys::{build, errno::EOPNOTSUPP};

/// Saves the limits.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    if !save.init.ipc_is_empty() {
        fail!(
            EOPNOTSUPP(),
            "System V IPC objects or POSIX message queues, which are not supported yet"
        );
    }
    let ipc = save.init.read_ipc();
    save.record(&ipc, &[])
}

/// Sets the limits, in the container's init.
pub(crate) fn restore(rec: &Rec<'_>) -> Result {
    build::set_ipc(&rec.fixed()?);
    Ok(())
}
