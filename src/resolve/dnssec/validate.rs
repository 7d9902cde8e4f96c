//! A whole reply: every RRset of its answer, what it says does not exist, and the verdict.

use std::collections::HashMap;

use super::anchor::Anchors;
use super::canonical;
use super::chain::{Chain, Need, Trust, is_denying};
use super::crypto;
use super::denial::{Gap, Shown};
use super::reason::{Subject, fact};
use super::record::{Evidence, RrSet, find, rrsets};
use super::report::{Code, Denial, Denies, Reason, Report, RrsetProof, Status};
use super::verify::Signed;
use super::{types, wire_name};
use crate::resolve::DomainName;
use crate::resolve::wire::{Ask, Rcode, RecordType};

/// Aliases followed in one reply.
const MAX_ALIASES: usize = 16;
/// A signature that ends sooner than this is worth a warning.
const SOON_S: i64 = 86_400;

/// Validates replies, one after the other; zones that were proven once stay so.
///
/// ```
/// use netkit::resolve::dnssec::{Anchors, Evidence, Step, Validator};
/// use netkit::resolve::{DomainName, wire::{Ask, Rcode, RecordType}};
///
/// let mut validator = Validator::new(Anchors::root(), 1_764_000_000);
/// let ask = Ask::new(DomainName::parse("www.example").unwrap(), RecordType::A);
/// let reply = Evidence { rcode: Rcode::NXDOMAIN, answers: vec![], authority: vec![] };
/// // An unsigned reply: is there a zone on the way that is not signed? The root's keys first.
/// let Step::Need(needed) = validator.validate(&ask, &reply) else { panic!() };
/// assert_eq!((needed.name.to_string().as_str(), needed.rtype.0), (".", 48));
/// ```
#[derive(Debug)]
pub struct Validator {
    chain: Chain,
    /// What was verified of the reply at hand; `validate` runs once for every question asked.
    verified: HashMap<(DomainName, RecordType, DomainName), Result<Signed, Box<Reason>>>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Ask this of the same server, with DO and CD set, [`supply`](Validator::supply) what comes,
    /// and validate again.
    Need(Ask),
    /// It is done.
    Done(Box<Report>),
}

/// What the parts of a reply add up to.
#[derive(Default)]
struct Findings {
    rrsets: Vec<RrsetProof>,
    denials: Vec<Denial>,
    /// Of the reply as a whole.
    reason: Option<Box<Reason>>,
}

/// The outcome for one set.
enum Proof {
    Secure(Signed),
    /// A CNAME that was made from a secure DNAME.
    Synthesized,
    Not(Box<Reason>),
}

impl Validator {
    /// Starts with nothing but the anchors; `now` in seconds since 1970.
    #[must_use]
    pub fn new(anchors: Anchors, now: u64) -> Self {
        Self {
            chain: Chain::new(anchors, now),
            verified: HashMap::new(),
        }
    }

    /// Takes the reply to a question that was needed, or why there is none (half a sentence).
    pub fn supply(&mut self, ask: Ask, reply: Result<Evidence, String>) {
        self.chain.supply(ask, reply);
    }

    /// Validates the reply to `ask`, or says what to ask first. Call it again with the same
    /// arguments after each answer.
    pub fn validate(&mut self, ask: &Ask, reply: &Evidence) -> Step {
        match self.examine(ask, reply) {
            Err(Need(ask)) => Step::Need(ask),
            Ok(findings) => {
                self.verified.clear();
                Step::Done(Box::new(self.report(findings)))
            }
        }
    }

    fn report(&self, findings: Findings) -> Report {
        let parts = findings.rrsets.iter().map(|it| (it.status, &it.reason));
        let denials = findings.denials.iter().map(|it| (it.status, &it.reason));
        let whole = findings
            .reason
            .iter()
            .cloned()
            .map(Some)
            .collect::<Vec<_>>();
        let whole = whole.iter().map(|it| {
            let status = it.as_ref().map_or(Status::Secure, |it| it.code.status());
            (status, it)
        });
        // The first of the worst: `max_by_key` would take the last.
        let worst = parts
            .chain(denials)
            .chain(whole)
            .reduce(|worst, next| if next.0 > worst.0 { next } else { worst });
        let (status, reason) = worst.map_or((Status::Indeterminate, None), |(status, reason)| {
            (status, reason.clone())
        });
        let questions = u32::try_from(self.chain.questions()).unwrap_or(u32::MAX);
        Report {
            status,
            reason,
            warnings: warnings(&findings, status),
            chain: self.chain.links.clone(),
            rrsets: findings.rrsets,
            denials: findings.denials,
            questions,
            verifications: self.chain.budget.verified(),
        }
    }

