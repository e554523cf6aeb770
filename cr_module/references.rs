// SPDX-License-Identifier: GPL-2.0

//! Does the container share an object with the outside?
//!
//! Before anything is saved, the references of the container's own tasks to the objects are
//! counted. Where the kernel counts more, somebody else has one, or somebody looks at the object
//! for a moment: then all other tasks of the system are searched, which is exact, but slow.

use crate::{
    container::Container,
    report::{fail, Name, Result},
    tree::Tree,
};
use cr_sys::{
    errno::EOPNOTSUPP,
    file::{FileRef, FileType},
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
}

impl References {
    /// Counts them.
    pub(crate) fn collect(tree: &Tree) -> Result<Self> {
        let mut references = Self {
            files: RBTree::new(),
            pipes: RBTree::new(),
        };
        let mut tables = RBTree::<u64, ()>::new();
        for thread in tree.live_threads() {
            if tables.get(&thread.info.files).is_some() {
                continue;
            }
            tables.try_create_and_insert(thread.info.files, (), GFP_KERNEL)?;
            for (_, _, file) in thread.task.files() {
                references.add(&file)?;
            }
        }
        Ok(references)
    }

    fn add(&mut self, file: &FileRef) -> Result {
        if let Some(count) = self.files.get_mut(&file.identity()) {
            *count += 1;
            return Ok(());
        }
        self.files
            .try_create_and_insert(file.identity(), 1, GFP_KERNEL)?;
        if file.read_type() != FileType::Pipe {
            return Ok(());
        }
        let (_, info, _) = file.read_info();
        let mut ends = self.pipes.get(&info.inode).copied().unwrap_or_default();
        ends.readers += u32::from(info.readable);
        ends.writers += u32::from(info.writable);
        self.pipes
            .try_create_and_insert(info.inode, ends, GFP_KERNEL)?;
        Ok(())
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

    /// Refuses processes that share their insides with another process.
    pub(crate) fn check_contained(&self, container: &Container, tree: &Tree) -> Result {
        let mut owners = RBTree::<u64, u32>::new();
        for process in tree.processes.iter().filter(|process| !process.is_zombie()) {
            let leader = process.living();
            let info = &leader.info;
            let objects = [info.mm, info.files, info.fs, info.sighand];
            const WHAT: [&str; 4] = ["memory", "descriptors", "directories", "signal actions"];
            for (object, what) in objects.iter().zip(WHAT) {
                if let Some(other) = owners.get(object) {
                    fail!(
                        EOPNOTSUPP(),
                        "{}: shares its {what} with pid {other}, which is not supported yet",
                        leader.who()
                    );
                }
                owners.try_create_and_insert(*object, info.tgid, GFP_KERNEL)?;
            }
            let ours = process.threads.len() as u32;
            if leader.task.users().iter().all(|users| *users <= ours) {
                continue;
            }
            let [mm, files, fs, sighand] = objects;
            if let Some((pid, comm)) = container.ns().outside_user(mm, files, fs, sighand) {
                fail!(
                    EBUSY,
                    "{}: shares memory, descriptors or directories with pid {pid} ({}) outside \
                     of the container",
                    leader.who(),
                    Name(&comm)
                );
            }
        }
        Ok(())
    }
}
