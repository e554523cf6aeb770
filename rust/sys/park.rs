// SPDX-License-Identifier: GPL-2.0

//! Making tasks stand still.
//!
//! A [`Parking`] is where tasks wait. Each task gets a [`Slot`]: a task work that runs when the
//! task is about to return to user mode, with all of its user registers saved, and that waits there
//! until the parking opens. A task that sleeps in a system call gets there only when something
//! wakes it; until then its slot stays queued.
//!
//! io_uring runs task works while it waits in the middle of a call, and who is traced does so before he
//! stops for that. Whoever gets there passes, and is queued again, until the parking is shut, which is
//! when everybody stands still: from then on he waits. And io_uring has works of its own, which complete
//! requests: until then, who has come by makes way for them.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h).

use crate::{bindings, file::FileRef, misc::ModuleRef, sync::Event, task::TaskRef, vfork::Vfork};
use core::mem::ManuallyDrop;
use cr_codec::uapi::*;
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Full, Release},
        Arc, SetOnce,
    },
    types::Opaque,
};

/// Where a task is on its way into a parking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has not come by yet.
    Queued,
    /// It waits for the parking to open, or is about to: see [`TaskRef::is_parked`].
    Parked,
    /// It was in the middle of a system call, or about to stop for its tracer, and has passed: see
    /// [`Slot::queue_again`].
    Passed,
    /// The same, and it waits there for the parking to open.
    Halted,
    /// It exits.
    Gone,
}

const QUEUED: u32 = 0;
const PARKED: u32 = 1;
const GONE: u32 = 2;
const PASSED: u32 = 3;
const HALTED: u32 = 4;

/// How often who waits looks for other work, ms.
const LOOK_MS: u32 = 2;

/// A place where tasks wait until it opens.
#[pin_data]
pub struct Parking {
    #[pin]
    open: Event,
    /// Tasks may be in the middle of a system call.
    anywhere: bool,
    /// Nobody passes any more.
    shut: Atomic<u32>,
}

impl Parking {
    /// Closed, and shut, for tasks that are on their way to user mode.
    pub fn new() -> Result<Arc<Self>> {
        Self::make(false)
    }

    /// Closed, for tasks that may be anywhere.
    pub fn for_all() -> Result<Arc<Self>> {
        Self::make(true)
    }

    fn make(anywhere: bool) -> Result<Arc<Self>> {
        let shut = u32::from(!anywhere);
        Arc::pin_init(
            pin_init!(Self {
                open <- Event::new(),
                anywhere,
                shut: Atomic::new(shut),
            }),
            GFP_KERNEL,
        )
    }

    /// Lets nobody pass, or make way, any more. Afterwards, who makes way already has not come by.
    pub fn shut(&self) {
        self.shut.xchg(1, Full);
    }

    /// Whether it is shut.
    pub fn is_shut(&self) -> bool {
        self.shut.load(Acquire) != 0
    }

    /// Lets everybody go on, now and later.
    pub fn open(&self) {
        self.open.happen();
    }
}

/// A system call that a task is in when it begins to run.
#[derive(Clone, Copy)]
pub struct Interrupted {
    /// It is one of those that 32-bit programs have.
    pub is_compat: bool,
    /// The task goes on to wait in it, for so long, ns.
    pub wait_left: Option<u64>,
}

/// The place of one task in a parking.
#[pin_data]
pub struct Slot {
    #[pin]
    work: Opaque<bindings::callback_head>,
    stage: Atomic<u32>,
    task: TaskRef,
    parking: Arc<Parking>,
    /// How the task goes on with its system call afterwards, if it was interrupted in one before.
    call: Option<Interrupted>,
    /// The same, for the end of a vfork(2).
    vfork: SetOnce<Arc<Vfork>>,
    /// The same, for its tracer.
    trace: SetOnce<cr_img_trace>,
    /// It has begun to do any of these.
    begun: Atomic<u32>,
}

// SAFETY: All parts are for use by several tasks; `work` is only touched by task_work functions.
unsafe impl Send for Slot {}
// SAFETY: As above.
unsafe impl Sync for Slot {}

/// What a queued task work owns: the slot, and the module whose code it runs.
struct Queued {
    slot: ManuallyDrop<Arc<Slot>>,
    module: ManuallyDrop<ModuleRef>,
}

impl Slot {
    /// Asks `task` to come by. Afterwards it goes on with `call`, if that is known.
    ///
    /// Fails with ESRCH when the task exits already.
    pub fn queue(
        parking: &Arc<Parking>,
        task: &TaskRef,
        call: Option<Interrupted>,
    ) -> Result<Arc<Self>> {
        let module = ModuleRef::get().ok_or(ENODEV)?;
        let slot = Arc::pin_init(
            pin_init!(Self {
                work <- Opaque::ffi_init(|work| {
                    // SAFETY: `work` is valid for writes, and pinned from now on.
                    unsafe { bindings::cr_shim_work_init(work, Some(park)) }
                }),
                stage: Atomic::new(QUEUED),
                task: task.clone(),
                parking: parking.clone(),
                call,
                begun: Atomic::new(0),
                vfork: SetOnce::new(),
                trace: SetOnce::new(),
            }),
            GFP_KERNEL,
        )?;
        Self::add(&slot, module, false)?;
        Ok(slot)
    }

