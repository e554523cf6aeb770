// SPDX-License-Identifier: GPL-2.0

//! The container as a whole: its pid namespace, its init, what is declared external.

use crate::{
    abi,
    report::{fail, Context, Result, Who},
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, file::FileRef, path::PathRef, pid_ns::PidNs, task::TaskRef};
use kernel::prelude::*;

/// An object that the container shares with the outside.
struct External {
    key: u32,
    file: FileRef,
    inode: u64,
}

/// A container.
pub(crate) struct Container {
    ns: PidNs,
    init: TaskRef,
    root: PathRef,
    externals: KVVec<External>,
}

impl Container {
    /// Finds the container that the caller names, and checks that it may be asked for.
    pub(crate) fn find(args: &cr_checkpoint) -> Result<Self> {
        let init = match (args.pid, args.pidfd) {
            (pid, -1) if pid > 0 => {
                TaskRef::find(pid).context(format_args!("pid {pid}: no such process"))?
            }
            (0, fd) if fd >= 0 => {
                TaskRef::from_pidfd(fd).context(format_args!("pidfd {fd}: no process"))?
            }
            _ => fail!(EINVAL, "argument: either a pid or a pidfd is needed"),
        };
        let Some(ns) = PidNs::of_init(&init) else {
            let who = Who {
                pid: init.pid(),
                comm: init.comm(),
            };
            fail!(
                EINVAL,
                "{who}: is not the init of a container (pid 1 of a pid namespace)"
            );
        };
        if ns.contains_current() {
            fail!(EINVAL, "the caller is in the container itself");
        }
        if ns.check_capable().is_err() {
            fail!(EPERM, "CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN is needed");
        }
        if ns.info().sysctls {
            fail!(
                EOPNOTSUPP(),
                "kernel.pid_max or vm.memfd_noexec was set in the container, which is not \
                 supported yet"
            );
        }
        let root = init.living().ok_or(ESRCH).and_then(|task| task.root());
        let root = root.context(format_args!("pid {}: exits", args.pid))?;
        Ok(Self {
            ns,
            init,
            root,
            externals: KVVec::new(),
        })
    }

    /// Its pid namespace.
    pub(crate) fn ns(&self) -> &PidNs {
        &self.ns
    }

    /// Its init.
    pub(crate) fn init(&self) -> &TaskRef {
        &self.init
    }

    /// The root directory of its init.
    pub(crate) fn root(&self) -> &PathRef {
        &self.root
    }

    /// A task of it, for people.
    pub(crate) fn who(&self, task: &TaskRef) -> Who {
        Who {
            pid: task.tid_in(&self.ns),
            comm: task.comm(),
        }
    }

    /// Looks up what the caller declares external.
    pub(crate) fn declare(&mut self, args: &cr_checkpoint) -> Result {
        let declared =
            abi::read_array::<cr_external>(args.externals, args.nr_externals, CR_MAX_EXTERNALS)?;
        for external in &declared {
            if external.reserved != 0 {
                fail!(EINVAL, "argument: external {}: reserved", external.key);
            }
            let task = self
                .ns
                .tasks()
                .find(|task| i64::from(task.tid_in(&self.ns)) == i64::from(external.pid));
            // What is not open need not be declared, and does no harm.
            let task = task.and_then(|task| task.living());
            let file = task.and_then(|task| task.file(u32::try_from(external.fd).ok()?));
            let Some(file) = file else { continue };
            let (_, info, _) = file.read_info();
            self.externals.push(
                External {
                    key: external.key,
                    inode: info.inode,
                    file,
                },
                GFP_KERNEL,
            )?;
        }
        Ok(())
    }

    /// The key of an open file that was declared external: itself, or, failing that, another one of
    /// the same object.
    pub(crate) fn external_key(&self, file: &FileRef, inode: u64) -> Option<u32> {
        let same = |external: &&External| external.file.identity() == file.identity();
        let alike = |external: &&External| external.inode == inode;
        let mut all = self.externals.iter();
        let found = all.clone().find(same).or_else(|| all.find(alike));
        found.map(|external| external.key)
    }

    /// References to an open file that are due to its being declared external.
    pub(crate) fn references_to(&self, file: &FileRef) -> u64 {
        let externals = self.externals.iter();
        externals
            .filter(|external| external.file.identity() == file.identity())
            .count() as u64
    }
}