    fn examine(&mut self, ask: &Ask, reply: &Evidence) -> Result<Findings, Need> {
        let mut findings = Findings::default();
        if reply.rcode != Rcode::NOERROR && reply.rcode != Rcode::NXDOMAIN {
            let text = format!("the server says {}", reply.rcode);
            findings.reason = Some(subject(&ask.name, ask.rtype).reason(Code::NotAnswered, &text));
            return Ok(findings);
        }
        let answers = rrsets(&reply.answers);
        let authority = rrsets(&reply.authority);
        for set in &answers {
            let proof = self.prove(set, &answers)?;
            if let Proof::Secure(signed) = &proof
                && signed.wildcard.is_some()
            {
                let denial = self.wildcard(set, signed, &authority);
                findings.denials.push(denial);
            }
            findings.rrsets.push(self.proof(set, proof));
        }
        if let Some(end) = denied(ask, reply, &answers) {
            self.negative(&end, ask.rtype, reply.rcode, &authority, &mut findings)?;
        }
        Ok(findings)
    }

    /// Proves one set of the answer, by its signatures or by what is above it.
    fn prove(&mut self, set: &RrSet<'_>, answers: &[RrSet<'_>]) -> Result<Proof, Need> {
        if set.signatures.is_empty()
            && let Some(dname) = synthesized_from(set, answers)
        {
            return Ok(match self.prove_signed(dname)? {
                Proof::Secure(_) => Proof::Synthesized,
                other => other,
            });
        }
        self.prove_signed(set)
    }

    fn prove_signed(&mut self, set: &RrSet<'_>) -> Result<Proof, Need> {
        let mut why = None;
        for signer in set.signers().into_iter().take(4) {
            if !may_sign(signer, set.name, set.rtype) {
                continue;
            }
            match self.chain.walk(signer)? {
                Trust::Broken(reason) => return Ok(Proof::Not(reason)),
                Trust::Zone(zone) if zone == *signer => match self.verify(&zone, set) {
                    Ok(signed) => return Ok(Proof::Secure(signed)),
                    Err(reason) => why = why.or(Some(reason)),
                },
                Trust::Zone(_) => {}
            }
        }
        Ok(Proof::Not(
            match (self.enclosing(set.name, set.rtype)?, why) {
                (Trust::Broken(reason), _) | (Trust::Zone(_), Some(reason)) => reason,
                (Trust::Zone(zone), None) => match self.verify(&zone, set) {
                    // Not to be expected: then the zone's own signature would have been tried above.
                    Ok(signed) => return Ok(Proof::Secure(signed)),
                    Err(reason) => reason,
                },
            },
        ))
    }

    /// The zone that holds the records of a type at a name: DS is the parent's (RFC 4035 §2.4).
    fn enclosing(&mut self, name: &DomainName, rtype: RecordType) -> Result<Trust, Need> {
        let above = (rtype == types::DS).then(|| canonical::parent(name));
        match above.flatten() {
            Some(parent) => self.chain.walk(&parent),
            None => self.chain.walk(name),
        }
    }

    fn verify(&mut self, zone: &DomainName, set: &RrSet<'_>) -> Result<Signed, Box<Reason>> {
        let key = (set.name.clone(), set.rtype, zone.clone());
        if let Some(known) = self.verified.get(&key) {
            return known.clone();
        }
        let outcome = self.chain.verify(zone, set);
        self.verified.insert(key, outcome.clone());
        outcome
    }

    fn proof(&self, set: &RrSet<'_>, proof: Proof) -> RrsetProof {
        let (reason, signed) = match proof {
            Proof::Secure(signed) => (None, Some(signed)),
            Proof::Synthesized => (None, None),
            Proof::Not(reason) => (Some(reason), None),
        };
        let wildcard = signed.as_ref().and_then(|it| it.wildcard.as_ref());
        RrsetProof {
            name: set.name.to_string(),
            rtype: set.rtype.to_string(),
            status: status(reason.as_deref()),
            wildcard: wildcard.map(ToString::to_string),
            signature: signed.map(|it| fact(&it.signature, self.chain.now)),
            reason,
        }
    }

    /// A wildcard answered: the name itself must not exist (RFC 4035 §5.3.4).
    fn wildcard(&mut self, set: &RrSet<'_>, signed: &Signed, authority: &[RrSet<'_>]) -> Denial {
        let zone = &signed.signature.signer;
        let (proofs, bad) = self.chain.proofs(zone, authority);
        let labels = usize::from(signed.signature.labels);
        let shown = proofs.no_closer_name(set.name, labels, &mut self.chain.budget);
        let shown = shown.map_err(|gap| Gap {
            code: match gap.code {
                Code::NoDenial => Code::NoWildcardProof,
                code => code,
            },
            ..gap
        });
        let about = Subject {
            name: set.name,
            rtype: set.rtype,
            zone: Some(zone),
        };
        denial(Denies::CloserName, about, shown, bad.as_deref())
    }

    /// A name or type is said not to exist.
    fn negative(
        &mut self,
        name: &DomainName,
        rtype: RecordType,
        rcode: Rcode,
        authority: &[RrSet<'_>],
        findings: &mut Findings,
    ) -> Result<(), Need> {
        let denies = if rcode == Rcode::NXDOMAIN {
            Denies::Name
        } else {
            Denies::Type
        };
        let zone = match self.denying_zone(name, rtype, authority)? {
            Trust::Zone(zone) => zone,
            Trust::Broken(reason) => {
                let about = subject(name, rtype);
                findings.denials.push(undenied(denies, about, reason));
                return Ok(());
            }
        };
        for set in authority.iter().filter(|set| is_evidence(set)) {
            let proof = match self.verify(&zone, set) {
                Ok(signed) => Proof::Secure(signed),
                Err(reason) => Proof::Not(reason),
            };
            findings.rrsets.push(self.proof(set, proof));
        }
        let (proofs, bad) = self.chain.proofs(&zone, authority);
        let budget = &mut self.chain.budget;
        let shown = match denies {
            Denies::Name => proofs.no_name(name, budget),
            _ => proofs.no_type(name, rtype, budget),
        };
        let about = Subject {
            name,
            rtype,
            zone: Some(&zone),
        };
        findings
            .denials
            .push(denial(denies, about, shown, bad.as_deref()));
        Ok(())
    }

    /// The zone that denies: one that signed the authority section, else the one that `name` is in.
    fn denying_zone(
        &mut self,
        name: &DomainName,
        rtype: RecordType,
        authority: &[RrSet<'_>],
    ) -> Result<Trust, Need> {
        let evidence = authority.iter().filter(|set| is_evidence(set));
        let signers = evidence.flat_map(RrSet::signers);
        for signer in signers.filter(|it| may_sign(it, name, rtype)).take(4) {
            match self.chain.walk(signer)? {
                Trust::Zone(zone) if zone != *signer => {}
                trust => return Ok(trust),
            }
        }
        self.enclosing(name, rtype)
    }
}

/// Whether a zone may hold the records of a type at a name.
fn may_sign(signer: &DomainName, name: &DomainName, rtype: RecordType) -> bool {
    let is_own_ds = rtype == types::DS && signer == name && name.labels().next().is_some();
    name.is_within(signer) && !is_own_ds
}

fn is_evidence(set: &RrSet<'_>) -> bool {
    is_denying(set.rtype) || set.rtype == types::SOA
}

fn subject(name: &DomainName, rtype: RecordType) -> Subject<'_> {
    Subject {
        name,
        rtype,
        zone: None,
    }
}

