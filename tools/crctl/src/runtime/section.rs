// SPDX-License-Identifier: GPL-2.0

//! The section "crctl" of an image: what this program wants to know at restart.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{bail, Context, Result};
use serde::{Deserialize, Serialize};

use super::mounts::{self, Mount};
use crate::error::Error;

/// Name of the section.
pub const NAME: &str = "crctl";

const VERSION: u32 = 1;

/// Contents of the section, as JSON in the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Version of this structure.
    pub version: u32,
    /// The container's mounts, seen from the root of its init.
    pub mounts: Vec<Mount>,
    /// What the standard descriptors of init were, as in /proc/PID/fd; those that came from outside
    /// have their number as key.
    pub stdio: BTreeMap<u32, String>,
    /// Where the image's parent was when the image was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<PathBuf>,
}

/// The directory in /proc of a thread of a process that lives. Its first one may have exited.
pub fn living_thread(pid: i32) -> PathBuf {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let lives = |dir: &Path| dir.join("root").read_link().is_ok();
    if lives(&process) {
        return process;
    }
    let threads = fs::read_dir(process.join("task")).into_iter().flatten();
    let mut threads = threads.filter_map(|thread| Some(thread.ok()?.path()));
    threads.find(|thread| lives(thread)).unwrap_or(process)
}

impl Section {
    /// Describes a running container by its init.
    pub fn of_process(pid: i32) -> Result<Self> {
        let dir = living_thread(pid);
        let mountinfo = File::open(dir.join("mountinfo"));
        let mounts = mountinfo.and_then(mounts::read).context("mountinfo")?;
        let stdio = (0..3).filter_map(|fd| {
            let link = fs::read_link(dir.join(format!("fd/{fd}"))).ok()?;
            Some((fd, link.to_string_lossy().into_owned()))
        });
        Ok(Self {
            version: VERSION,
            mounts,
            stdio: stdio.collect(),
            parent: None,
        })
    }

    /// The section as it goes into an image.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = serde_json::to_vec(self)?;
        if bytes.len() > cr_codec::uapi::CR_MAX_SECTION_LEN as usize {
            bail!("the container has too many mounts ({})", self.mounts.len());
        }
        Ok(bytes)
    }

    /// Parses a section of an image.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }

        let bad = |err: serde_json::Error| Error::BadImage(format!("section {NAME}: {err}"));
        let section = match serde_json::from_slice::<Self>(bytes) {
            Ok(section) if section.version == VERSION => return Ok(section),
            section => section,
        };
        // Another version may look different in all but this.
        let Version { version } = serde_json::from_slice(bytes).map_err(bad)?;
        if version != VERSION {
            let what = format!("section {NAME} has version {version}, this crctl knows {VERSION}");
            return Err(Error::BadImage(what).into());
        }
        Ok(section.map_err(bad)?)
    }

    /// Fails when something that was mounted is not among the mounts `now`.
    pub fn check_mounts(&self, now: &[Mount]) -> Result<()> {
        let missing = mounts::missing(&self.mounts, now);
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join("; ");
        Err(Error::Refused(format!("{missing} (--ignore-mounts goes on all the same)")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let section = Section::of_process(std::process::id() as i32).unwrap();
        assert!(!section.mounts.is_empty());
        let bytes = section.to_bytes().unwrap();
        assert_eq!(Section::from_bytes(&bytes).unwrap(), section);
    }

    #[test]
    fn other_versions() {
        let err = Section::from_bytes(b"{\"version\":2,\"what\":1}").unwrap_err();
        assert_eq!(
            err.to_string(),
            "section crctl has version 2, this crctl knows 1"
        );
        assert!(Section::from_bytes(b"\xff").is_err());
        assert!(Section::from_bytes(b"{\"version\":1}").is_err());
    }
}
