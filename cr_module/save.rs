// SPDX-License-Identifier: GPL-2.0

//! What is known and done while state is saved: each kind of state adds its records, and notes what
//! others need to know.

use crate::{
    container::Container,
    image::Records,
    objects::Objects,
    references::References,
    report::{Context, Result},
    state::{fs, io_uring, memory::Memory, mqueue, regs, socket, sysv_shm},
    tree::Tree,
};
use cr_codec::{uapi::*, FormatError, FormatErrorKind, Record};
use cr_sys::{
    file::FileRef,
    inet::InetRef,
    mm::PAGE_SIZE,
    netlink::NetlinkRef,
    numa::PolicyKey,
    packet::PacketRef,
    task::{CpuWords, TaskRef},
    vec,
};
use kernel::{prelude::*, rbtree::RBTree};

/// What is known and done while state is saved.
pub(crate) struct Save<'a> {
    pub(crate) container: &'a Container,
    /// A thread of its init that lives.
    pub(crate) init: TaskRef,
    pub(crate) references: References,
    pub(crate) objects: Objects,
    pub(crate) memory: Memory,
    /// Open files that there may be locks on, with the identity of their inodes.
    pub(crate) lockable: KVVec<(FileRef, u64)>,
    /// Ids of open files that are external.
    pub(crate) externals: KVVec<u64>,
    /// Epoll instances, with their ids.
    pub(crate) epolls: KVVec<(FileRef, u64)>,
    /// Inotify instances, with their ids.
    pub(crate) inotifies: KVVec<(FileRef, u64)>,
    /// Fanotify groups, with their ids.
    pub(crate) fanotifies: KVVec<(FileRef, u64)>,
    /// io_uring instances by their open files, with their ids; and what else was found out about each.
    pub(crate) rings: KVVec<(FileRef, u64)>,
    pub(crate) saved_rings: KVVec<io_uring::Ring>,
    /// Timers as files.
    pub(crate) timerfds: KVVec<cr_img_timerfd>,
    /// Owners of open files.
    pub(crate) owners: KVVec<cr_img_owner>,
    /// Sockets.
    pub(crate) sockets: KVVec<socket::Saved>,
    /// Ends of TCP connections, by id.
    pub(crate) connections: KVVec<(u64, InetRef)>,
    /// UDP sockets, by id.
    pub(crate) datagrams: KVVec<(u64, InetRef)>,
    /// Netlink sockets, by id, with their ports.
    pub(crate) netlinks: KVVec<(u64, NetlinkRef, u32)>,
    /// Packet sockets, by id.
    pub(crate) packets: KVVec<(u64, PacketRef)>,
    /// TCP sockets that listen, by id, with their open files.
    pub(crate) listeners: KVVec<(u64, InetRef, FileRef)>,
    /// Sets of semaphores: their identifiers, and how many semaphores they have.
    pub(crate) semaphores: KVVec<(i32, u32)>,
    /// Segments of System V shared memory.
    pub(crate) segments: KVVec<sysv_shm::Segment>,
    /// Where the thread was that was saved last.
    pub(crate) directories: Option<fs::Directories>,
    /// Room for a path, taken while it is in use.
    pub(crate) path: KVVec<u8>,
    /// The same for extended registers, and for a CPU affinity: threads have many.
    pub(crate) xstate: KVVec<u8>,
    pub(crate) cpus: Option<CpuWords>,
    /// Some task is in a Landlock domain.
    pub(crate) has_domains: bool,
    /// The container has an IPC namespace to itself; POSIX message queues in it.
    pub(crate) has_own_ipc: bool,
    pub(crate) mqueues: KVVec<mqueue::Saved>,
    /// NUMA memory policies, with their ids.
    pub(crate) policies: RBTree<PolicyKey, u64>,
    /// Length of the vDSO, which is the same for all.
    pub(crate) vdso_data_len: Option<u64>,
    /// What has been saved.
    pub(crate) records: KBox<Records>,
    pub(crate) xfeatures: u64,
}

impl<'a> Save<'a> {
    /// Nothing yet.
    pub(crate) fn new(
        container: &'a Container,
        tree: &Tree,
        records: KBox<Records>,
        memory: Memory,
        has_own_ipc: bool,
    ) -> Result<KBox<Self>> {
        let save = Self {
            container,
            init: tree.processes[0].living().task.clone(),
            references: References::collect(tree)?,
            objects: Objects::new(),
            records,
            memory,
            xfeatures: 0,
            vdso_data_len: None,
            lockable: KVVec::new(),
            externals: KVVec::new(),
            epolls: KVVec::new(),
            inotifies: KVVec::new(),
            fanotifies: KVVec::new(),
            rings: KVVec::new(),
            saved_rings: KVVec::new(),
            timerfds: KVVec::new(),
            owners: KVVec::new(),
            sockets: KVVec::new(),
            connections: KVVec::new(),
            datagrams: KVVec::new(),
            netlinks: KVVec::new(),
            packets: KVVec::new(),
            listeners: KVVec::new(),
            semaphores: KVVec::new(),
            segments: KVVec::new(),
            directories: None,
            path: vec::zeroed(PAGE_SIZE, GFP_KERNEL)?,
            xstate: regs::buffer()?,
            cpus: Some(CpuWords::new()?),
            has_domains: false,
            has_own_ipc,
            mqueues: KVVec::new(),
            policies: RBTree::new(),
        };
        // Not on the stack, which is small, while others save what they know of.
        Ok(KBox::new(save, GFP_KERNEL)?)
    }
}

impl<'a> Save<'a> {
    /// Tasks that have used io_uring. In most containers there are none, which need not be looked for.
    pub(crate) fn uring_users(&self) -> impl Iterator<Item = TaskRef> + 'a {
        let container = self.container;
        let users = || container.ns().tasks().filter(TaskRef::has_uring);
        let found = self.references.uring_is_used.then(users);
        found.into_iter().flatten()
    }

    /// Saves more of each io_uring instance.
    pub(crate) fn for_each_ring(
        &mut self,
        more: impl Fn(&mut Self, &FileRef, u64) -> Result,
    ) -> Result {
        let rings = core::mem::take(&mut self.rings);
        for (ring, id) in &rings {
            more(self, ring, *id).context(format_args!("io_uring"))?;
        }
        self.rings = rings;
        Ok(())
    }

    /// Adds a record that is no object.
    pub(crate) fn record<R: Record>(&mut self, fixed: &R, variable: &[&[u8]]) -> Result {
        self.object(0, fixed, variable)
    }

    /// Adds the record of an object.
    pub(crate) fn object<R: Record>(&mut self, id: u64, fixed: &R, variable: &[&[u8]]) -> Result {
        let fixed = fixed.as_bytes();
        let length = variable
            .iter()
            .fold(fixed.len(), |length, part| length + part.len()) as u64;
        let offset = self.records.total() as u64;
        if !R::KIND.length_fits(length) {
            let kind = FormatErrorKind::Length(length);
            return Err(FormatError::in_record(offset, R::TAG, kind).into());
        }
        let place = self.records.add(R::TAG, id, offset, length)?;
        let rest = put(place, fixed);
        variable.iter().fold(rest, |rest, part| put(rest, part));
        Ok(())
    }

    /// The processor features that a thread may have used.
    pub(crate) fn note_xfeatures(&mut self, xfeatures: u64) {
        self.xfeatures |= xfeatures;
    }
}

/// Copies bytes to the front of a place that is large enough, and returns what is left of it.
fn put<'a>(place: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (front, rest) = place.split_at_mut(bytes.len());
    front.copy_from_slice(bytes);
    rest
}