fn status(reason: Option<&Reason>) -> Status {
    reason.map_or(Status::Secure, |reason| reason.code.status())
}

/// A denial that a proof decides.
fn denial(
    denies: Denies,
    about: Subject<'_>,
    shown: Result<Shown, Gap>,
    bad: Option<&Reason>,
) -> Denial {
    match shown {
        Ok(shown) => {
            let reason = shown
                .opt_out
                .then(|| about.reason(Code::OptOut, "denied only by an opt-out span of NSEC3"));
            Denial {
                denies,
                name: about.name.to_string(),
                status: status(reason.as_deref()),
                reason,
                by: Some(shown.by),
                closest_encloser: shown.closest_encloser.map(|it| it.to_string()),
            }
        }
        Err(gap) => {
            let text = match (bad, gap.code) {
                (Some(bad), Code::NoDenial | Code::NoWildcardProof) => &bad.text,
                _ => gap.text,
            };
            let text = format!("{}: {text}", unproven(denies));
            undenied(denies, about, about.reason(gap.code, &text))
        }
    }
}

fn unproven(denies: Denies) -> &'static str {
    match denies {
        Denies::Name => "said not to exist, which nothing proves",
        Denies::Type => "said to be absent, which nothing proves",
        Denies::CloserName => "a wildcard answered, and nothing proves that it may",
    }
}

