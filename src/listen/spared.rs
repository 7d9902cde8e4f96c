//! A future that its surroundings do not poll for nothing.
//!
//! `select!` polls every branch whenever one of them is woken. Where one carries bytes and the others
//! wait for what happens once (a limit, a signal), each message would pay for all of them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Polls `future` once, and then only when it was woken itself. Cancel safe if it is.
pub(super) async fn spared<F: Future>(future: F) -> F::Output {
    let bell = Arc::new(Bell {
        rung: AtomicBool::new(true),
        around: AtomicWaker::new(),
    });
    let waker = Waker::from(Arc::clone(&bell));
    let mut future = pin!(future);
    poll_fn(|cx| {
        // First this, then the look: or a ring between them would be heard by nobody.
        bell.around.register(cx.waker());
        if bell.rung.swap(false, Ordering::AcqRel) {
            future.as_mut().poll(&mut Context::from_waker(&waker))
        } else {
            Poll::Pending
        }
    })
    .await
}

struct Bell {
    rung: AtomicBool,
    around: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.around.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_when_it_was_woken_and_not_with_its_surroundings() {
        let (polls, notify, others) = (Cell::new(0), Notify::new(), Notify::new());
        let mut notified = pin!(notify.notified());
        let counted = poll_fn(|cx| {
            polls.set(polls.get() + 1);
            notified.as_mut().poll(cx)
        });
        let spared = spared(counted);
        let surroundings = async {
            for _ in 0..10 {
                others.notify_one();
                others.notified().await;
                tokio::task::yield_now().await;
            }
            assert_eq!(polls.get(), 1);
            notify.notify_one();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = spared => {}
            () = surroundings => {}
        }
        assert_eq!(polls.get(), 2);
    }
}
