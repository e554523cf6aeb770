// SPDX-License-Identifier: GPL-2.0

//! `crctl restart`.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    os::fd::{AsFd, AsRawFd},
};

use anyhow::{Context, Result};
use cr_codec::uapi::*;
use nix::{errno::Errno, sched::CloneFlags};

use super::checkpoint::STANDARD_KEYS;
use crate::{
    cli::Restart,
    device::Device,
    error::{code_of_errno, Code, Error},
    image::{self, Chain, Decoded, Prefix},
    runtime::{
        log::Log,
        mounts,
        namespaces::{self, Processes},
        parents::{self, About},
        relay::{self, FromProcess},
        section::{self, Section},
        start::{self, Starting},
        stats,
    },
    sys,
};

pub(super) fn restart(args: &Restart) -> Result<u8> {
    // Everything that paths and namespaces of the caller are needed for.
    let device = Device::open()?;
    let image = image::open(args.input.as_deref())?;
    let root = args
        .start
        .root
        .as_deref()
        .map(namespaces::find_root)
        .transpose()?
        .flatten();
    let Opened { prefix, relays } = open(args, image)?;
    let section = prefix
        .section(section::NAME)
        .map(Section::from_bytes)
        .transpose()?;
    let own_mounts = prefix.container.namespaces & CR_NS_MNT != 0;
    if root.is_some() && !own_mounts {
        let what = "--root: the container has no mount namespace of its own";
        return Err(Error::Usage(what.into()).into());
    }

    let log = Log::start("restart")?;
    let mut mounts = mounts::of_process("self").context("/proc/self/mountinfo")?;
    let starting = Starting::prepare(&args.start, &mounts)?;
    // /dev/null is opened where it is sure to be.
    let (externals, _null) = externals(args)?;
    if own_mounts {
        namespaces::enter(root.as_deref(), Processes::OfChildren, &mut mounts)?;
        if let (Some(section), false) = (&section, args.ignore_mounts) {
            section.check_mounts(&mounts)?;
        }
    } else {
        namespaces::leave(CloneFlags::CLONE_NEWPID)?;
    }

    let result = issue(args, &device, &log, &starting, &prefix, &externals);
    drop(relays);
    let explained = log.finish();
    let (init, stats) = result.map_err(|errno| failure(errno, explained))?;
    if let Some(format) = args.stats {
        stats::print(&stats, format);
    }
    starting.started(init)
}

/// An image as the kernel can read it.
struct Opened {
    prefix: Prefix<File>,
    /// Who stand in between, until it is read.
    relays: Vec<FromProcess>,
}

/// Opens the image: unpacked, and merged with those that it was made from.
fn open(args: &Restart, image: File) -> Result<Opened> {
    let name = match &args.input {
        Some(path) => path.display().to_string(),
        None => "standard input".into(),
    };
    let mut relays = Vec::new();
    let mut relay = |(file, relay): (File, FromProcess)| {
        relays.push(relay);
        file
    };
    let (compressed, first, image) = image::peek(image).with_context(|| name.clone())?;
    let prefix = match compressed {
        true => {
            let packed = Cursor::new(first).chain(image.try_clone()?);
            Prefix::read(relay(FromProcess::start("restart", |out| {
                io::copy(&mut Decoded::new(packed)?, out)?;
                Ok(())
            })?))
        }
        false => Prefix::read_on(first, image.try_clone()?),
    };
    let mut prefix = prefix.with_context(|| name.clone())?;
    if prefix.container.is_increment() {
        let parents = match &args.input {
            Some(path) if args.parents.is_empty() => parents::find(path, &About::of(&prefix)?)?,
            _ => args.parents.clone(),
        };
        let mut files = parents::open(&parents)?;
        files.push((name, image));
        let chain = Chain::load(files)?;
        let merged = FromProcess::start("restart", |out| chain.merge(out))?;
        prefix = Prefix::read(relay(merged))?;
    } else if !args.parents.is_empty() {
        let what = format!("--parent: {name} is complete, and was made from no other image");
        return Err(Error::Usage(what).into());
    } else if relay::is_needed(&prefix.rest)? {
        let copied = FromProcess::start("restart", |out| {
            io::copy(&mut prefix.rest, out)?;
            Ok(())
        })?;
        prefix.rest = relay(copied);
    }
    Ok(Opened { prefix, relays })
}

fn issue(
    args: &Restart,
    device: &Device,
    log: &Log,
    starting: &Starting,
    prefix: &Prefix<File>,
    externals: &[cr_external_fd],
) -> nix::Result<(nix::unistd::Pid, cr_stats)> {
    let mut flags = 0;
    if log.wants_progress() {
        flags |= CR_RESTART_PROGRESS;
    }
    if args.allow_changed_files {
        flags |= CR_RESTART_CHANGED_FILES;
    }
    let mut arg = cr_restart {
        flags,
        image_fd: prefix.rest.as_raw_fd(),
        log_fd: log.fd().as_raw_fd(),
        // Where this process is by now.
        root_fd: -1,
        cgroup_fd: starting.cgroup().map_or(-1, |cgroup| cgroup.as_raw_fd()),
        ..Default::default()
    };
    let (init, _pidfd) = sys::restart(device.as_fd(), &mut arg, externals, &prefix.bytes)?;
    Ok((init, arg.stats))
}

/// What stands for the objects that came from outside: the standard descriptors, and what the user
/// supplies.
fn externals(args: &Restart) -> Result<(Vec<cr_external_fd>, File)> {
    let null = start::null()?;
    let withheld = start::withheld(args.start.detach);
    let mut externals: Vec<_> = args
        .externals
        .iter()
        .map(|supply| cr_external_fd {
            key: supply.key,
            fd: supply.fd,
        })
        .collect();
    for (fd, key) in (0..).zip(STANDARD_KEYS) {
        if externals.iter().any(|external| external.key == key) {
            continue;
        }
        let fd = match withheld.contains(&fd) || args.input.is_none() && fd == 0 {
            // Standard input is the image, or a pipe at whose end nobody means the container.
            true => null.as_raw_fd(),
            false => fd,
        };
        externals.push(cr_external_fd { key, fd });
    }
    Ok((externals, null))
}

/// What an error number means, if the kernel has not said so.
fn failure(errno: Errno, explained: bool) -> anyhow::Error {
    let code = code_of_errno(errno);
    if explained {
        return Error::Reported(code).into();
    }
    let text = match errno {
        Errno::EPERM | Errno::EACCES => {
            "not permitted: CAP_CHECKPOINT_RESTORE is needed, and all rights that the image has"
        }
        Errno::EBADMSG => "the image is damaged or incomplete",
        Errno::EPROTONOSUPPORT => "the image is not for this machine",
        Errno::ENXIO => "something that came from outside was not supplied (--external)",
        Errno::ESTALE => "a file is not what it was (--allow-changed-files)",
        errno => errno.desc(),
    };
    match code {
        Code::NotPermitted => Error::NotPermitted(text.into()).into(),
        Code::Refused => Error::Refused(text.into()).into(),
        Code::BadImage => Error::BadImage(text.into()).into(),
        _ => anyhow::anyhow!(text),
    }
}
