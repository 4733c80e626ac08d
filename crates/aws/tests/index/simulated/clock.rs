//! A clock that stands still while anything can run, so that minutes pass in a moment.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use aws_sdk_dynamodb::config::{AsyncSleep, Sleep};
use futures::{StreamExt as _, stream::FuturesUnordered};

/// A simulated clock. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now: Duration,
    timers: BTreeMap<(Duration, u64), Waker>,
    timers_made: u64,
}

impl Clock {
    /// The time since the start.
    pub(super) fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    pub(super) fn pause(&self, duration: Duration) -> Timer {
        Timer {
            clock: self.clone(),
            at: self.now() + duration,
            id: None,
        }
    }

    /// Runs all tasks to their end. They wait for nothing but each other and this clock.
    pub(super) fn run<T>(
        &self,
        tasks: impl IntoIterator<Item = impl Future<Output = T>>,
    ) -> Vec<T> {
        let mut tasks: FuturesUnordered<_> = tasks.into_iter().collect();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut results = Vec::new();
        loop {
            woken.0.store(false, Ordering::SeqCst);
            match tasks.poll_next_unpin(&mut context) {
                Poll::Ready(Some(result)) => results.push(result),
                Poll::Ready(None) => return results,
                Poll::Pending if woken.0.load(Ordering::SeqCst) => {}
                Poll::Pending => self.advance(),
            }
        }
    }

    /// Goes on to the next timer.
    fn advance(&self) {
        let due = {
            let mut state = self.0.lock().unwrap();
            let (next, _) = *state
                .timers
                .keys()
                .next()
                .expect("a task waits for nothing");
            state.now = next;
            let later = state.timers.split_off(&(next, u64::MAX));
            std::mem::replace(&mut state.timers, later)
        };
        due.into_values().for_each(Waker::wake);
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Ends at a time.
#[derive(Debug)]
pub(super) struct Timer {
    clock: Clock,
    at: Duration,
    id: Option<u64>,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut state = clock.0.lock().unwrap();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let id = *self.id.get_or_insert_with(|| {
            state.timers_made += 1;
            state.timers_made
        });
        state.timers.insert((self.at, id), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.0.lock().unwrap().timers.remove(&(self.at, id));
        }
    }
}

impl AsyncSleep for Clock {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(self.pause(duration))
    }
}
