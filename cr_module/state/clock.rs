// SPDX-License-Identifier: GPL-2.0

//! CLOCK_MONOTONIC and CLOCK_BOOTTIME: in a time namespace, they go on where they stopped, whatever
//! the machine's say. So do uptime and what a program has computed from them.

use crate::report::{Context, Result};
use cr_codec::uapi::*;
use cr_sys::{build as sys, task::TaskRef};

/// Saves what the clocks say to the init of a container.
pub(crate) fn save(container: &mut cr_img_container, init: &TaskRef) {
    (container.monotonic_ns, container.boottime_ns) = init.clocks();
}

/// Sets the clocks of the current task, which is init, and of its children.
pub(crate) fn restore(container: &cr_img_container) -> Result {
    if container.namespaces & CR_NS_TIME == 0 {
        return Ok(());
    }
    sys::set_clocks(container.monotonic_ns, container.boottime_ns)
        .context(format_args!("clocks (CAP_SYS_TIME is needed)"))
}