    fn add(slot: &Arc<Self>, module: ModuleRef, wake: bool) -> Result {
        let queued = Queued {
            slot: ManuallyDrop::new(slot.clone()),
            module: ManuallyDrop::new(module),
        };
        // SAFETY: The task is valid. `work` is initialised and not queued; it stays valid until
        // it has run or is cancelled, since the queue owns a reference to the slot from now on.
        let added =
            unsafe { bindings::cr_shim_work_add(slot.task.as_ptr(), queued.slot.work.get(), wake) };
        to_result(added).inspect_err(|_| drop(queued.take_back()))
    }

    /// Asks the task, which has passed, to come by once more.
    pub fn queue_again(slot: &Arc<Self>) -> Result {
        slot.stage.store(QUEUED, Release);
        Self::add_again(slot, false)
    }

    fn add_again(slot: &Arc<Self>, wake: bool) -> Result {
        match Self::add(slot, ModuleRef::get().ok_or(ENODEV)?, wake) {
            // It exits, and nobody else will note that now.
            Err(error) if error == ESRCH => {
                slot.stage.store(GONE, Release);
                Ok(())
            }
            added => added,
        }
    }

    /// Takes the slot out of the queue. False when the task has come by, or is just about to.
    fn cancel(slot: &Arc<Self>) -> bool {
        // SAFETY: The task and the work are valid as long as the slot.
        let cancelled =
            unsafe { bindings::cr_shim_work_cancel(slot.task.as_ptr(), slot.work.get()) };
        if cancelled {
            // SAFETY: The work was queued and did not run, so what the queue owned is left.
            drop(unsafe { Queued::from_work(slot.work.get()) }.take_back());
        }
        cancelled
    }

    /// Ends an interruptible sleep of the task, if it has not come by yet.
    pub fn wake(slot: &Arc<Self>) -> Result {
        match Self::cancel(slot) {
            true => Self::add_again(slot, true),
            false => Ok(()),
        }
    }

    /// Ends the sleep of a task in `file`, if it can go on with the rest later. False if it has been woken
    /// meanwhile: it comes by, or sleeps again.
    pub fn interrupt_halfway(slot: &Arc<Self>, file: &FileRef) -> bool {
        // SAFETY: Task and file are valid; a task that has not been released has a kernel stack with
        // its registers, which it does not get to while it waits in a queue whose lock is held.
        unsafe { bindings::cr_shim_interrupt_halfway(slot.task.as_ptr(), file.as_ptr()) }
    }

    /// Lets the task alone, if it has not come by yet.
    pub fn withdraw(slot: &Arc<Self>) {
        // It has come by if it is on the way to finish a write.
        if Self::cancel(slot) && slot.stage() == Stage::Parked {
            if let Some(module) = ModuleRef::get() {
                let _ = Self::add(slot, module, false);
            }
        }
    }

    /// Waits until the parking is shut or opens. True if there is work of io_uring to be done before, in
    /// the current task, which is that of the slot.
    fn makes_way(&self) -> bool {
        if !self.task.has_uring() {
            return false;
        }
        while !self.parking.is_shut() {
            // SAFETY: The work is part of the slot, and is being run.
            if unsafe { bindings::cr_shim_must_make_way(self.work.get()) } {
                // Either this is seen by who has shut it, or that is seen here.
                self.stage.xchg(QUEUED, Full);
                if !self.parking.is_shut() {
                    return true;
                }
                self.stage.store(PARKED, Release);
                break;
            }
            if !matches!(self.parking.open.wait_timeout(LOOK_MS), Ok(false)) {
                break;
            }
        }
        false
    }

    /// Lets the task, which is in the parking, wait for the end of a vfork(2) afterwards.
    pub fn wait_for(&self, vfork: Arc<Vfork>) {
        self.vfork.populate(vfork);
    }

    /// Lets the task, which is in the parking, stop for its tracer afterwards, in the call that it comes
    /// from, or at the end of that, or when it exits.
    pub fn trace(&self, trace: &cr_img_trace) {
        self.trace.populate(*trace);
    }

    /// The task stops for its tracer at its exit: with what it is to exit.
    fn exit_code(&self) -> Option<u32> {
        let trace = self.trace.as_ref()?;
        (trace.stop == CR_TRACE_IN_EXIT).then_some(trace.message as u32)
    }

