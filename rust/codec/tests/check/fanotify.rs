// SPDX-License-Identifier: GPL-2.0

//! fanotify(7).

use super::*;

const FIRST: usize = size_of::<cr_img_fanotify>();
const SECOND: usize = FIRST + size_of::<cr_img_fanotify_event>() + 8;
const THIRD: usize = SECOND + size_of::<cr_img_fanotify_event>() + 14;

fn change_event(payload: &mut [u8], at: usize, f: &dyn Fn(&mut cr_img_fanotify_event)) {
    let place = at..at + size_of::<cr_img_fanotify_event>();
    let mut event = cr_img_fanotify_event::read_from_bytes(&payload[place.clone()]).unwrap();
    f(&mut event);
    payload[place].copy_from_slice(event.as_bytes());
}

#[test]
fn groups_have_values_that_there_are() {
    let group =
        |why, change: &dyn Fn(&mut cr_img_fanotify)| fails::<cr_img_fanotify>(0, why, change);
    group("no fanotify group", &|group| group.file = FILE_INOTIFY);
    group("no fanotify group", &|group| group.file = FS);
    group("impossible limits", &|group| group.max_events = 1 << 31);
    group("impossible limits", &|group| group.nr_marks = 1 << 31);
    group("there is room for", &|group| group.max_events = 1);
    group("its count", &|group| group.nr_events = 2);
    group("fewer watches", &|group| group.nr_marks = 2);
    group("more watches", &|group| group.nr_marks = 0);
    group("reserved", &|group| group.reserved = 1);
    fails::<cr_img_fanotify>(1, "impossible limits", |group| group.max_events = 9);
    fails_bytes(CR_TAG_FANOTIFY, 1, "not after the last one", |payload| {
        payload.truncate(FIRST);
        let group = cr_img_fanotify {
            file: FILE_FANOTIFY,
            nr_marks: 2,
            ..Default::default()
        };
        payload.copy_from_slice(group.as_bytes());
    });
    fails_bytes(CR_TAG_FANOTIFY, 0, "its count", |payload| payload.push(0));
    let mut other = Sample::new();
    let at = index(&other, CR_TAG_FANOTIFY, 0);
    other.state.remove(at);
    refused(&other, "watched by nobody");
    fails::<cr_img_file>(5, "a fanotify group of which", |file| {
        (file.kind, file.pos, file.target) = (CR_FILE_FANOTIFY, 0, 0)
    });

    let file = |target| {
        let mut sample = Sample::new();
        let at = sample.state.iter().position(|rec| rec.id == FILE_FANOTIFY);
        let payload = &mut sample.state[at.unwrap()].payload;
        let (mut file, _) = cr_img_file::read_from_prefix(payload).unwrap();
        file.target = target;
        payload[..size_of::<cr_img_file>()].copy_from_slice(file.as_bytes());
        sample
    };
    // FAN_REPORT_MNT; two classes; a class and FAN_REPORT_FID; a name without a directory; a target
    // without a name; bits and flags that are none.
    for flags in [
        0x4000,
        0xc,
        0x204,
        0x800,
        0x1600,
        1 << 30,
        3 << 32,
        0o100 << 32,
    ] {
        refused(&file(flags), "an anonymous file");
    }
    assert_eq!(check(&file(0x8000_1e00)), Ok(()));
}

#[test]
fn events_are_what_the_group_tells_of() {
    let event = |at, why: &str, change: &dyn Fn(&mut cr_img_fanotify_event)| {
        fails_bytes(CR_TAG_FANOTIFY, 0, why, |payload| {
            change_event(payload, at, change)
        });
    };
    let impossible = "an impossible event";
    event(FIRST, impossible, &|event| event.kind = 5);
    event(FIRST, impossible, &|event| event.kind = CR_FANOTIFY_PATH);
    event(FIRST, impossible, &|event| event.mask = 0);
    event(FIRST, impossible, &|event| event.mask = 0x1_0000);
    event(FIRST, impossible, &|event| event.mask = 0x8000);
    event(FIRST, impossible, &|event| event.pid = (1 << 22) + 1);
    event(FIRST, impossible, &|event| {
        (event.object_len, event.dir_len) = (4, 4)
    });
    event(FIRST, impossible, &|event| {
        (event.object_len, event.path_len) = (4, 4)
    });
    event(FIRST, "an impossible file handle", &|event| {
        event.object_type = 0xff
    });
    event(FIRST, "an impossible file handle", &|event| {
        event.object_len = 6
    });
    event(FIRST, "its count", &|event| event.path_len = u32::MAX);
    event(SECOND, impossible, &|event| event.mask = 0x100);
    event(SECOND, impossible, &|event| event.dir_len = 0);
    event(SECOND, impossible, &|event| event.dir2_len = 0);
    event(SECOND, impossible, &|event| event.name_len = 0);
    event(SECOND, "an impossible file handle", &|event| {
        event.dir_type = 0xff
    });
    event(THIRD, impossible, &|event| event.pid = 1);
    event(THIRD, impossible, &|event| event.mask = 0x4020);
    event(THIRD, impossible, &|event| event.fsid = 1);
    event(THIRD, "there is room for", &|event| {
        (event.kind, event.mask, event.object_type) = (CR_FANOTIFY_FID, 1, 0xff);
    });
    for at in [THIRD - 6, THIRD - 1] {
        fails_bytes(CR_TAG_FANOTIFY, 0, "an impossible name", |payload| {
            payload[at] = 0
        });
    }
    let path = |why: &str, change: &dyn Fn(&mut Vec<u8>)| {
        fails_bytes(CR_TAG_FANOTIFY, 1, why, change);
    };
    path("not an absolute path", &|payload| {
        let at = payload.len() - 4;
        payload[at] = b'.';
    });
    path(impossible, &|payload| {
        change_event(payload, FIRST, &|event| event.fsid = 1)
    });
    path(impossible, &|payload| {
        change_event(payload, FIRST, &|event| event.mask = 0x4)
    });
    path(impossible, &|payload| {
        change_event(payload, FIRST, &|event| {
            (event.name_len, event.path_len) = (1, 3)
        });
    });
}

#[test]
fn marks_have_values_that_there_are() {
    let mark = |nth, why, change: &dyn Fn(&mut cr_img_fanotify_mark)| {
        fails::<cr_img_fanotify_mark>(nth, why, change);
    };
    mark(0, "something unknown", &|mark| mark.type_ = 0x110);
    mark(0, "impossible flags", &|mark| mark.flags = 1);
    mark(1, "impossible flags", &|mark| mark.flags = 0x200);
    mark(0, "unknown events", &|mark| mark.mask = 0x4000);
    mark(0, "unknown events", &|mark| mark.ignored = 0x8_0000);
    mark(0, "impossible type of file", &|mark| mark.mode = 0);
    mark(1, "impossible type of file", &|mark| mark.mode = 0o040000);
    mark(0, "its count", &|mark| mark.path_len = 3);
    fails_bytes(CR_TAG_FANOTIFY_MARK, 0, "not an absolute path", |payload| {
        payload[size_of::<cr_img_fanotify_mark>()] = b'.'
    });
}
