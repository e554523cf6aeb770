// SPDX-License-Identifier: GPL-2.0

//! Clocks, checksums, and the module's own reference count.

use crate::bindings;
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};

/// Release of the kernel that the module was built for.
pub const RELEASE: &CStr = match CStr::from_bytes_with_nul(bindings::UTS_RELEASE) {
    Ok(release) => release,
    Err(_) => c"",
};

/// Release of the kernel that runs.
pub fn running_release() -> &'static CStr {
    // SAFETY: The names of the first UTS namespace are there as long as the kernel, and its
    // release never changes.
    unsafe { CStr::from_char_ptr(bindings::cr_shim_running_release()) }
}

/// CLOCK_MONOTONIC in nanoseconds.
pub fn monotonic_ns() -> u64 {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_ktime_ns() }
}

/// The time between two ticks of the kernel's clock, ns.
pub fn tick_ns() -> u64 {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_tick_ns() }
}

/// CLOCK_REALTIME in nanoseconds.
pub fn realtime_ns() -> u64 {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_realtime_ns() }
}

/// Whether [`crc32c`] uses the kernel's implementation, which has instructions of the processor.
static ACCELERATED: Atomic<bool> = Atomic::new(true);

/// CRC32C of `bytes`, continuing `seed`, by the faster one of two implementations.
pub fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    match ACCELERATED.load(Relaxed) {
        true => crc32c_kernel(seed, bytes),
        false => cr_codec::crc::update(seed, bytes),
    }
}

/// C header: [`include/linux/crc32.h`](srctree/include/linux/crc32.h); unlike `crc32c()` there, the
/// value is inverted before and after, as everyone else does.
fn crc32c_kernel(seed: u32, bytes: &[u8]) -> u32 {
    // SAFETY: `bytes` is valid for reads of its length.
    unsafe { bindings::cr_shim_crc32c(seed, bytes.as_ptr().cast(), bytes.len()) }
}

/// Finds out which implementation is the faster one. A processor that is emulated does worse with
/// its special instructions than without.
pub fn choose_checksum() -> Result {
    const ROUNDS: usize = 8;
    let bytes = KVVec::from_elem(0, 4096, GFP_KERNEL)?;
    let time = |checksum: fn(u32, &[u8]) -> u32| {
        let start = monotonic_ns();
        let crc = (0..ROUNDS).fold(0, |crc, _| checksum(crc, &bytes));
        core::hint::black_box(crc);
        monotonic_ns() - start
    };
    // The first round brings code and data into the caches.
    time(crc32c_kernel);
    time(cr_codec::crc::update);
    ACCELERATED.store(time(crc32c_kernel) <= time(cr_codec::crc::update), Relaxed);
    Ok(())
}

/// Sleeps for at least `us` microseconds.
pub fn nap(us: u32) {
    // SAFETY: Called in a context that may sleep, like everything in this crate.
    unsafe { bindings::cr_shim_nap(us) }
}

/// Whether the current task is being killed.
pub fn is_being_killed() -> bool {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_fatal_pending() }
}

/// Fills a buffer with random bytes.
pub fn random(out: &mut [u8]) {
    // SAFETY: `out` is valid for writes of its length.
    unsafe { bindings::get_random_bytes(out.as_mut_ptr().cast(), out.len()) }
}

/// Keeps the module loaded.
///
/// `kernel::miscdevice` does not set the owner of its file operations, and tasks execute code of
/// the module while no file is open: both hold one of these.
pub struct ModuleRef(());

impl ModuleRef {
    /// None when the module is being unloaded.
    pub fn get() -> Option<Self> {
        // SAFETY: The module's code is being executed, so it exists.
        unsafe { bindings::cr_shim_module_get() }.then_some(Self(()))
    }
}

impl ModuleRef {
    /// One that was forgotten on purpose.
    ///
    /// # Safety
    ///
    /// For each call, a reference exists that nobody drops otherwise.
    pub(crate) unsafe fn from_queue() -> Self {
        Self(())
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // SAFETY: `get` has taken the reference. The caller's last instructions are covered by
        // `wait_for_callbacks` when the module goes.
        unsafe { bindings::cr_shim_module_put() }
    }
}

/// Waits until no task executes code of the module any more. For the module's exit, when nobody
/// holds a [`ModuleRef`].
pub fn wait_for_callbacks() {
    // SAFETY: May sleep here.
    unsafe { bindings::cr_shim_wait_for_callbacks() }
}
