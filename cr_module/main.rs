// SPDX-License-Identifier: GPL-2.0

//! Checkpoint and restart of containers: the module and its device.
//!
//! `/dev/cr` has three ioctls, see `uapi/linux/cr.h`. Their insides read from the top:
//! [`checkpoint`] and [`restart`].

#![crate_name = "cr"]

mod abi;
mod address_space;
mod build;
mod checkpoint;
mod container;
mod contents;
mod countdown;
mod crew;
mod family;
mod files;
mod hold;
mod image;
mod late;
mod objects;
mod plan;
mod references;
mod report;
mod restart;
mod roll;
mod save;
mod sharing;
mod state;
mod tree;

use crate::{
    abi::Argument,
    report::{fail, Failure, Result},
};
use cr_codec::uapi::*;
use cr_sys::{
    misc::{self, ModuleRef},
    vec,
};
use kernel::{
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    prelude::*,
    sync::SetOnce,
};

module! {
    type: CrModule,
    name: "cr",
    authors: ["The cr authors"],
    description: "Checkpoint and restart of containers",
    license: "GPL",
}

#[pin_data(PinnedDrop)]
struct CrModule {
    #[pin]
    device: MiscDeviceRegistration<CrDevice>,
}

impl kernel::InPlaceModule for CrModule {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _: {
                check_release()?;
                misc::choose_checksum()?
            },
            device <- MiscDeviceRegistration::register(MiscDeviceOptions { name: c"cr" }),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for CrModule {
    fn drop(self: Pin<&mut Self>) {
        misc::wait_for_callbacks();
    }
}

/// Fails unless the running kernel is the one that the module was built for: unexported symbols
/// have no versions that the loader could check.
fn check_release() -> kernel::error::Result {
    let (built, running) = (misc::RELEASE, misc::running_release());
    if built == running {
        return Ok(());
    }
    pr_err!(
        "built for kernel {}, not for {}: rebuild the module\n",
        built.to_str().unwrap_or("?"),
        running.to_str().unwrap_or("?")
    );
    Err(ENOEXEC)
}

/// An open `/dev/cr`.
struct CrDevice {
    _module: ModuleRef,
}

#[vtable]
impl MiscDevice for CrDevice {
    type Ptr = KBox<Self>;

    fn open(
        _file: &File,
        _device: &MiscDeviceRegistration<Self>,
    ) -> kernel::error::Result<KBox<Self>> {
        let module = ModuleRef::get().ok_or(ENODEV)?;
        Ok(KBox::new(Self { _module: module }, GFP_KERNEL)?)
    }

    fn ioctl(_: &Self, _file: &File, cmd: u32, arg: usize) -> kernel::error::Result<isize> {
        let result = match cmd {
            CR_IOCTL_CHECKPOINT => checkpoint::ioctl(arg),
            CR_IOCTL_RESTART => restart::ioctl(arg),
            CR_IOCTL_INFO => info(arg),
            _ => return Err(ENOTTY),
        };
        result
            .map(|()| 0)
            .map_err(|failure: Failure| failure.errno())
    }

    // Registers are read in the form that the caller has: see `cr_sys::regs`.
    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(_: &Self, _: &File, _: u32, _: usize) -> kernel::error::Result<isize> {
        Err(ENOTTY)
    }
}

/// CR_IOC_INFO.
fn info(arg: usize) -> Result {
    let mut args = Argument::<cr_info>::read(arg)?;
    let (xfeatures, xstate_size) = xstate()?;
    let capable = cr_sys::task::current_is_capable();
    args.value = cr_info {
        size: args.value.size,
        abi_version: CR_ABI_VERSION,
        format_version: CR_IMG_VERSION,
        flags: if capable { CR_INFO_CAPABLE } else { 0 },
        xfeatures,
        xstate_size,
        reserved: 0,
        kernel_release: kernel_release(),
    };
    args.write()
}

/// What extended state this processor has: components, and bytes for each thread.
fn xstate() -> Result<(u64, u32)> {
    let size = cr_sys::regs::xstate_size();
    if size == 0 {
        fail!(ENODEV, "this processor has no XSAVE");
    }
    static FEATURES: SetOnce<u64> = SetOnce::new();
    let features = match FEATURES.copy() {
        Some(features) => features,
        None => {
            let mut area = vec::zeroed(size, GFP_KERNEL)?;
            cr_sys::task::TaskRef::current().read_xstate(&mut area)?;
            let features = cr_sys::regs::xfeatures(&area);
            FEATURES.populate(features);
            features
        }
    };
    Ok((features, size as u32))
}

/// The kernel release, NUL padded.
fn kernel_release() -> [u8; 64] {
    let mut release = [0; 64];
    for (to, from) in release.iter_mut().take(63).zip(misc::RELEASE.to_bytes()) {
        *to = *from;
    }
    release
}
