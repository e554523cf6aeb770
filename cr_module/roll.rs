// SPDX-License-Identifier: GPL-2.0

//! Which tasks of a container under construction have come into being.

use crate::report::{failure, Result};
use cr_sys::{park::Slot, task::TaskRef};
use kernel::{
    prelude::*,
    sync::{Arc, SetOnce},
};

/// A task that has been created.
pub(crate) struct Created {
    pub(crate) task: TaskRef,
    pub(crate) slot: Option<Arc<Slot>>,
}

/// The same, as the task itself says it, step by step. Nobody waits for others to say so.
pub(crate) struct Place {
    task: SetOnce<TaskRef>,
    slot: SetOnce<Arc<Slot>>,
}

impl Place {
    /// The current task has come into being.
    pub(crate) fn register(&self) {
        self.task.populate(TaskRef::current());
    }

    /// It has got to where it waits.
    pub(crate) fn register_slot(&self, slot: Arc<Slot>) {
        self.slot.populate(slot);
    }

    /// What it has said so far.
    pub(crate) fn created(&self) -> Result<Created> {
        let task = self.task.as_ref().cloned();
        Ok(Created {
            task: task.ok_or_else(|| failure!(ESRCH, "a task is not there"))?,
            slot: self.slot.as_ref().cloned(),
        })
    }
}

/// The places of all tasks.
pub(crate) struct Roll(KVVec<Place>);

impl Roll {
    /// Of so many.
    pub(crate) fn new(nr: usize) -> Result<Self> {
        let mut places = KVVec::with_capacity(nr, GFP_KERNEL)?;
        for _ in 0..nr {
            let place = Place {
                task: SetOnce::new(),
                slot: SetOnce::new(),
            };
            places.push(place, GFP_KERNEL)?;
        }
        Ok(Self(places))
    }

    /// One of them, by number.
    pub(crate) fn place(&self, at: usize) -> &Place {
        &self.0[at]
    }
}
