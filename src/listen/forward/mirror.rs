//! A shadow service that gets a copy of what clients say: on a thread of its own, so that whatever
//! becomes of it is nothing to those it is copied from.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::compare::{Compared, Comparison};
use super::{Dialler, dialler};
use crate::addr::Target;
use crate::dial;
use crate::failure::{Failure, Kind, Stage};
use crate::io::Io;
use crate::listen::attend::Told;
use crate::listen::event::{Event, MirrorReport};
use crate::net::layers::Copies;

/// Bytes that may wait for the shadow, for each connection; what comes then is dropped.
pub const BUFFER: usize = 1 << 20;
/// So long is waited for more, while little waits: whoever speaks in short sentences would else pay
/// for a wake-up with each.
const TOGETHER: Duration = Duration::from_millis(1);
/// How long the shadow is still listened to after the client's connection has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// The shadow, and what is made of its replies.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// Where it is.
    pub target: Target,
    /// Whether its replies are compared with those of the service; else they are thrown away.
    pub compare: bool,
}

/// A connection to be shadowed.
pub(in crate::listen) struct Job {
    pub(in crate::listen) id: u64,
    pub(in crate::listen) listener: usize,
    pub(in crate::listen) peer: Option<std::net::SocketAddr>,
    /// What the client says.
    pub(in crate::listen) said: Copies,
    /// What the service answers, where that is compared.
    pub(in crate::listen) answered: Option<Copies>,
}

/// The thread of the shadow.
pub(in crate::listen) struct Mirrors {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Mirrors {
    /// Starts the thread. Errs when the system has none.
    pub(in crate::listen) fn start<I: Io + 'static>(
        mirror: Mirror,
        dial: dial::Config,
        io: Arc<I>,
        told: Told,
    ) -> std::io::Result<Self> {
        let (jobs, taken) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let work = move || {
            let local = LocalSet::new();
            local.block_on(&runtime, serve(mirror, dial, dialler(io), taken, told));
        };
        let thread = std::thread::Builder::new().name("mirror".to_owned());
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread.spawn(work)?),
        })
    }

    /// Shadows a connection from now on.
    pub(in crate::listen) fn take(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The thread lives as long as this.
            let _ = jobs.send(job);
        }
    }

    /// Takes no more, and says whether all have ended.
    pub(in crate::listen) fn have_ended(&mut self) -> bool {
        self.jobs = None;
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

async fn serve(
    mirror: Mirror,
    dial: dial::Config,
    dialler: Dialler,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    told: Told,
) {
    let mut tasks = tokio::task::JoinSet::new();
    while let Some(job) = jobs.recv().await {
        let connecting = dialler(&mirror.target, dial.clone());
        let (mirror, told) = (mirror.clone(), told.clone());
        tasks.spawn_local(async move {
            let report = Shadow::default().run(connecting, &mirror, &job).await;
            let event = Event::Mirror(Box::new(report));
            let _ = told.send((Instant::now(), event));
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

/// One connection of the shadow.
#[derive(Default)]
struct Shadow {
    sent: u64,
    failure: Option<Failure>,
    comparison: RefCell<Comparison>,
}

impl Shadow {
    async fn run(
        mut self,
        dialled: impl Future<Output = super::dialler::Dialled>,
        mirror: &Mirror,
        job: &Job,
    ) -> MirrorReport {
        match dialled.await {
            Ok(connection) => self.converse(connection, job).await,
            Err(failure) => self.failure = Some(failure),
        }
        // Nobody takes copies any more.
        job.said.give_up();
        job.said.ended().await;
        let compared = self.compared(job).await;
        // Whoever still answers is not compared.
        if let Some(answered) = &job.answered {
            answered.give_up();
        }
        MirrorReport {
            id: job.id,
            listener: job.listener,
            peer: job.peer,
            target: mirror.target.to_string(),
            sent: self.sent,
            dropped: job.said.dropped(),
            failure: self.failure,
            compared,
        }
    }

    /// What came of comparing: everything, or only a difference where the shadow missed something.
    async fn compared(&self, job: &Job) -> Option<Compared> {
        let answered = job.answered.as_ref()?;
        if self.failure.is_some() || job.said.dropped() > 0 {
            return self.comparison.borrow().difference();
        }
        let mut bytes = Vec::new();
        while answered.take(&mut bytes).await {
            self.comparison.borrow_mut().main(&bytes);
        }
        self.comparison.borrow().result()
    }

    /// Says what the client says, and hears what comes back, until both have ended or the patience
    /// with the shadow has.
    async fn converse(&mut self, connection: Box<dyn crate::net::Connection>, job: &Job) {
        let (mut reader, mut writer) = tokio::io::split(connection);
        let (sent, comparison) = (&mut self.sent, &self.comparison);
        let say = async {
            let mut bytes = Vec::new();
            while job.said.take(&mut bytes).await {
                writer.write_all(&bytes).await?;
                *sent += bytes.len() as u64;
                let _ = tokio::time::timeout(TOGETHER, job.said.plenty()).await;
            }
            writer.shutdown().await
        };
        let hear = async {
            let mut buffer = vec![0; 16 << 10];
            loop {
                match reader.read(&mut buffer).await? {
                    0 => return std::io::Result::Ok(()),
                    count if job.answered.is_some() => {
                        comparison.borrow_mut().shadow(&buffer[..count]);
                    }
                    _ => {}
                }
            }
        };
        let result = tokio::select! {
            result = async { tokio::try_join!(say, hear).map(drop) } => result,
            () = enough(&job.said) => Ok(()),
            // What the service answers is taken meanwhile, so that little of it waits.
            () = hear_main(job.answered.as_ref(), comparison) => Ok(()),
        };
        if let Err(error) = result {
            let message = format!("the mirror broke the connection off: {error}");
            self.failure = Some(Failure::new(Stage::Send, Kind::Reset, message));
        }
    }
}

/// Waits until the client has said everything, and the shadow has had its time to answer.
async fn enough(said: &Copies) {
    said.ended().await;
    tokio::time::sleep(PATIENCE).await;
}

/// Hears what the service itself answers, for ever.
async fn hear_main(answered: Option<&Copies>, comparison: &RefCell<Comparison>) {
    if let Some(answered) = answered {
        let mut bytes = Vec::new();
        while answered.take(&mut bytes).await {
            comparison.borrow_mut().main(&bytes);
        }
    }
    std::future::pending::<()>().await;
}
