// SPDX-License-Identifier: GPL-2.0

//! Two groups of fanotify(7): one that tells of handles, and one that opens files.

use super::{Sample, FILE_FANOTIFY, FILE_FANOTIFY2};
use cr_codec::uapi::*;
use zerocopy::IntoBytes;

impl Sample {
    pub(super) fn fanotify(&mut self) {
        // FAN_REPORT_FID, FAN_REPORT_DIR_FID, FAN_REPORT_NAME; O_RDONLY
        self.group(
            FILE_FANOTIFY,
            0xe00,
            2,
            &[
                (
                    cr_img_fanotify_event {
                        fsid: 9,
                        mask: 0x2,
                        kind: CR_FANOTIFY_FID,
                        pid: 1,
                        object_type: 1,
                        object_len: 8,
                        ..Default::default()
                    },
                    b"12345678",
                ),
                (
                    cr_img_fanotify_event {
                        fsid: 9,
                        mask: 0x1000_0000,
                        kind: CR_FANOTIFY_NAME,
                        dir_type: 1,
                        dir_len: 4,
                        dir2_type: 1,
                        dir2_len: 4,
                        name_len: 3,
                        name2_len: 3,
                        ..Default::default()
                    },
                    b"00010002oldnew",
                ),
                (
                    cr_img_fanotify_event {
                        mask: 0x4000,
                        kind: CR_FANOTIFY_OVERFLOW,
                        ..Default::default()
                    },
                    b"",
                ),
            ],
        );
        self.mark(0, 0x240, 0x4800_0002, 0x1, 0o040000);
        // FAN_CLASS_CONTENT, FAN_UNLIMITED_QUEUE; O_RDWR
        self.group(
            FILE_FANOTIFY2,
            0x14 | (2 << 32),
            u32::MAX,
            &[(
                cr_img_fanotify_event {
                    mask: 0x20,
                    kind: CR_FANOTIFY_PATH,
                    pid: 1,
                    path_len: 4,
                    ..Default::default()
                },
                b"/tmp",
            )],
        );
        self.mark(0x10, 0, 0x1_0000, 0, 0);
        self.mark(0x100, 0, 0x20, 0, 0);
    }

    fn group(
        &mut self,
        id: u64,
        target: u64,
        max: u32,
        waiting: &[(cr_img_fanotify_event, &[u8])],
    ) {
        let file = cr_img_file {
            kind: CR_FILE_FANOTIFY,
            flags: 0o2,
            target,
            ..Default::default()
        };
        self.put(id, &file, &[]);
        let group = cr_img_fanotify {
            file: id,
            max_events: max,
            nr_marks: if id == FILE_FANOTIFY { 1 } else { 2 },
            nr_events: waiting.len() as u32,
            reserved: 0,
        };
        let mut events = Vec::new();
        for (event, rest) in waiting {
            events.extend_from_slice(event.as_bytes());
            events.extend_from_slice(rest);
        }
        self.put(0, &group, &events);
    }

    fn mark(&mut self, type_: u32, flags: u32, mask: u32, ignored: u32, mode: u32) {
        let mark = cr_img_fanotify_mark {
            type_,
            flags,
            mask,
            ignored,
            mode,
            path_len: 4,
        };
        self.put(0, &mark, b"/tmp");
    }
}
