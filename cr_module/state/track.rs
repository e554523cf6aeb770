// SPDX-License-Identifier: GPL-2.0

//! Which private pages have changed since an earlier checkpoint, and the beginning of the next
//! interval.
//!
//! The interval begins before the container is held, so that nobody waits for it. Pages that are
//! written to until then count as changed twice, which does no harm. If the checkpoint fails, the
//! last interval goes on.

use crate::{
    container::Container,
    report::{fail, Context, Result},
};
use cr_codec::{read::ImageId, uapi::*};
use cr_sys::{
    errno::{ENOTUNIQ, ESTALE},
    mm::Mm,
    track::{Before, Origin, Tracking},
    vec,
};
use kernel::{prelude::*, rbtree::RBTree};

/// Runs that are asked for at once.
const BATCH: usize = 1024;

/// The memory of one process or several.
struct Tracked {
    tracking: Tracking,
    /// Until its marks are cleared: to keep it longer would delay what its end has to do.
    mm: Option<Mm>,
    before: Before,
    /// What had changed when the new interval began.
    changed: KVVec<cr_img_run>,
    /// The last interval has ended.
    cleared: bool,
}

/// All memory of a container whose changes are noted.
pub(crate) struct Track {
    id: ImageId,
    parent: Option<ImageId>,
    /// By identity of the memory.
    each: RBTree<u64, Tracked>,
}

/// What is known about memory of which the image's parent has a part.
pub(crate) struct Known<'a> {
    /// The memory descriptor in the parent.
    pub(crate) object: u64,
    /// What had changed when the new interval began.
    pub(crate) changed: &'a [cr_img_run],
}

impl Track {
    /// Begins a new interval. With `parent`, changes since that image are collected.
    pub(crate) fn begin(
        container: &Container,
        id: ImageId,
        parent: Option<ImageId>,
    ) -> Result<Self> {
        let mut track = Self {
            id,
            parent,
            each: RBTree::new(),
        };
        for task in container.ns().tasks() {
            let Some(mm) = task.mm() else { continue };
            let identity = mm.identity();
            if track.each.get(&identity).is_some() {
                continue;
            }
            match Tracking::begin(&mm) {
                Ok((tracking, before)) => {
                    let tracked = Tracked {
                        tracking,
                        mm: Some(mm),
                        before,
                        changed: KVVec::new(),
                        cleared: false,
                    };
                    let each = &mut track.each;
                    each.try_create_and_insert(identity, tracked, GFP_KERNEL)?;
                }
                Err(err) if err == EBUSY && parent.is_some() => {
                    fail!(
                        EBUSY,
                        "{}: is being checkpointed already",
                        container.who(&task)
                    )
                }
                // Another checkpoint notes changes, or somebody else does.
                Err(err) if err == EBUSY || err == ENOTUNIQ() => {}
                Err(err) => return Err(err.into()),
            }
        }
        // Were it not for an earlier checkpoint, nobody has a mark cleared by chance.
        let first = track.each.values().all(|tracked| tracked.before.is_new);
        if first
            && track
                .each
                .values()
                .any(|tracked| tracked.before.used_before)
        {
            track.each = RBTree::new();
        }
        track.check_parent()?;
        for tracked in track.each.values_mut() {
            tracked.collect().context(format_args!("noting changes"))?;
        }
        Ok(track)
    }

    /// Refuses a parent that no memory has its last interval from.
    fn check_parent(&self) -> Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        if !self.each.values().any(|tracked| tracked.is_from(parent)) {
            fail!(
                ESTALE(),
                "the parent is not the last checkpoint of this container, or nothing is known of its \
                 changes since: make a complete image"
            );
        }
        Ok(())
    }

    /// What is known about this memory, as far as the image's parent has a part of it.
    pub(crate) fn known(&self, identity: u64) -> Option<Known<'_>> {
        let parent = self.parent?;
        let tracked = self.each.get(&identity)?;
        let origin = tracked.before.origin.as_ref()?;
        (tracked.is_from(parent) && !tracked.tracking.is_disturbed()).then_some(Known {
            object: origin.object,
            changed: &tracked.changed,
        })
    }

    /// The image is complete: what changes from now on changes in relation to it. `objects` are the
    /// memory descriptors in it: identity and id. Who has come since, by fork(2) or execve(2), is in
    /// the next interval.
    pub(crate) fn finish(mut self, objects: impl Iterator<Item = (u64, u64)>) {
        for tracked in self.each.values_mut() {
            tracked.cleared = false;
        }
        let image = self.id;
        for (identity, object) in objects {
            if let Some(tracked) = self.each.get(&identity) {
                tracked.tracking.keep(Origin { image, object });
            }
        }
    }
}

impl Tracked {
    fn is_from(&self, parent: ImageId) -> bool {
        let origin = self.before.origin.as_ref();
        origin.is_some_and(|origin| origin.image == parent)
    }

    /// Clears all marks. Those that are relative to something are collected.
    fn collect(&mut self) -> Result {
        let Some(mm) = self.mm.take() else {
            return Ok(());
        };
        self.cleared = true;
        if self.before.origin.is_none() {
            self.tracking.clear(&mm, 0, &mut [])?;
            return Ok(());
        }
        let mut batch = vec::zeroed(BATCH, GFP_KERNEL)?;
        let mut from = 0;
        loop {
            let (nr, next) = self.tracking.clear(&mm, from, &mut batch)?;
            self.changed.extend_from_slice(&batch[..nr], GFP_KERNEL)?;
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }
}

impl Drop for Tracked {
    /// Without an image, the last interval goes on.
    fn drop(&mut self) {
        let (true, Some(origin)) = (self.cleared, self.before.origin) else {
            return;
        };
        if self
            .changed
            .iter()
            .all(|run| self.tracking.mark(run).is_ok())
        {
            self.tracking.keep(origin);
        }
    }
}
