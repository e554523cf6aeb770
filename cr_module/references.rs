// SPDX-License-Identifier: GPL-2.0

//! Does the container share an object with the outside?
//!
//! Before anything is saved, the references of the container's own tasks to the objects are
//! counted. Where the kernel counts more, somebody else has one, or somebody looks at the object
//! for a moment: then all other tasks of the system are searched, which is exact, but slow.

use crate::{
    container::Container,
    report::{fail, Name, Result},
    tree::{Thread, Tree},
};
use cr_sys::{
    errno::EOPNOTSUPP,
    file::{FileRef, FileType},
    socket::SocketRef,
};
use kernel::{prelude::*, rbtree::RBTree};

/// Ends of a pipe.
#[derive(Clone, Copy, Default)]
struct Ends {
    readers: u32,
    writers: u32,
}

/// The references of a container's tasks.
pub(crate) struct References {
    /// Descriptors by open file description.
    files: RBTree<u64, u64>,
    /// Open file descriptions by pipe.
    pipes: RBTree<u64, Ends>,
    /// Sockets, those included that wait to be accepted.
    sockets: RBTree<u64, ()>,
    /// Those of which the queues have not been looked at.
    queues: KVVec<SocketRef>,
    /// eventfds by what the kernel has of them, and how many io_uring instances tell them of results.
    eventfds: RBTree<u64, FileRef>,
    told: RBTree<u64, u32>,
    /// Some living thread has used io_uring.
    pub(crate) uring_is_used: bool,
}

impl References {
    /// Counts them.
    pub(crate) fn collect(tree: &Tree) -> Result<Self> {
        let mut references = Self {
            files: RBTree::new(),
            pipes: RBTree::new(),
            sockets: RBTree::new(),
            queues: KVVec::new(),
            eventfds: RBTree::new(),
            told: RBTree::new(),
            uring_is_used: false,
        };
        let mut tables = RBTree::<u64, ()>::new();
        for thread in tree.live_threads() {
            if thread.task.has_uring() {
                references.uring_is_used = true;
                for (_, ring) in thread.task.registered_rings() {
                    references.add(&ring)?;
                }
            }
            if tables.get(&thread.info.files).is_some() {
                continue;
            }
            tables.try_create_and_insert(thread.info.files, (), GFP_KERNEL)?;
            for (_, _, file) in thread.task.files() {
                references.add(&file)?;
            }
        }
        // What is in flight may be sockets, with more in flight.
        while let Some(socket) = references.queues.pop() {
            references.add_queued(&socket)?;
        }
        Ok(references)
    }

    /// Adds what waits in a socket.
    fn add_queued(&mut self, socket: &SocketRef) -> Result {
        let listening = socket.is_listening();
        for message in socket.messages() {
            if listening {
                message
                    .connection()
                    .map_or(Ok(()), |new| self.add_socket(new))?;
                continue;
            }
            for file in message.files() {
                self.add(&file)?;
            }
        }
        Ok(())
    }

    fn add_socket(&mut self, socket: SocketRef) -> Result {
        self.sockets
            .try_create_and_insert(socket.identity(), (), GFP_KERNEL)?;
        Ok(self.queues.push(socket, GFP_KERNEL)?)
    }

    /// Whether an open file is one of the container's.
    pub(crate) fn has_file(&self, identity: u64) -> bool {
        self.files.get(&identity).is_some()
    }

    /// Whether a socket is one of the container's.
    pub(crate) fn has_socket(&self, identity: u64) -> bool {
        self.sockets.get(&identity).is_some()
    }

    fn add(&mut self, file: &FileRef) -> Result {
        if let Some(count) = self.files.get_mut(&file.identity()) {
            *count += 1;
            return Ok(());
        }
        self.files
            .try_create_and_insert(file.identity(), 1, GFP_KERNEL)?;
        if let Some(socket) = file.socket() {
            return self.add_socket(socket);
        }
        match file.read_type() {
            FileType::Pipe => {}
            FileType::EventFd => {
                let identity = file.eventfd_identity();
                return Ok(self
                    .eventfds
                    .try_create_and_insert(identity, file.clone(), GFP_KERNEL)
                    .map(|_| ())?);
            }
            FileType::IoUring => return self.add_registered(file),
            _ => return Ok(()),
        }
        let (_, info, _) = file.read_info();
        let mut ends = self.pipes.get(&info.inode).copied().unwrap_or_default();
        ends.readers += u32::from(info.readable);
        ends.writers += u32::from(info.writable);
        self.pipes
            .try_create_and_insert(info.inode, ends, GFP_KERNEL)?;
        Ok(())
    }

    /// Adds what is registered with an io_uring instance.
    fn add_registered(&mut self, ring: &FileRef) -> Result {
        let eventfd = ring.uring_tables().eventfd;
        if eventfd != 0 {
            let rings = self.rings_of(eventfd) + 1;
            self.told
                .try_create_and_insert(eventfd, rings, GFP_KERNEL)?;
        }
        for (_, _, file) in ring.uring_files() {
            self.add(&file)?;
        }
        Ok(())
    }

