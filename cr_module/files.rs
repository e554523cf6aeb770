// SPDX-License-Identifier: GPL-2.0

//! A part of restart: open files and what belongs to them, which are there before any process is.

use crate::{
    abi,
    image::Records,
    report::{fail, failure, Context, Result},
    state::{
        bpf, event, file, hugetlb, inet, inode, kernfs_file, landlock, netlink, numa, packet, pipe,
        shmem, socket, tty, uring_buffers,
    },
};
use cr_codec::uapi::*;
use cr_sys::{file::FileRef, path::PathRef};
use kernel::{prelude::*, rbtree::RBTree};

/// All open files, by id, and the sockets among them, which are not complete yet.
pub(crate) struct Opened {
    pub(crate) files: KVVec<(u64, FileRef)>,
    pub(crate) sockets: socket::Made,
    pub(crate) inets: inet::Made,
}

/// Open files while they are made, in the order of the records.
pub(crate) struct Files<'a> {
    root: &'a PathRef,
    may_differ: bool,
    /// Descriptor of the cgroup that the container is to be in, if it is not the caller's.
    cgroup: Option<i32>,
    externals: KVVec<(u32, FileRef)>,
    pipes: RBTree<u64, pipe::Made>,
    /// By id, ascending.
    made: KVVec<(u64, FileRef)>,
    sockets: socket::Made,
    /// Files of slaves that were hung up, by id.
    pub(crate) hung_up: RBTree<u64, FileRef>,
    inets: inet::Made,
    netlinks: netlink::Made,
    packets: packet::Made,
    records: &'a Records,
}

impl<'a> Files<'a> {
    /// Makes all of them, by id, and the sockets among them.
    pub(crate) fn make(
        args: &cr_restart,
        root: &'a PathRef,
        records: &'a Records,
    ) -> Result<Opened> {
        let mut externals = KVVec::new();
        for external in
            &abi::read_array::<cr_external_fd>(args.externals, args.nr_externals, CR_MAX_EXTERNALS)?
        {
            let file = FileRef::from_fd(external.fd)
                .context(format_args!("replacement for external {}", external.key))?;
            externals.push((external.key, file), GFP_KERNEL)?;
        }
        let mut files = Self {
            root,
            may_differ: args.flags & CR_RESTART_CHANGED_FILES != 0,
            cgroup: (args.cgroup_fd >= 0).then_some(args.cgroup_fd),
            externals,
            pipes: RBTree::new(),
            made: KVVec::new(),
            sockets: socket::Made::new(),
            hung_up: RBTree::new(),
            inets: inet::Made::new(),
            netlinks: netlink::Made::new(),
            packets: packet::Made::new(),
            records,
        };
        for at in 0..records.len() {
            let rec = records.get(at);
            let file = match rec.tag {
                CR_TAG_FILE => file::restore(&mut files, &rec)?,
                CR_TAG_SHMEM => shmem::restore(&rec)?,
                CR_TAG_INODE => inode::restore(&rec, files.root)?,
                CR_TAG_TTY => tty::restore(&mut files, &rec)?,
                CR_TAG_BPF_MAP => bpf::restore(&rec)?,
                CR_TAG_LANDLOCK => landlock::restore(&files, &rec)?,
                CR_TAG_URING_GROUP => {
                    uring_buffers::make(&files, &rec)?;
                    continue;
                }
                _ => continue,
            };
            files.made.push((rec.id, file), GFP_KERNEL)?;
        }
        hugetlb::reserve(records, |object| files.made(object))?;
        numa::restore_shared(records, |object| files.made(object))?;
        tty::complete(&files, records)?;
        let mut sockets = core::mem::replace(&mut files.sockets, socket::Made::new());
        sockets.restore_queues(&files, records)?;
        files.inets.finish(records)?;
        core::mem::replace(&mut files.netlinks, netlink::Made::new()).finish(records)?;
        core::mem::replace(&mut files.packets, packet::Made::new()).finish(records)?;
        files.watch()?;
        kernfs_file::trigger(&files, records)?;
        Ok(Opened {
            files: files.made,
            sockets,
            inets: files.inets,
        })
    }

    /// Lets epoll instances watch the files.
    fn watch(&self) -> Result {
        let file_of = |id| {
            let record = self.records.get(self.records.find(id)?).fixed()?;
            Ok((self.made(id)?, record))
        };
        for (_, rec) in self.records.tagged(CR_TAG_EPOLL) {
            event::restore_watched(&rec, file_of)?;
        }
        Ok(())
    }

    /// What has been made already.
    pub(crate) fn made(&self, id: u64) -> Result<&FileRef> {
        match self.made.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => Ok(&self.made[at].1),
            Err(_) => fail!(EINVAL, "no file {id}"),
        }
    }

    /// All records of the image.
    pub(crate) fn records(&self) -> &'a Records {
        self.records
    }

    /// The directory below which names are looked up.
    pub(crate) fn root(&self) -> &PathRef {
        self.root
    }

    /// Whether files may have changed since the checkpoint.
    pub(crate) fn may_differ(&self) -> bool {
        self.may_differ
    }

    /// Descriptor of the cgroup that the container is to be in, if it is not the caller's.
    pub(crate) fn cgroup(&self) -> Option<i32> {
        self.cgroup
    }

    /// What the caller supplies for an external object.
    pub(crate) fn external(&self, key: u64) -> Result<FileRef> {
        let mut externals = self.externals.iter();
        match externals.find(|(found, _)| u64::from(*found) == key) {
            Some((_, file)) => Ok(file.clone()),
            None => Err(failure!(
                ENXIO,
                "external {key} is needed and was not supplied"
            )),
        }
    }

    /// The open file of a socket.
    pub(crate) fn open_socket(&mut self, id: u64, flags: u32) -> Result<FileRef> {
        let rec = self.records.get(self.records.find(id)?);
        self.sockets.open(&rec, flags)
    }

    /// The open file of a TCP or UDP socket.
    pub(crate) fn open_inet(&mut self, id: u64, flags: u32) -> Result<FileRef> {
        let rec = self.records.get(self.records.find(id)?);
        self.inets.open(&rec, flags)
    }

    /// The open file of a netlink socket.
    pub(crate) fn open_netlink(&mut self, id: u64, flags: u32) -> Result<FileRef> {
        let rec = self.records.get(self.records.find(id)?);
        self.netlinks.open(&rec, flags)
    }

    /// The open file of a packet socket.
    pub(crate) fn open_packet(&mut self, id: u64, flags: u32) -> Result<FileRef> {
        let rec = self.records.get(self.records.find(id)?);
        self.packets.open(&rec, flags)
    }

    /// An open file of a pipe, which is made when its first end is.
    pub(crate) fn open_pipe(&mut self, id: u64, flags: u32) -> Result<FileRef> {
        if self.pipes.get(&id).is_none() {
            let made = pipe::restore(self, &self.records.get(self.records.find(id)?))?;
            self.pipes.try_create_and_insert(id, made, GFP_KERNEL)?;
        }
        match self.pipes.get_mut(&id) {
            Some(made) => made.open(flags),
            None => Err(EINVAL.into()),
        }
    }
}
