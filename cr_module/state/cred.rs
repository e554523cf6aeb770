// SPDX-License-Identifier: GPL-2.0

//! Credentials: user and group ids, capabilities, securebits, and the [`landlock`] domain.
//!
//! They are restored last, by the system calls that any program would use: what the caller of
//! restart may not have, the kernel does not give.

use crate::{
    build::{Build, SYS_PRCTL},
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::landlock,
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{build, cred::CredRef, task::TaskRef, vec};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Most supplementary groups: NGROUPS_MAX.
const MAX_GROUPS: usize = 65536;

/// Saves the credentials of a thread.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result<u64> {
    // A zombie's identity is not looked up; its credentials are its own.
    let identity = thread.info.cred;
    if identity != 0 {
        if let Some(id) = save.objects.find(Kind::Cred, identity) {
            return Ok(id);
        }
    }
    let domain = landlock::save(save, &thread.task)?;
    let credentials = Credentials::of(&thread.task)?;
    let id = match identity {
        0 => save.objects.add_private()?,
        identity => save.objects.add(Kind::Cred, identity)?,
    };
    let record = cr_img_cred {
        landlock: domain,
        ..credentials.record
    };
    save.object(id, &record, &[credentials.groups().as_bytes()])?;
    Ok(id)
}

/// What is known about a task.
struct Credentials {
    /// But for which Landlock domain it is in.
    record: cr_img_cred,
    groups: KVVec<u32>,
    /// Layers of that.
    nr_layers: u32,
}

impl Credentials {
    fn of(task: &TaskRef) -> Result<Self> {
        let (mut record, groups) = read(task)?;
        let (nr_layers, log) = task.read_landlock();
        record.landlock_log = log;
        Ok(Self {
            record,
            groups,
            nr_layers,
        })
    }

    fn groups(&self) -> &[u32] {
        &self.groups[..self.record.nr_groups as usize]
    }
}

fn read(task: &TaskRef) -> Result<(cr_img_cred, KVVec<u32>)> {
    let mut record = cr_img_cred::default();
    let mut groups = vec::zeroed(64, GFP_KERNEL)?;
    let mut result = task.read_cred(&mut record, &mut groups);
    if result == Err(E2BIG) {
        groups = vec::zeroed(MAX_GROUPS, GFP_KERNEL)?;
        result = task.read_cred(&mut record, &mut groups);
    }
    result.context(format_args!(
        "credentials without a meaning in the caller's user namespace"
    ))?;
    Ok((record, groups))
}

const SYS_SETRESUID: u32 = 117;
const SYS_SETRESGID: u32 = 119;
const SYS_SETFSUID: u32 = 122;
const SYS_SETFSGID: u32 = 123;
const SYS_CAPSET: u32 = 126;
const SYS_KEYCTL: u32 = 250;

const KEYCTL_SET_REQKEY_KEYRING: u64 = 14;

const PR_CAPBSET_DROP: u64 = 24;
const PR_SET_SECUREBITS: u64 = 28;
const PR_CAP_AMBIENT: u64 = 47;
const PR_CAP_AMBIENT_RAISE: u64 = 2;
const PR_CAP_AMBIENT_CLEAR_ALL: u64 = 4;
const SECBIT_NO_SETUID_FIXUP: u64 = 1 << 2;
const CAP_VERSION_3: u32 = 0x2008_0522;
/// One more than the last capability.
const NR_CAPS: u64 = 41;

const INHERITABLE: usize = 0;
const PERMITTED: usize = 1;
const EFFECTIVE: usize = 2;
const BOUNDING: usize = 3;
const AMBIENT: usize = 4;