fn undenied(denies: Denies, about: Subject<'_>, reason: Box<Reason>) -> Denial {
    Denial {
        denies,
        name: about.name.to_string(),
        status: reason.code.status(),
        reason: Some(reason),
        by: None,
        closest_encloser: None,
    }
}

/// The name whose absence the reply claims; `None` when it answers, or ends with an alias that it
/// says nothing more about.
fn denied(ask: &Ask, reply: &Evidence, answers: &[RrSet<'_>]) -> Option<DomainName> {
    let end = end_of_aliases(ask, answers);
    let has_data = answers
        .iter()
        .any(|set| *set.name == end && (set.rtype == ask.rtype || ask.rtype == types::ANY));
    let says_more = reply.rcode == Rcode::NXDOMAIN
        || reply
            .authority
            .iter()
            .any(|rr| rr.rtype == types::SOA || is_denying(rr.rtype));
    let is_denied = !has_data && (end == ask.name || says_more);
    is_denied.then_some(end)
}

fn end_of_aliases(ask: &Ask, answers: &[RrSet<'_>]) -> DomainName {
    let mut name = ask.name.clone();
    if ask.rtype == types::CNAME || ask.rtype == types::ANY {
        return name;
    }
    for _ in 0..MAX_ALIASES {
        let alias = find(answers, &name, types::CNAME);
        match alias.and_then(|set| wire_name::read(set.rdatas.first()?, 0)) {
            Some((target, _)) => name = target,
            None => break,
        }
    }
    name
}

/// The DNAME that a CNAME without a signature was made from (RFC 6672 §5.3.1).
fn synthesized_from<'s, 'a>(set: &RrSet<'a>, answers: &'s [RrSet<'a>]) -> Option<&'s RrSet<'a>> {
    let [alias] = set.rdatas[..] else { return None };
    let (target, _) = wire_name::read(alias, 0)?;
    let makes = |dname: &&RrSet<'a>| {
        let moved = dname
            .rdatas
            .first()
            .and_then(|rdata| wire_name::read(rdata, 0));
        let prefix = set.name.labels().count() - dname.name.labels().count();
        let labels = set.name.labels().take(prefix).collect::<Vec<_>>();
        let made = moved.and_then(|(to, _)| DomainName::from_labels(labels).ok()?.below(&to).ok());
        made.is_some_and(|made| made == target)
    };
    let above = |dname: &&RrSet<'a>| {
        dname.rtype == types::DNAME && dname.name != set.name && set.name.is_within(dname.name)
    };
    (set.rtype == types::CNAME)
        .then(|| answers.iter().filter(above).find(makes))
        .flatten()
}

/// Signatures that end soon, and SHA-1.
fn warnings(findings: &Findings, status: Status) -> Vec<String> {
    if status != Status::Secure {
        return Vec::new();
    }
    let signatures = findings
        .rrsets
        .iter()
        .filter_map(|set| Some((set, set.signature.as_ref()?)));
    let mut warnings = Vec::new();
    for (set, signature) in signatures {
        let about = format!("{} {}: the signature", set.name, set.rtype);
        if signature.expires_in_s < SOON_S {
            let left = super::moment::span(signature.expires_in_s);
            warnings.push(format!("{about} expires in {left}"));
        }
        if crypto::is_sha1(signature.key.algorithm) {
            warnings.push(format!("{about} rests on SHA-1, which RFC 9905 deprecates"));
        }
    }
    warnings
}
