// SPDX-License-Identifier: GPL-2.0

//! Kernel objects that have been saved, and under which id.

use crate::report::Result;
use kernel::{prelude::*, rbtree::RBTree};

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Cred,
    Pipe,
    Shmem,
    Inode,
    /// What stands in for a sealed one that is mapped.
    SealedInode,
    File,
    FdTable,
    Fs,
    Sighand,
    Mm,
    Aio,
    IoUring,
    Seccomp,
    Landlock,
    PidNs,
    Socket,
    Tty,
    Mqueue,
}

/// The objects that have been met so far. Tasks that stand still keep them alive.
pub(crate) struct Objects {
    ids: RBTree<(Kind, u64), u64>,
    last: u64,
}

impl Objects {
    /// None.
    pub(crate) fn new() -> Self {
        Self {
            ids: RBTree::new(),
            last: 0,
        }
    }

    /// The id of an object that was met before.
    pub(crate) fn find(&self, kind: Kind, identity: u64) -> Option<u64> {
        self.ids.get(&(kind, identity)).copied()
    }

    /// Gives an id to an object that is met for the first time. Its record comes next.
    pub(crate) fn add(&mut self, kind: Kind, identity: u64) -> Result<u64> {
        self.last += 1;
        self.ids
            .try_create_and_insert((kind, identity), self.last, GFP_KERNEL)?;
        Ok(self.last)
    }

    /// Gives an id to an object that nobody else refers to.
    pub(crate) fn add_private(&mut self) -> Result<u64> {
        self.last += 1;
        Ok(self.last)
    }
}
