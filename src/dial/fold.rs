//! The report as a fold of the events: the one place where facts become fields.
//!
//! Separate from `run` so that a recorded stream of events gives the same report, which a test
//! asserts; and from the types so that the contract can be read without the rules.

use std::time::Duration;

use super::event::Event;
use super::report::{Attempt, AttemptOutcome, Question, Report, Resolve};
use crate::event::Stamped;
use crate::failure::Failure;
use crate::net::tls::Handshake;
use crate::net::tls::handshake::Resumption;
use crate::net::{Connected, PeerAddr, SocketFacts, TcpInfo};
use crate::resolve::Answer;
use crate::time::Millis;

/// The outcome of a dial that was stopped before it had one.
pub(super) const INTERRUPTED: &str = "interrupted";

impl Report {
    /// Whether the dial was stopped before it had a verdict.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.outcome == INTERRUPTED
    }

    /// Applies one event. Events must come in the order in which they happened.
    pub fn apply(&mut self, stamped: &Stamped<Event>) {
        let at = stamped.at;
        match &stamped.event {
            Event::ResolveStart { family } => self.question_asked(*family, at),
            Event::ResolveDone { family, result } => self.question_answered(*family, at, result),
            Event::Ordered { addresses } => self.resolve_mut().addresses.clone_from(addresses),
            Event::ConnectStart { attempt, addr } => self.attempt_began(*attempt, addr, at),
            Event::TlsStart { attempt, connected } => self.tls_began(*attempt, connected, at),
            Event::ConnectDone {
                attempt,
                result,
                tls,
            } => {
                self.attempt_ended(*attempt, result, at);
                self.take_handshake(result.is_ok(), *attempt, tls.as_deref());
            }
            Event::Resumed(resumption) => self.resumed(resumption),
            Event::ConnectCancelled { attempt } => {
                self.end_attempt(*attempt, at, AttemptOutcome::Cancelled);
            }
            Event::Taken { reused } => {
                self.reused = Some(reused.is_some());
                if let Some(connected) = reused {
                    self.handshake_ended(connected);
                }
            }
            Event::HandshakeDone(connected) => self.handshake_ended(connected),
            Event::Detection(detection) => self.detection = Some(detection.clone()),
            Event::ExchangeStart | Event::Sent { .. } => {}
            Event::FirstByte { after } => self.first_byte_ms = Some(*after),
            Event::ExchangeDone { exchange, .. } => self.exchange = Some(exchange.clone()),
            Event::ReplayDone { replay, .. } => self.replay = Some(replay.clone()),
            Event::Dialled => self.total_ms = Some(at.into()),
            Event::HoldDone(hold) => self.hold = Some(hold.clone()),
            Event::Warning(text) => self.warnings.push(text.clone()),
            Event::Done { failure } => self.finish(failure.as_ref(), at),
        }
    }

    fn resolve_mut(&mut self) -> &mut Resolve {
        self.resolve.get_or_insert_default()
    }

    fn question_asked(&mut self, family: crate::addr::Family, at: Duration) {
        let (started_ms, ended_ms) = (at.into(), None);
        let question = Question {
            family,
            started_ms,
            ended_ms,
            addresses: None,
            failure: None,
            evidence: Vec::new(),
        };
        self.resolve_mut().questions.push(question);
    }

    fn question_answered(
        &mut self,
        family: crate::addr::Family,
        at: Duration,
        result: &Result<Answer, Failure>,
    ) {
        let resolve = self.resolve_mut();
        let first = resolve
            .questions
            .first()
            .map_or(at, |question| question.started_ms.0);
        resolve.ms = Some(Millis(at.saturating_sub(first)));
        if let Ok(answer) = result {
            resolve.server = answer.server.map(|server| server.to_string());
            resolve.transport = Some(answer.source);
        }
        let asked = resolve
            .questions
            .iter_mut()
            .find(|question| question.family == family);
        if let Some(question) = asked {
            question.ended_ms = Some(at.into());
            question.addresses = Some(result.as_ref().map_or(0, |answer| answer.addresses.len()));
            question.failure = result.as_ref().err().cloned();
            let answer = result.as_ref().ok();
            question.evidence = answer.map_or_else(Vec::new, |answer| answer.evidence.clone());
        }
    }

    fn attempt_began(&mut self, index: usize, addr: &PeerAddr, at: Duration) {
        debug_assert_eq!(
            index,
            self.attempts.len(),
            "attempts are numbered as they start"
        );
        self.attempts.push(Attempt {
            addr: addr.to_string(),
            family: addr.family(),
            local: None,
            started_ms: at.into(),
            tls_started_ms: None,
            ended_ms: None,
            outcome: AttemptOutcome::Pending,
            failure: None,
            handshake_rtt_ms: None,
            syn_retransmits: None,
        });
    }

    /// The transport stands; what the kernel says of it now is what it cost.
    fn tls_began(&mut self, index: usize, connected: &Connected, at: Duration) {
        if let Some(attempt) = self.attempts.get_mut(index) {
            attempt.tls_started_ms = Some(at.into());
            attempt.local.clone_from(&connected.facts.local);
            let info = connected
                .tcp_info
                .as_ref()
                .filter(|info| !info.is_syn_sent());
            attempt.handshake_rtt_ms = info.map(|info| info.rtt_ms);
            attempt.syn_retransmits = info.and_then(|info| info.syn_retransmits);
        }
    }

    /// Keeps the handshake of the winner, or else of the first attempt that had one.
    fn take_handshake(&mut self, connected: bool, index: usize, tls: Option<&Handshake>) {
        let outcome = self.attempts.get(index).map(|attempt| attempt.outcome);
        let won = connected && outcome == Some(AttemptOutcome::Won);
        if won || (self.tls.is_none() && !connected) {
            self.tls = tls.cloned();
        }
    }

    fn resumed(&mut self, resumption: &Resumption) {
        if let Some(tls) = &mut self.tls {
            tls.resumption = Some(resumption.clone());
        }
    }

    fn attempt_ended(&mut self, index: usize, result: &Result<Connected, Failure>, at: Duration) {
        match result {
            Ok(connected) => self.attempt_connected(index, connected, at),
            Err(failure) => {
                self.end_attempt(index, at, AttemptOutcome::Failed);
                if let Some(attempt) = self.attempts.get_mut(index) {
                    if attempt.tls_started_ms.is_none() {
                        attempt.syn_retransmits = failure.syn_retransmits();
                    }
                    attempt.failure = Some(failure.clone());
                }
            }
        }
    }

    fn attempt_connected(&mut self, index: usize, connected: &Connected, at: Duration) {
        let won = self
            .attempts
            .iter()
            .all(|attempt| attempt.outcome != AttemptOutcome::Won);
        let outcome = if won {
            AttemptOutcome::Won
        } else {
            AttemptOutcome::Lost
        };
        self.end_attempt(index, at, outcome);
        let Some(attempt) = self.attempts.get_mut(index) else {
            return;
        };
        attempt.local.clone_from(&connected.facts.local);
        // With fast open the SYN may wait for its data, and nothing is known of a handshake yet.
        let put_off = connected
            .tcp_info
            .as_ref()
            .is_some_and(TcpInfo::is_syn_sent);
        let info = connected.tcp_info.as_ref().filter(|_| !put_off);
        let tls_began = attempt.tls_started_ms;
        if tls_began.is_none() {
            attempt.handshake_rtt_ms = info.map(|info| info.rtt_ms);
            attempt.syn_retransmits = info.and_then(|info| info.syn_retransmits);
        }
        if won {
            let stood = tls_began.map_or(at, |began| began.0);
            let took = Millis(stood.saturating_sub(attempt.started_ms.0));
            self.connect_ms = (!put_off).then_some(took);
            self.tls_ms = tls_began.map(|began| Millis(at.saturating_sub(began.0)));
            self.tcp_info.clone_from(&connected.tcp_info);
            self.take_facts(&connected.facts);
        }
    }

    fn handshake_ended(&mut self, connected: &Connected) {
        let info = connected.tcp_info.as_ref();
        let won = |attempt: &&mut Attempt| attempt.outcome == AttemptOutcome::Won;
        if let Some(winner) = self.attempts.iter_mut().find(won) {
            winner.syn_retransmits = info.and_then(|info| info.syn_retransmits);
        }
        self.tcp_info.clone_from(&connected.tcp_info);
        self.take_facts(&connected.facts);
    }

    fn take_facts(&mut self, facts: &SocketFacts) {
        self.local.clone_from(&facts.local);
        self.peer.clone_from(&facts.peer);
        self.keepalive = facts.keepalive;
        self.options.clone_from(&facts.options);
        self.mptcp = facts.mptcp;
        self.fastopen = facts.fastopen;
    }

    fn end_attempt(&mut self, index: usize, at: Duration, outcome: AttemptOutcome) {
        if let Some(attempt) = self.attempts.get_mut(index) {
            attempt.ended_ms = Some(at.into());
            attempt.outcome = outcome;
        }
    }

    /// Whether something came back on a transport where only that proves anything.
    fn is_replied(&self) -> bool {
        let heard = self
            .exchange
            .as_ref()
            .is_some_and(|exchange| exchange.received.is_some());
        heard && self.network.transport().is_datagram()
    }

    fn finish(&mut self, failure: Option<&Failure>, at: Duration) {
        self.total_ms.get_or_insert(Millis(at));
        self.ok = failure.is_none();
        self.failure = failure.cloned();
        self.outcome = match failure {
            Some(failure) => failure.kind.code().to_owned(),
            None if self.is_replied() => "replied".to_owned(),
            None => "connected".to_owned(),
        };
    }
}