    /// Does in the current task, to which the slot belongs, what it is to do when the parking opens.
    fn begin(&self) {
        let trace = self.trace.as_ref();
        if self.call.is_some_and(|call| call.is_compat) {
            // SAFETY: The task is on its way to user mode.
            unsafe { bindings::cr_shim_enter_compat_call() };
        }
        if let Some(trace) = trace {
            // SAFETY: `trace` is valid. On its way to user mode, the task may stop for its tracer.
            unsafe { bindings::cr_shim_trace_in_call(trace) };
        }
        match (self.vfork.as_ref(), trace) {
            (Some(vfork), _) => vfork.wait(),
            // SAFETY: As above.
            (None, Some(trace)) => unsafe { bindings::cr_shim_trace_vfork_done(trace) },
            (None, None) => {}
        }
        if let Some(trace) = trace {
            // SAFETY: As above.
            unsafe { bindings::cr_shim_trace_return(trace) };
        }
        let sleeps = trace.is_some_and(|trace| trace.flags & CR_TRACE_SLEEPS != 0);
        match self.call.and_then(|call| call.wait_left) {
            Some(left) => {
                if let Some(call) = self.native_call() {
                    // SAFETY: `call` is valid for reads. On its way to user mode, the task may issue
                    // system calls.
                    unsafe { bindings::cr_shim_finish_wait(&call, left) };
                }
            }
            // SAFETY: As above.
            None if sleeps => unsafe { bindings::cr_shim_reissue() },
            None => {}
        }
        if sleeps {
            // SAFETY: On its way to user mode, the task may stop for its tracer.
            unsafe { bindings::cr_shim_trace_end_call() };
        }
    }

    /// The system call that the task comes from, which is the current one.
    fn native_call(&self) -> Option<bindings::cr_shim_call> {
        let (nr, args) = self.task.native_call()?;
        Some(bindings::cr_shim_call { nr, args })
    }

    /// Whether the current task, to which the slot belongs, is to come by again before it goes on with
    /// the rest of its system call, which it does here otherwise.
    fn goes_on_later(&self) -> bool {
        self.native_call().is_some_and(|call| {
            // SAFETY: The work is part of the slot, and is being run; `call` is valid for reads. On its
            // way to user mode, the task may issue system calls.
            unsafe { bindings::cr_shim_go_on(self.work.get(), &call) }
        })
    }

    /// How far the task has got.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Acquire) {
            PARKED => Stage::Parked,
            GONE => Stage::Gone,
            PASSED => Stage::Passed,
            HALTED => Stage::Halted,
            _ => Stage::Queued,
        }
    }

    /// The task.
    pub fn task(&self) -> &TaskRef {
        &self.task
    }
}

impl Queued {
    /// What the queue owns of this work.
    ///
    /// # Safety
    ///
    /// `work` was given away by `Slot::add`, and is no longer queued. Called once for each.
    unsafe fn from_work(work: *mut bindings::callback_head) -> Self {
        // SAFETY: The work is a member of a slot.
        let slot = unsafe { kernel::container_of!(Opaque::cast_from(work), Slot, work) };
        // SAFETY: The queue owned this reference.
        let slot = unsafe { Arc::from_raw(slot) };
        // SAFETY: The queue owned this reference, which has no data of its own.
        let module = unsafe { ModuleRef::from_queue() };
        Self {
            slot: ManuallyDrop::new(slot),
            module: ManuallyDrop::new(module),
        }
    }

    fn take_back(self) -> (Arc<Slot>, ModuleRef) {
        (
            ManuallyDrop::into_inner(self.slot),
            ManuallyDrop::into_inner(self.module),
        )
    }
}

/// Runs in the task, before it returns to user mode or when it exits.
///
/// # Safety
///
/// Called by `task_work_run` with a work that `Slot::add` has queued.
unsafe extern "C" fn park(work: *mut bindings::callback_head) {
    // SAFETY: It has just been taken off the queue to be run.
    let (slot, module) = unsafe { Queued::from_work(work) }.take_back();
    // SAFETY: No preconditions.
    if unsafe { bindings::cr_shim_current_exiting() } {
        slot.stage.store(GONE, Release);
    // SAFETY: No preconditions.
    } else if slot.parking.anywhere && unsafe { bindings::cr_shim_current_is_busy() } {
        if slot.parking.is_shut() {
            slot.stage.store(HALTED, Release);
            // Being killed is the only other way out.
            let _ = slot.parking.open.wait();
        } else {
            slot.stage.store(PASSED, Release);
        }
    } else {
        // SAFETY: On its way to user mode, nobody else changes the registers of the task.
        unsafe { bindings::cr_shim_settle() };
        slot.stage.store(PARKED, Release);
        if slot.makes_way() {
            if Slot::add(&slot, module, false).is_err() {
                slot.stage.store(GONE, Release);
            }
            return;
        }
        // Being killed is the only other way out, and then the task sees to that itself.
        let open = slot.parking.open.wait().is_ok();
        if let (true, Some(code)) = (open, slot.exit_code()) {
            // SAFETY: The work is part of the slot, and is being run.
            if unsafe { bindings::cr_shim_work_is_last(slot.work.get()) } {
                drop(slot);
                core::mem::forget(module);
                // SAFETY: The task holds no locks, and has nothing left to drop but the reference
                // to the module.
                unsafe { bindings::cr_shim_exit_zombie(code) };
            }
            // Those behind it would not be done any more.
            let _ = Slot::add(&slot, module, false);
            return;
        }
        // It may come by again.
        if open && slot.begun.xchg(1, Full) == 0 {
            slot.begin();
        }
        if open && slot.goes_on_later() {
            // If it exits, the write has ended.
            let _ = Slot::add(&slot, module, false);
            return;
        }
    }
    drop(slot);
    drop(module);
}
