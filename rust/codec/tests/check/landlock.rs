// SPDX-License-Identifier: GPL-2.0

//! Landlock.

use super::*;

/// Changes a rule: the first one is about a file, the second one about a port.
#[track_caller]
fn rule(second: bool, message: &str, f: impl Fn(&mut cr_img_landlock_rule)) {
    let length = size_of::<cr_img_landlock_rule>();
    let start = size_of::<cr_img_landlock>() + usize::from(second) * (length + 4);
    fails_bytes(CR_TAG_LANDLOCK, 0, message, |bytes| {
        let place = &mut bytes[start..start + length];
        let mut rule = cr_img_landlock_rule::read_from_bytes(place).unwrap();
        f(&mut rule);
        place.copy_from_slice(rule.as_bytes());
    });
}

#[test]
fn layers() {
    let fails = |nth, message: &str, f: fn(&mut cr_img_landlock)| {
        fails::<cr_img_landlock>(nth, message, f);
    };
    fails(1, "unknown flags", |layer| layer.flags = 0x10);
    fails(1, "unknown flags", |layer| {
        layer.flags |= CR_LANDLOCK_RULESET
    });
    fails(0, "quiet about what it does not", |layer| {
        layer.quiet_net = 2
    });
    fails(0, "quiet about what it does not", |layer| layer.fs = 2);
    fails(0, "quiet about what it does not", |layer| {
        layer.quiet_scoped = 4
    });
    fails(0, "rules after a layer", |layer| layer.prev = LAYER);
    fails(1, "no layer of a", |layer| layer.prev = LAYER);
    fails(1, "no layer of a", |layer| layer.prev = RULES);
    fails(1, "its count disagree", |layer| layer.nr_rules = 3);
    fails(1, "its count disagree", |layer| layer.nr_rules = 1);
    fails_bytes(CR_TAG_LANDLOCK, 0, "its count disagree", |bytes| {
        bytes.push(0)
    });
    let mut sample = Sample::new();
    sample.change(1, |layer: &mut cr_img_landlock| {
        (layer.fs, layer.net, layer.scoped, layer.quiet_fs) = (0, 0, 0, 0);
    });
    refused(&sample, "a layer that denies nothing");
}

#[test]
fn rules() {
    rule(false, "unknown flags of a rule", |rule| rule.flags = 4);
    rule(false, "allows what is not denied", |rule| rule.access = 8);
    rule(true, "allows what is not denied", |rule| rule.access = 0);
    rule(true, "quiet about nothing", |rule| {
        rule.flags |= CR_LANDLOCK_RULE_QUIET as u16
    });
    rule(true, "a file as well", |rule| rule.mode = 0o100000);
    rule(false, "impossible type", |rule| rule.mode = 0o040755);
    rule(false, "impossible type", |rule| rule.port = 1);
    rule(false, "its count disagree", |rule| rule.path_len = 400);
    let name = size_of::<cr_img_landlock>() + size_of::<cr_img_landlock_rule>();
    fails_bytes(CR_TAG_LANDLOCK, 2, "not an absolute path", |bytes| {
        bytes[name] = b'.'
    });
}

#[test]
fn who_has_them() {
    fails::<cr_img_cred>(0, "no layer of a", |cred| cred.landlock = RULES);
    fails::<cr_img_cred>(0, "no layer of a", |cred| cred.landlock = CRED);
    fails::<cr_img_cred>(0, "no layer denies", |cred| cred.landlock_log = 4);
    fails::<cr_img_cred>(0, "no layer denies", |cred| cred.landlock_log = 0x20000);
    passes::<cr_img_cred>(0, |cred| cred.landlock_log = 3);
    passes::<cr_img_cred>(0, |cred| (cred.landlock, cred.landlock_log) = (0, 0));
    let sample = Sample::new();
    let files = sample.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let place = files.clone().position(|rec| rec.id == FILE_RULES).unwrap();
    let file = |message: &str, f: fn(&mut cr_img_file)| {
        fails::<cr_img_file>(place, message, f);
    };
    file("no rules behind it", |file| file.target = LAYER);
    file("no rules behind it", |file| file.target = PIPE);
    file("does not have", |file| file.flags = 0o2002);
}

/// A domain has so many layers, and no more.
#[test]
fn depth() {
    let mut sample = Sample::new();
    let first = sample.state[index(&sample, CR_TAG_LANDLOCK, 1)].clone();
    let ids = 1 << 20..(1 << 20) + u64::from(CR_MAX_LANDLOCK);
    for id in ids.clone() {
        assert_eq!(check(&sample), Ok(()));
        let mut layer = first.clone();
        let prev = if id == ids.start { 0 } else { id - 1 };
        layer.payload[..8].copy_from_slice(&prev.to_le_bytes());
        layer.id = id;
        sample.state.push(layer);
    }
    assert_eq!(check(&sample), Ok(()));
    let mut one_more = first;
    one_more.payload[..8].copy_from_slice(&(ids.end - 1).to_le_bytes());
    one_more.id = ids.end;
    sample.state.push(one_more);
    refused(&sample, "too many layers");
}