    /// How many io_uring instances tell an eventfd of results, by what the kernel has of it.
    pub(crate) fn rings_of(&self, eventfd: u64) -> u32 {
        self.told.get(&eventfd).copied().unwrap_or(0)
    }

    /// References to an open file that are held here, and by nobody else.
    pub(crate) fn held(&self, file: &FileRef, kind: FileType) -> u64 {
        u64::from(kind == FileType::EventFd && self.has_file(file.identity()))
    }

    /// The open file of an eventfd, by what the kernel has of it.
    pub(crate) fn eventfd(&self, identity: u64) -> Option<FileRef> {
        self.eventfds.get(&identity).cloned()
    }

    /// Descriptors of the container that refer to an open file.
    pub(crate) fn descriptors_of(&self, file: &FileRef) -> u64 {
        self.files.get(&file.identity()).copied().unwrap_or(0)
    }

    /// Open file descriptions of the container that read from, and write to, a pipe.
    pub(crate) fn ends_of(&self, inode: u64) -> (u32, u32) {
        let ends = self.pipes.get(&inode).copied().unwrap_or_default();
        (ends.readers, ends.writers)
    }

    /// Refuses memory and the like that is shared with the outside.
    pub(crate) fn check_contained(&self, container: &Container, tree: &Tree) -> Result {
        let mut users = RBTree::<u64, u32>::new();
        let threads = tree.processes.iter().flat_map(|process| &process.threads);
        let mut all = threads.map(objects_of).peekable();
        while let Some(objects) = all.next() {
            // Most threads have what the one before has.
            let mut alike = 1;
            while all.next_if_eq(&objects).is_some() {
                alike += 1;
            }
            for object in objects.into_iter().filter(|object| *object != 0) {
                let more = users.get(&object).copied().unwrap_or(0) + alike;
                users.try_create_and_insert(object, more, GFP_KERNEL)?;
            }
        }
        let mut seen = RBTree::<u64, ()>::new();
        for thread in tree.live_threads() {
            let objects = objects_of(thread);
            if objects.iter().all(|object| seen.get(object).is_some()) {
                continue;
            }
            for object in objects {
                seen.try_create_and_insert(object, (), GFP_KERNEL)?;
            }
            let ours = objects.map(|object| users.get(&object).copied().unwrap_or(0));
            if thread
                .task
                .users()
                .iter()
                .zip(ours)
                .all(|(users, ours)| *users <= ours)
            {
                continue;
            }
            let [mm, files, fs, sighand] = objects;
            if let Some((pid, comm)) = container.ns().outside_user(mm, files, fs, sighand) {
                fail!(
                    EBUSY,
                    "{}: shares memory, descriptors or directories with pid {pid} ({}) outside \
                     of the container",
                    thread.who(),
                    Name(&comm)
                );
            }
        }
        check_memory(tree)?;
        check_semaphores(tree)
    }
}

/// What a thread may share with others: memory, descriptors, directories, signal actions.
fn objects_of(thread: &Thread) -> [u64; 4] {
    let info = &thread.info;
    [info.mm, info.files, info.fs, info.sighand]
}

/// Refuses memory that processes of different pid namespaces share. At restart, one of them creates
/// the others before it makes the memory, and who is in another namespace can only come after that.
fn check_memory(tree: &Tree) -> Result {
    let mut owners = RBTree::<u64, (u64, u32)>::new();
    for process in tree.processes.iter().filter(|process| !process.is_zombie()) {
        let info = &process.living().info;
        let own = (info.pid_ns, info.tgid);
        let (pid_ns, owner) = owners.get(&info.mm).copied().unwrap_or(own);
        if pid_ns != own.0 {
            fail!(
                EOPNOTSUPP(),
                "{}: shares its memory (CLONE_VM) with pid {owner} in another pid namespace, which \
                 is not supported yet",
                process.leader().who()
            );
        }
        owners.try_create_and_insert(info.mm, (pid_ns, owner), GFP_KERNEL)?;
    }
    Ok(())
}

/// Refuses processes that share a list of semaphore adjustments, empty as it is: it decides when
/// those are made that are yet to come.
fn check_semaphores(tree: &Tree) -> Result {
    let mut owners = RBTree::<u64, u32>::new();
    for thread in tree
        .live_threads()
        .filter(|thread| thread.info.sem_undo != 0)
    {
        let tgid = thread.info.tgid;
        let owner = owners.get(&thread.info.sem_undo).copied().unwrap_or(tgid);
        if owner != tgid {
            fail!(
                EOPNOTSUPP(),
                "{}: shares its semaphore adjustments (CLONE_SYSVSEM) with pid {owner}, which is \
                 not supported yet",
                thread.who()
            );
        }
        owners.try_create_and_insert(thread.info.sem_undo, tgid, GFP_KERNEL)?;
    }
    Ok(())
}
