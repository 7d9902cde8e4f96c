//! The rules in force, and their upkeep.
//!
//! Whoever looks something up takes the rules once and goes on with them to the end: new rules replace
//! the old ones as a whole and no lookup in flight notices. What cannot be used leaves the old rules in
//! force and says so.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::document::Fault;
use super::rules::Rules;
use super::source::{Document, Source, SourceError};

/// A view of the rules in force. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub struct LivePolicy {
    current: watch::Receiver<Arc<Rules>>,
}

impl LivePolicy {
    /// Takes what the source has now; the second value keeps it up to date while it is run.
    ///
    /// # Errors
    /// When the source cannot be read or holds no valid policy: there are no old rules to keep.
    pub async fn open<S: Source>(mut source: S) -> Result<(Self, Upkeep<S>), Refused> {
        let rules = read(source.next().await)?;
        let (publish, current) = watch::channel(Arc::new(rules));
        Ok((Self { current }, Upkeep { source, publish }))
    }

    /// Rules that never change.
    #[must_use]
    pub fn fixed(rules: Rules) -> Self {
        let (_, current) = watch::channel(Arc::new(rules));
        Self { current }
    }

    /// The rules in force at this moment.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.current.borrow().clone()
    }

    /// Waits until other rules are in force than when this was last called; never, if nothing keeps
    /// them up to date any more. Cancel safe.
    pub async fn changed(&mut self) {
        if self.current.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps a [`LivePolicy`] up to date.
#[derive(Debug)]
pub struct Upkeep<S> {
    source: S,
    publish: watch::Sender<Arc<Rules>>,
}

/// What became of a change of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// New rules are in force: that many.
    Replaced(usize),
    /// The old rules stay.
    Kept(Refused),
}

/// Why a source gives no rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read.
    Unreadable(SourceError),
    /// What it holds is not a policy.
    Invalid {
        /// The file or key.
        part: String,
        /// Where and why.
        fault: Fault,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Invalid { part, fault } => write!(f, "{part}: {fault}"),
        }
    }
}

impl std::error::Error for Refused {}

fn read(found: Result<Document, SourceError>) -> Result<Rules, Refused> {
    let document = found.map_err(Refused::Unreadable)?;
    document
        .rules()
        .map_err(|(part, fault)| Refused::Invalid { part, fault })
}

impl<S: Source> Upkeep<S> {
    /// Follows the source for ever and tells of every change. Cancel safe: dropping the future leaves
    /// the rules as they are.
    pub async fn run(mut self, mut tell: impl FnMut(Change)) -> Infallible {
        loop {
            match read(self.source.next().await) {
                Ok(rules) => {
                    let count = rules.rules.len();
                    // Nobody may be looking any more; the rules are kept for whoever asks.
                    self.publish.send_replace(Arc::new(rules));
                    tell(Change::Replaced(count));
                }
                Err(refused) => tell(Change::Kept(refused)),
            }
        }
    }
}
