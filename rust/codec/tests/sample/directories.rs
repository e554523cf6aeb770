// SPDX-License-Identifier: GPL-2.0

//! A directory that sends signals (F_NOTIFY), with its owner.

use super::{Sample, FDTABLE, FILE_DIR};
use cr_codec::uapi::*;

impl Sample {
    pub(super) fn directories(&mut self) {
        let directory = cr_img_file {
            kind: CR_FILE_DIR,
            flags: 0o300000,
            mode: 0o040755,
            path_len: 4,
            ..Default::default()
        };
        self.put(FILE_DIR, &directory, b"/tmp");
        let owner = cr_img_owner {
            file: FILE_DIR,
            pid: 1,
            kind: CR_OWNER_PROCESS,
            fd: CR_OWNER_SYNC,
            ..Default::default()
        };
        self.put(0, &owner, &[]);
        let watch = cr_img_dnotify {
            file: FILE_DIR,
            files: FDTABLE,
            mask: 0x8000_0005,
            fd: 9,
        };
        self.put(0, &watch, &[]);
    }
}
