// SPDX-License-Identifier: GPL-2.0

//! Host name and NIS domain name, of a UTS namespace that the container has to itself.

use crate::{
    build::Build,
    report::{Context, Result},
    save::Save,
};
use cr_codec::{check::Rec, record, uapi::*};

/// Saves the names.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let uts = save.init.read_uts();
    save.record(&uts, &[])
}

const SYS_SETHOSTNAME: u32 = 170;
const SYS_SETDOMAINNAME: u32 = 171;

/// Sets the names, in the container's init.
pub(crate) fn restore(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    let uts: cr_img_uts = rec.fixed()?;
    for (nr, name) in [
        (SYS_SETHOSTNAME, record::text(&uts.nodename)),
        (SYS_SETDOMAINNAME, record::text(&uts.domainname)),
    ] {
        let addr = build.scratch(0, name)?;
        build
            .syscall(nr, [addr, name.len() as u64, 0])
            .context(format_args!("host name"))?;
    }
    Ok(())
}