/// Gives the current task the credentials of a record.
pub(crate) fn restore(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    // Threads have those of who has created them.
    let shared = CredRef::current();
    let known = build.process.credentials.as_ref();
    if known.is_some_and(|(known, id)| known.is(&shared) && *id == rec.id) {
        return Ok(());
    }
    let wanted: cr_img_cred = rec.fixed()?;
    let mut groups: KVVec<u32> = KVVec::with_capacity(wanted.nr_groups as usize, GFP_KERNEL)?;
    let from = size_of::<cr_img_cred>();
    for group in rec.array::<u32>(from).take(wanted.nr_groups as usize) {
        groups.push(group, GFP_KERNEL)?;
    }
    let current = Credentials::of(&TaskRef::current())?;
    if current.nr_layers != 0 {
        fail!(EPERM, "{NOT_THE_CALLERS}");
    }
    let mut have = current.record;
    if have.as_bytes() == wanted.as_bytes() && current.groups() == &groups[..] {
        build.process.credentials.populate((shared, rec.id));
        return Ok(());
    }

    if wanted.reqkey_keyring != have.reqkey_keyring {
        let keyring = u64::from(wanted.reqkey_keyring);
        build
            .syscall(SYS_KEYCTL, [KEYCTL_SET_REQKEY_KEYRING, keyring, 0])
            .context(format_args!("keyring for requested keys"))?;
    }
    // While there is the privilege to do so.
    landlock::restore_domain(build, &wanted).context(format_args!("Landlock domain"))?;
    if current.groups() != &groups[..] {
        build::set_groups(&groups).context(format_args!("supplementary groups"))?;
    }
    // The bounding set and securebits may forbid what the task had before it gave them up.
    let mut raised = wanted;
    raised.cap[PERMITTED] = have.cap[PERMITTED];
    raised.cap[EFFECTIVE] = have.cap[EFFECTIVE];
    set_capabilities(build, &raised)
        .and_then(|()| raise_ambient(build, &wanted))
        .context(format_args!("capabilities"))?;
    for cap in 0..NR_CAPS {
        if have.cap[BOUNDING] & !wanted.cap[BOUNDING] & (1 << cap) != 0 {
            build
                .prctl(PR_CAPBSET_DROP, cap)
                .context(format_args!("capability bounding set"))?;
        }
    }
    if (wanted.uid, wanted.gid) != (have.uid, have.gid) {
        // Otherwise giving up user id 0 would give up the capabilities, too.
        let fixed = u64::from(have.securebits) | SECBIT_NO_SETUID_FIXUP;
        build
            .prctl(PR_SET_SECUREBITS, fixed)
            .context(format_args!("securebits"))?;
        have.securebits = fixed as u32;
        let [real, effective, saved, fs] = wanted.gid.map(u64::from);
        build
            .syscall(SYS_SETRESGID, [real, effective, saved])
            .context(format_args!("group ids"))?;
        build.syscall(SYS_SETFSGID, [fs, 0, 0])?;
        let [real, effective, saved, fs] = wanted.uid.map(u64::from);
        build
            .syscall(SYS_SETRESUID, [real, effective, saved])
            .context(format_args!("user ids"))?;
        build.syscall(SYS_SETFSUID, [fs, 0, 0])?;
    }
    if wanted.securebits != have.securebits {
        build
            .prctl(PR_SET_SECUREBITS, u64::from(wanted.securebits))
            .context(format_args!("securebits"))?;
    }
    set_capabilities(build, &wanted).context(format_args!("capabilities"))?;

    // What asks for more than there was has been refused; what gives less would be a surprise.
    let have = cr_img_cred {
        landlock: wanted.landlock,
        ..Credentials::of(&TaskRef::current())?.record
    };
    match have.as_bytes() == wanted.as_bytes() {
        true => Ok(()),
        false => fail!(EPERM, "{NOT_THE_CALLERS}"),
    }
}

const NOT_THE_CALLERS: &str = "credentials that the caller does not have";

/// Sets the inheritable, permitted and effective set. The ambient set loses what is not in both of
/// the first two.
fn set_capabilities(build: &Build<'_>, wanted: &cr_img_cred) -> Result {
    let low = |set: usize| wanted.cap[set] as u32;
    let high = |set: usize| (wanted.cap[set] >> 32) as u32;
    let header = [CAP_VERSION_3, 0];
    let data = [
        low(EFFECTIVE),
        low(PERMITTED),
        low(INHERITABLE),
        high(EFFECTIVE),
        high(PERMITTED),
        high(INHERITABLE),
    ];
    let header = build.scratch(0, header.as_bytes())?;
    let data = build.scratch(64, data.as_bytes())?;
    build.syscall(SYS_CAPSET, [header, data, 0])?;
    Ok(())
}

/// Sets the ambient set.
fn raise_ambient(build: &Build<'_>, wanted: &cr_img_cred) -> Result {
    build.syscall(SYS_PRCTL, [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0])?;
    for cap in 0..NR_CAPS {
        if wanted.cap[AMBIENT] & (1 << cap) != 0 {
            build.syscall(SYS_PRCTL, [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap])?;
        }
    }
    Ok(())
}
