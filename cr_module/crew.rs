// SPDX-License-Identifier: GPL-2.0

//! Who helps to put pages in place: other processors, if there are any.

use crate::report::{Failure, Result};
use cr_sys::work::{nr_processors, Workers};
use kernel::{
    new_condvar, new_mutex,
    prelude::*,
    sync::{Arc, CondVar, Mutex},
};

/// Helpers. Dropping them waits for what they still do.
pub(crate) struct Crew {
    most: u32,
    /// Made when there is something to do.
    workers: Option<Workers>,
    board: Arc<Board>,
}

/// What they are about.
#[pin_data]
struct Board {
    #[pin]
    state: Mutex<State>,
    #[pin]
    changed: CondVar,
}

#[derive(Default)]
struct State {
    busy: u32,
    failure: Option<Failure>,
}

impl Crew {
    /// One for each processor but the caller's.
    pub(crate) fn new() -> Result<Self> {
        let board = pin_init!(Board {
            state <- new_mutex!(State::default()),
            changed <- new_condvar!(),
        });
        Ok(Self {
            most: nr_processors().saturating_sub(1),
            workers: None,
            board: Arc::pin_init(board, GFP_KERNEL)?,
        })
    }

    /// Whether somebody has nothing to do.
    pub(crate) fn is_free(&self) -> bool {
        self.board.state.lock().busy < self.most
    }

    /// Gives somebody something to do. How that has ended, [`Crew::wait`] tells.
    pub(crate) fn give(&mut self, job: impl FnOnce() -> Result + Send + 'static) -> Result {
        let workers = match self.workers.take() {
            Some(workers) => workers,
            None => Workers::new(self.most)?,
        };
        let workers = self.workers.insert(workers);
        let board = self.board.clone();
        board.state.lock().busy += 1;
        let given = workers.spawn(move || {
            let result = job();
            board.leave(result.err());
        });
        given.inspect_err(|_| self.board.leave(None))?;
        Ok(())
    }

    /// Waits until all have done what they were given.
    pub(crate) fn wait(&self) -> Result {
        let mut state = self.board.state.lock();
        while state.busy > 0 {
            self.board.changed.wait(&mut state);
        }
        state.failure.take().map_or(Ok(()), Err)
    }
}

impl Board {
    fn leave(&self, failure: Option<Failure>) {
        let mut state = self.state.lock();
        state.busy -= 1;
        if state.failure.is_none() {
            state.failure = failure;
        }
        self.changed.notify_all();
    }
}
