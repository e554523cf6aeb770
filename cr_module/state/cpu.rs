// SPDX-License-Identifier: GPL-2.0

//! What programs may have found out about the processor: the features that they can use, by the
//! names that /proc/cpuinfo has for them. That of a restart has to have all of them.

use crate::{
    report::{fail, Result},
    save::Save,
};
use core::fmt;
use cr_codec::{check::Rec, cpu::features, record::Cpu};
use cr_sys::{errno::EPROTONOSUPPORT, regs};
use kernel::prelude::*;

/// Saves the names.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let mut names: KVVec<u8> = KVVec::new();
    for (name, _) in regs::cpu_features().filter(|(_, has)| *has) {
        if !names.is_empty() {
            names.push(b' ', GFP_KERNEL)?;
        }
        names.extend_from_slice(name, GFP_KERNEL)?;
    }
    save.record(&Cpu {}, &[&names])
}

/// Refuses an image from a processor with features that this one does not have.
pub(crate) fn check(rec: &Rec<'_>) -> Result {
    let missing = Missing(rec.payload);
    match missing.names().next() {
        None => Ok(()),
        Some(_) => fail!(
            EPROTONOSUPPORT(),
            "the image is from a processor with more features: this one has no {missing}"
        ),
    }
}

/// Displays the features of a record that this processor does not have.
struct Missing<'a>(&'a [u8]);

impl<'a> Missing<'a> {
    fn names(&self) -> impl Iterator<Item = &'a str> {
        let has = |name: &[u8]| regs::cpu_features().any(|(own, has)| has && own == name);
        features(self.0)
            .filter(move |name| !has(name))
            .filter_map(|name| core::str::from_utf8(name).ok())
    }
}

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nr, name) in self.names().enumerate() {
            f.write_str(if nr == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}
