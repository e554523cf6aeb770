// SPDX-License-Identifier: GPL-2.0

//! Lists whose length is only known once they are read.

use kernel::{alloc::AllocError, prelude::*};

/// Reads a list: `read` fills in as much as there is room for, and says how many there are. It is
/// called again until there is room for all, so what it fills in may be there already.
pub fn read_all<T: Default, E: From<AllocError>>(
    mut read: impl FnMut(&mut [T]) -> core::result::Result<usize, E>,
) -> core::result::Result<KVVec<T>, E> {
    let mut list = KVVec::new();
    loop {
        let nr = read(&mut list)?;
        if nr <= list.len() {
            list.truncate(nr);
            return Ok(list);
        }
        // There may be some more by then.
        let room = nr + nr / 8;
        list.reserve(room - list.len(), GFP_KERNEL)?;
        while list.len() < room {
            list.push(T::default(), GFP_KERNEL)?;
        }
    }
}

/// The same where a negative number is an error.
pub fn try_read_all<T: Default>(mut read: impl FnMut(&mut [T]) -> i32) -> Result<KVVec<T>> {
    read_all(|room: &mut [T]| {
        let nr = read(room);
        usize::try_from(nr).map_err(|_| Error::from_errno(nr))
    })
}
