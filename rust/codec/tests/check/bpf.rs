// SPDX-License-Identifier: GPL-2.0

//! Maps of bpf(2).

use super::*;

#[test]
fn maps() {
    let fails = |message: &str, f: fn(&mut cr_img_bpf_map)| {
        fails::<cr_img_bpf_map>(0, message, f);
    };
    let passes = |f: fn(&mut cr_img_bpf_map)| passes::<cr_img_bpf_map>(0, f);
    passes(|map| (map.map_flags, map.numa_node) = (4, 1));
    passes(|map| map.map_flags = 1 << 3);
    // The same bytes as a hash table, and as a queue.
    passes(|map| (map.type_, map.nr_cpus, map.value_size) = (1, 0, 16));
    passes(|map| (map.type_, map.nr_cpus, map.key_size, map.value_size) = (22, 0, 0, 20));
    fails("unknown type", |map| map.type_ = 9);
    fails("reserved member", |map| map.reserved = 1);
    fails("unknown flags", |map| map.map_flags = 1 << 9);
    fails("unknown flags", |map| map.map_flags = 3 << 3);
    fails("unknown flags", |map| map.flags = 2);
    fails("a node that", |map| map.numa_node = 1);
    fails("not a name", |map| map.name[15] = 1);
    fails("impossible sizes", |map| map.key_size = 0);
    fails("impossible sizes", |map| map.value_size = 0);
    fails("impossible sizes", |map| map.type_ = 23);
    fails("there are none for", |map| map.nr_cpus = 0);
    fails("there are none for", |map| map.type_ = 1);
    fails("number of elements", |map| map.max_entries = 1);
    fails("number of elements", |map| map.type_ = 6);
    fails("its count disagree", |map| map.nr = 1);
    fails("its count disagree", |map| map.value_size = u32::MAX);
}

#[test]
fn open_files() {
    let sample = Sample::new();
    let mut files = sample.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let place = files.position(|rec| rec.id == FILE_BPF_MAP).unwrap();
    fails::<cr_img_file>(place, "no BPF map behind it", |file| file.target = RULES);
    fails::<cr_img_file>(place, "does not have", |file| file.pos = 1);
}
