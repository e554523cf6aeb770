// SPDX-License-Identifier: GPL-2.0

//! Files of sysfs and of cgroups.

use super::*;

#[test]
fn files_of_cgroups_have_values_that_there_are() {
    let refused = |why, change: &dyn Fn(&mut cr_img_kernfs_file)| {
        fails::<cr_img_kernfs_file>(0, why, change);
    };
    refused("its count disagree", &|file| file.nr_left = 5);
    refused("reserved", &|file| file.reserved = 1);
    refused("unknown flags", &|file| file.flags |= 8);
    refused("impossible value", &|file| file.next = 1 << 31);
    refused("impossible value", &|file| file.uid = u32::MAX);
    refused("impossible value", &|file| file.gid = u32::MAX);
    refused("a read that was none", &|file| file.next = 0);
    refused("impossible trigger", &|file| file.window_us = 10_000_001);
    refused("impossible trigger", &|file| file.window_us = 149_999);
    refused("impossible trigger", &|file| file.threshold_us = 0);
    refused("impossible trigger", &|file| file.window_us = 0);
    refused("impossible trigger", &|file| {
        (file.window_us, file.threshold_us) = (0, 0)
    });
    refused("not below the mount", &|file| file.mount_len = 13);
    refused("not below the mount", &|file| file.mount_len = 32);
    refused("not below the mount", &|file| file.mount_len = u32::MAX);
    let only = |flags| {
        move |file: &mut cr_img_kernfs_file| {
            (file.window_us, file.threshold_us, file.flags) = (0, 0, flags)
        }
    };
    passes::<cr_img_kernfs_file>(0, only(CR_KERNFS_CHANGED));
    refused("impossible trigger", &only(CR_KERNFS_FULL));
    refused("impossible trigger", &only(CR_KERNFS_EVENT));
    passes::<cr_img_kernfs_file>(0, |file| {
        (file.threshold_us, file.window_us) = (10_000_000, 10_000_000)
    });
    passes::<cr_img_kernfs_file>(0, |file| file.mount_len = 0);
}

#[test]
fn files_of_cgroups_refer_to_one() {
    let sample = Sample::new();
    let mut files = sample.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let at = files.position(|rec| rec.id == FILE_KERNFS).unwrap();
    let refused = |why, change: &dyn Fn(&mut cr_img_file)| {
        fails::<cr_img_file>(at, why, change);
    };
    refused("no file of kernfs behind it", &|file| file.target = LINK);
    refused("no file of kernfs behind it", &|file| file.target = 0);
    refused("its count disagree", &|file| file.path_len = 31);
    refused("mode and kind disagree", &|file| file.mode = 0o040755);
    refused("only read does not have", &|file| file.flags = 0o100000);
    refused("a device number", &|file| file.rdev = 1);
    passes::<cr_img_file>(at, |file| file.flags = 1);
}
