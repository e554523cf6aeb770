// SPDX-License-Identifier: GPL-2.0

//! What threads have for their use of io_uring: instances that they have registered for themselves, how
//! many workers they may have, and where these may run.
//!
//! Workers that have nothing to do are made again when there is something.

use crate::{
    build::Build,
    image::places_of,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::{io_uring::Ring, uring_table::Opened},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    errno::EOPNOTSUPP,
    io_uring,
    task::{CpuWords, TaskRef},
};
use kernel::prelude::*;
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

/// Saves it: all instances have been saved.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let container = save.container;
    for task in save.uring_users().filter(|task| !task.is_dead()) {
        save_of(save, &task).context(format_args!("{}", container.who(&task)))?;
    }
    Ok(())
}

fn save_of(save: &mut Save<'_>, task: &TaskRef) -> Result {
    let mut cpus = CpuWords::new()?;
    let workers = task.uring_workers(&mut cpus)?;
    let mut record = cr_img_uring_task {
        tid: task.tid_in(save.container.ns()),
        workers: workers.most,
        nr_words: workers.nr_words,
        ..Default::default()
    };
    let mut identities = [0; CR_URING_MAX_RINGS as usize];
    for (place, ring) in task.registered_rings() {
        let id = save.objects.find(Kind::File, ring.identity());
        record.rings[place] = id.ok_or(EINVAL)?;
        identities[place] = ring.uring_identity();
    }
    let used = |ring: &&Ring| ring.identity == workers.ring || identities.contains(&ring.identity);
    let mut rings = save.saved_rings.iter().filter(used);
    let usable = rings.find(|ring| ring.is_open_to_all || ring.taker == record.tid);
    let id = usable.and_then(|ring| save.objects.find(Kind::File, ring.file));
    match id {
        Some(id) => record.ring = id,
        None if record.rings.iter().all(|ring| *ring == 0) && record.nr_words == 0 => return Ok(()),
        None => fail!(
            EOPNOTSUPP(),
            "has registered descriptors of io_uring, or has said where its workers may run, and uses \
             only instances of other processes, or none any more, which is not supported yet"
        ),
    }
    save.record(&record, &[cpus.used(record.nr_words)])
}

const REGISTER_IOWQ_AFF: u64 = 17;
const REGISTER_RING_FDS: u64 = 20;
const UNREGISTER_RING_FDS: u64 = 21;

/// struct io_uring_rsrc_update
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Update {
    offset: u32,
    reserved: u32,
    data: u64,
}

/// Gives the current thread what it had for its use of io_uring.
pub(crate) fn restore(build: &Build<'_>, tid: u32) -> Result {
    for at in places_of(&build.plan.uring_tasks, tid) {
        let rec = build.record(at);
        restore_from(build, &rec.fixed()?, &rec).context(format_args!("use of io_uring"))?;
    }
    Ok(())
}

fn restore_from(build: &Build<'_>, record: &cr_img_uring_task, rec: &Rec<'_>) -> Result {
    let _spare = build.spare_descriptors();
    let opened = Opened::new(build, build.file(record.ring)?)?;
    let register = |place: usize, fd: u64| {
        let arg = Update {
            offset: place as u32,
            reserved: 0,
            data: fd,
        };
        opened.register(REGISTER_RING_FDS, arg.as_bytes(), 1)
    };
    // By its first use, a thread gets what it needs for workers.
    register(0, opened.fd())?;
    let first = Update {
        offset: 0,
        reserved: 0,
        data: 0,
    };
    opened.register(UNREGISTER_RING_FDS, first.as_bytes(), 1)?;
    for (place, ring) in record
        .rings
        .iter()
        .enumerate()
        .filter(|(_, ring)| **ring != 0)
    {
        opened.with_fd(*ring, |fd| {
            register(place, fd as u64)?;
            Ok(())
        })?;
    }
    io_uring::set_workers(&record.workers);
    if record.nr_words != 0 {
        let cpus = rec.variable::<cr_img_uring_task>();
        match opened.register(REGISTER_IOWQ_AFF, cpus, cpus.len() as u64) {
            Err(failure) if failure.errno() == EINVAL => fail!(
                EINVAL,
                "its workers may run only on processors that this machine does not have, or that the \
                 container may not use"
            ),
            result => result?,
        };
    }
    Ok(())
}
