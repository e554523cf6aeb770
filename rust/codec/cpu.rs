// SPDX-License-Identifier: GPL-2.0

//! Names of what a processor has: components of XSAVE, and features.

use core::fmt;

/// Names of the components of XSAVE, by bit number.
const COMPONENTS: &[&str] = &[
    "x87",
    "SSE",
    "AVX",
    "MPX bounds",
    "MPX control",
    "AVX-512 masks",
    "AVX-512 upper halves",
    "AVX-512 upper registers",
    "Processor Trace",
    "protection keys (PKRU)",
    "PASID",
    "user shadow stack (CET)",
    "kernel shadow stack (CET)",
    "HDC",
    "user interrupts",
    "LBR",
    "HWP",
    "AMX tile configuration",
    "AMX tile data",
    "APX",
];

/// Displays components of XSAVE by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Components(
    /// A bit for each, as in XCR0.
    pub u64,
);

impl fmt::Display for Components {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for bit in (0..u64::BITS).filter(|&bit| self.0.wrapping_shr(bit) & 1 != 0) {
            f.write_str(separator)?;
            separator = ", ";
            match COMPONENTS.get(bit as usize) {
                Some(name) => f.write_str(name)?,
                None => write!(f, "component {bit}")?,
            }
        }
        Ok(())
    }
}

/// The features in a `CR_TAG_CPU`.
pub fn features(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let names = payload.split(|&byte| byte == b' ');
    names.filter(|_| !payload.is_empty())
}

/// Whether it may be the name of a feature.
pub(crate) fn is_feature(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}
