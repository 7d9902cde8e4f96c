//! Commands that are run when a state changes: beside the beats, one of a target and hook at a time,
//! at most one a second, and none left behind unreaped.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use netkit::heartbeat::event::Change;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::messages;
use crate::plan;

/// Between two starts of one command for one target.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a command that still runs at the end is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a command is told.
#[derive(Clone, Debug)]
struct Job {
    key: (usize, &'static str),
    command: String,
    environment: [(&'static str, String); 5],
}

/// The way to the task that runs the commands.
#[derive(Debug)]
pub(super) struct Hooks {
    plan: plan::Hooks,
    jobs: Option<mpsc::UnboundedSender<Job>>,
    task: Option<JoinHandle<()>>,
}

impl Hooks {
    /// Ready to run what the plan asks for; without hooks there is no task.
    pub(super) fn new(plan: &plan::Hooks) -> Self {
        let any = *plan != plan::Hooks::default();
        let (jobs, inbox) = mpsc::unbounded_channel();
        Self {
            plan: plan.clone(),
            jobs: any.then_some(jobs),
            task: any.then(|| tokio::spawn(Runner::default().run(inbox))),
        }
    }

    /// A state has changed; `down` is how long the outage has lasted.
    pub(super) fn change(
        &self,
        (index, target): (usize, &str),
        change: &Change,
        down: Option<Duration>,
    ) {
        let Some(jobs) = &self.jobs else { return };
        let fell = change.to.is_down() && !change.from.is_down();
        let rose = change.to == netkit::heartbeat::State::Up;
        let hooks = [
            ("down", self.plan.down.as_ref().filter(|_| fell)),
            ("up", self.plan.up.as_ref().filter(|_| rose)),
            ("change", self.plan.change.as_ref()),
        ];
        for (name, command) in hooks {
            let Some(command) = command else { continue };
            let down = down.map(|down| down.as_millis().to_string());
            // The task ends only after this has.
            let _ = jobs.send(Job {
                key: (index, name),
                command: command.clone(),
                environment: [
                    ("NETKIT_TARGET", target.to_owned()),
                    ("NETKIT_STATE", change.to.code().to_owned()),
                    ("NETKIT_PREVIOUS", change.from.code().to_owned()),
                    ("NETKIT_REASON", reason(change)),
                    ("NETKIT_DOWN_MS", down.unwrap_or_default()),
                ],
            });
        }
    }

    /// Waits for what still runs, for a while.
    pub(super) async fn finish(&mut self) {
        self.jobs = None;
        if let Some(task) = self.task.take() {
            let _ = tokio::time::timeout(PATIENCE, task).await;
        }
    }
}

/// The failure where there is one: it says more than the detector's word.
fn reason(change: &Change) -> String {
    let failure = change.failure.as_ref();
    failure.map_or_else(
        || change.reason.clone(),
        |failure| failure.kind.code().to_owned(),
    )
}

/// Runs the commands.
#[derive(Default)]
struct Runner {
    /// When each was last started, and whether it still runs.
    started: HashMap<(usize, &'static str), (Instant, bool)>,
    /// What is to be told afterwards: the last of what happened.
    waiting: HashMap<(usize, &'static str), Job>,
    running: tokio::task::JoinSet<(usize, &'static str)>,
}

impl Runner {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Job>) {
        let mut open = true;
        while open || !self.running.is_empty() || !self.waiting.is_empty() {
            let next = self.next_start(open);
            tokio::select! {
                job = inbox.recv(), if open => match job {
                    Some(job) => drop(self.waiting.insert(job.key, job)),
                    None => open = false,
                },
                Some(ended) = self.running.join_next() => {
                    if let Ok(key) = ended && let Some(start) = self.started.get_mut(&key) {
                        start.1 = false;
                    }
                }
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            self.start_what_may(open);
        }
    }

    /// When a waiting command may start; not while one of its kind runs.
    fn may_start(
        &self,
        key: (usize, &'static str),
        patient: bool,
        now: Instant,
    ) -> Option<Instant> {
        match self.started.get(&key) {
            Some((_, true)) => None,
            Some((at, false)) if patient => Some(*at + PAUSE),
            _ => Some(now),
        }
    }

    fn next_start(&self, patient: bool) -> Option<Instant> {
        let starts = self.waiting.keys();
        let now = Instant::now();
        starts
            .filter_map(|key| self.may_start(*key, patient, now))
            .min()
    }

    fn start_what_may(&mut self, patient: bool) {
        let now = Instant::now();
        let may = |key: &(usize, &'static str)| {
            self.may_start(*key, patient, now)
                .is_some_and(|at| at <= now)
        };
        let keys: Vec<_> = self.waiting.keys().copied().filter(may).collect();
        for key in keys {
            let Some(job) = self.waiting.remove(&key) else {
                continue;
            };
            self.started.insert(key, (now, true));
            self.running.spawn(carry_out(job));
        }
    }
}

/// Runs one command to its end. Standard output is ours alone; what it says goes to standard error.
async fn carry_out(job: Job) -> (usize, &'static str) {
    let mut command = Command::new("sh");
    command
        .args(["-c", &job.command])
        .stdin(Stdio::null())
        .envs(job.environment);
    let output = std::io::Write::flush(&mut std::io::stderr());
    let stderr = output.and_then(|()| {
        use std::os::fd::AsFd;
        std::io::stderr().as_fd().try_clone_to_owned()
    });
    command.stdout(stderr.map_or_else(|_| Stdio::null(), Stdio::from));
    if let Err(error) = command.status().await {
        messages::say(&format!("netkit: --on-{}: {error}", job.key.1));
    }
    job.key
}
