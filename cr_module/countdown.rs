// SPDX-License-Identifier: GPL-2.0

//! Where builders wait for each other.

use crate::report::Result;
use cr_sys::sync::Event;
use kernel::{
    prelude::*,
    sync::{
        atomic::{Atomic, Full},
        Arc,
    },
};

/// Something that happens when as many as are expected have arrived.
#[pin_data]
pub(crate) struct Countdown {
    left: Atomic<usize>,
    #[pin]
    event: Event,
}

impl Countdown {
    /// Nobody has arrived yet.
    pub(crate) fn new(expected: usize) -> Result<Arc<Self>> {
        let countdown = Arc::pin_init(
            pin_init!(Self {
                left: Atomic::new(expected),
                event <- Event::new(),
            }),
            GFP_KERNEL,
        )?;
        if expected == 0 {
            countdown.event.happen();
        }
        Ok(countdown)
    }

    /// One more has arrived.
    pub(crate) fn arrive(&self) {
        if self.left.fetch_sub(1, Full) == 1 {
            self.event.happen();
        }
    }

    /// Those who wait need not any more.
    pub(crate) fn give_up(&self) {
        self.event.happen();
    }

    /// Waits for all.
    pub(crate) fn wait(&self) -> Result {
        Ok(self.event.wait()?)
    }
}
