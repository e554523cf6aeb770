// SPDX-License-Identifier: GPL-2.0

//! Programs of classic BPF that sockets ask: what they are to receive (SO_ATTACH_FILTER), and which of
//! several at a port (SO_ATTACH_REUSEPORT_CBPF).
//!
//! The program is the one that was attached, before the kernel has translated it. A restart attaches it by
//! setsockopt(2), which checks it, when it is asked about nothing that the restart itself sends: that
//! has been received.
//!
//! Refused, where sockets are saved: programs of eBPF; those of TCP connections that were to share a port;
//! what is on its way to a TCP socket with a filter, which would be asked about it at another time.

use crate::{
    image::Records,
    report::{Context, Result},
    save::Save,
};
use cr_codec::{
    order,
    sockopt::{SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF},
    uapi::*,
};
use cr_sys::{inet::SockRef, vec};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Saves the programs of a socket, which has this id.
pub(crate) fn save(save: &mut Save<'_>, id: u64, socket: &SockRef) -> Result {
    for option in [SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF] {
        if !socket.has_program(option) {
            continue;
        }
        let mut insns = vec::zeroed(CR_MAX_FILTER as usize, GFP_KERNEL)?;
        let nr = socket.read_program(option, &mut insns);
        let record = cr_img_sockfilter {
            socket: id,
            option,
            nr_insns: nr as u32,
        };
        save.record(&record, &[insns[..nr].as_bytes()])?;
    }
    Ok(())
}

/// The programs in an image, by their sockets and options, ascending.
pub(crate) struct Programs<'a> {
    records: &'a Records,
    places: KVVec<(u64, u32, usize)>,
}

impl<'a> Programs<'a> {
    /// All of them.
    pub(crate) fn of(records: &'a Records) -> Result<Self> {
        let mut places = KVVec::new();
        for (at, rec) in records.tagged(CR_TAG_SOCKFILTER) {
            let record: cr_img_sockfilter = rec.fixed()?;
            places.push((record.socket, record.option, at), GFP_KERNEL)?;
        }
        Ok(Self { records, places })
    }

    /// Lets a socket ask the program that it had for this, if it had one. Nobody else has the socket yet.
    pub(crate) fn attach(&self, id: u64, option: u32, socket: &SockRef) -> Result {
        let rest = order::after(&self.places, |(of, what, _)| (*of, *what) < (id, option));
        match rest.first() {
            Some((of, what, at)) if (*of, *what) == (id, option) => {
                let rec = self.records.get(*at);
                let mut program = KVVec::new();
                for insn in rec.array::<u64>(size_of::<cr_img_sockfilter>()) {
                    program.push(insn, GFP_KERNEL)?;
                }
                socket
                    .attach_program(option, &program)
                    .context(format_args!("the filter of a socket"))
            }
            _ => Ok(()),
        }
    }
}
