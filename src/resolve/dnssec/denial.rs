//! That something does not exist: what verified NSEC and NSEC3 records show
//! (RFC 4035 §5.4, RFC 5155 §8, RFC 6840 §4).
//!
//! Works only on records whose signatures have been verified, all of one zone.

use super::bitmap::TypeBitmap;
use super::budget::{Budget, Exhausted};
use super::nsec::Nsec;
use super::nsec3::{MAX_ITERATIONS, Nsec3};
use super::report::{Code, DenialBy};
use super::{canonical, types};
use crate::resolve::DomainName;
use crate::resolve::wire::RecordType;

/// The verified records of a message that deny.
#[derive(Clone, Debug)]
pub(super) struct Proofs {
    pub(super) zone: DomainName,
    pub(super) nsec: Vec<Nsec>,
    pub(super) nsec3: Vec<Nsec3>,
}

/// A proof that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) by: DenialBy,
    /// It holds only as far as opt-out lets it: what it denies may be an unsigned delegation.
    pub(super) opt_out: bool,
    pub(super) closest_encloser: Option<DomainName>,
}

/// A proof that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) code: Code,
    pub(super) text: &'static str,
}

/// What the absence of a DS record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoDs {
    /// An unsigned delegation.
    Insecure,
    /// A name, or perhaps an unsigned delegation, in an opt-out span.
    OptOut,
    /// A name of the zone like any other.
    NotACut,
    /// No name at all.
    NoName,
}

type Proven<T> = Result<T, Gap>;

fn gap<T>(text: &'static str) -> Proven<T> {
    Err(Gap {
        code: Code::NoDenial,
        text,
    })
}

impl From<Exhausted> for Gap {
    fn from(Exhausted: Exhausted) -> Self {
        Self {
            code: Code::TooMuchWork,
            text: "more hashes of NSEC3 than any honest zone asks for",
        }
    }
}

impl Shown {
    fn nsec3(opt_out: bool, closest_encloser: Option<DomainName>) -> Self {
        Self {
            by: DenialBy::Nsec3,
            opt_out,
            closest_encloser,
        }
    }

    fn nsec(closest_encloser: Option<DomainName>) -> Self {
        Self {
            by: DenialBy::Nsec,
            opt_out: false,
            closest_encloser,
        }
    }
}

/// An NSEC3 proof of the closest encloser (RFC 5155 §8.3).
struct Encloser {
    name: DomainName,
    opt_out: bool,
}

impl Proofs {
    /// The name does not exist, and no wildcard stands for it.
    pub(super) fn no_name(&self, name: &DomainName, budget: &mut Budget) -> Proven<Shown> {
        if self.nsec3.is_empty() {
            return self.nsec_no_name(name);
        }
        self.affordable()?;
        let encloser = self.encloser(name, budget)?;
        let wildcard = wildcard_of(&encloser.name);
        let hash = self.nsec3[0].parameters.hash(&wildcard, budget)?;
        if !self.nsec3().any(|link| link.covers(&hash)) {
            return gap("no NSEC3 record shows that there is no wildcard for it");
        }
        Ok(encloser.shown())
    }

    fn nsec_no_name(&self, name: &DomainName) -> Proven<Shown> {
        let link = self.nsec_cover(name)?;
        let encloser = link.closest_encloser(name);
        let wildcard = wildcard_of(&encloser);
        if !self.nsec.iter().any(|link| link.covers(&wildcard)) {
            return gap("no NSEC record shows that there is no wildcard for it");
        }
        Ok(Shown::nsec(Some(encloser)))
    }

    /// The NSEC record that shows that a name is not there, not even without records.
    fn nsec_cover(&self, name: &DomainName) -> Proven<&Nsec> {
        match self.nsec.iter().find(|link| link.covers(name)) {
            Some(link) if link.shows_empty_node(name) => {
                gap("an NSEC record shows that there are names below it, so it exists")
            }
            Some(link) => Ok(link),
            None => gap("no NSEC record covers it"),
        }
    }

    /// The name exists and has no such type, itself or through a wildcard.
    pub(super) fn no_type(
        &self,
        name: &DomainName,
        rtype: RecordType,
        budget: &mut Budget,
    ) -> Proven<Shown> {
        if self.nsec3.is_empty() {
            return self.nsec_no_type(name, rtype);
        }
        self.affordable()?;
        if let Some(link) = self.nsec3_match(name, budget)? {
            lacks(&link.types, name, rtype)?;
            // A matching record is exact whatever its flag says; only a covering one may skip.
            return Ok(Shown::nsec3(false, None));
        }
        let encloser = self.encloser(name, budget)?;
        if encloser.opt_out {
            return Ok(encloser.shown());
        }
        match self.nsec3_match(&wildcard_of(&encloser.name), budget)? {
            Some(link) => lacks(&link.types, name, rtype)?,
            None => return gap("no NSEC3 record is about the name or a wildcard for it"),
        }
        Ok(encloser.shown())
    }

    fn nsec_no_type(&self, name: &DomainName, rtype: RecordType) -> Proven<Shown> {
        let links = || self.nsec.iter();
        if let Some(link) = links().find(|link| link.owner == *name) {
            lacks(&link.types, name, rtype)?;
            return Ok(Shown::nsec(None));
        }
        let Some(cover) = links().find(|link| link.covers(name)) else {
            return gap("no NSEC record is about the name or covers it");
        };
        if cover.shows_empty_node(name) {
            return Ok(Shown::nsec(None));
        }
        let encloser = cover.closest_encloser(name);
        let wildcard = wildcard_of(&encloser);
        match links().find(|link| link.owner == wildcard) {
            Some(link) => lacks(&link.types, name, rtype)?,
            None => return gap("no NSEC record is about the name or a wildcard for it"),
        }
        Ok(Shown::nsec(Some(encloser)))
    }

    /// The name itself does not exist, so that the wildcard with `labels` labels stands for it.
    pub(super) fn no_closer_name(
        &self,
        name: &DomainName,
        labels: usize,
        budget: &mut Budget,
    ) -> Proven<Shown> {
        let encloser = canonical::suffix(name, labels);
        if self.nsec3.is_empty() {
            self.nsec_cover(name)?;
            return Ok(Shown::nsec(Some(encloser)));
        }
        self.affordable()?;
        let next_closer = canonical::suffix(name, labels + 1);
        let hash = self.nsec3[0].parameters.hash(&next_closer, budget)?;
        match self.nsec3().find(|link| link.covers(&hash)) {
            Some(link) => Ok(Shown::nsec3(link.opt_out, Some(encloser))),
            None => gap("no NSEC3 record covers the next closer name"),
        }
    }

    /// There is no DS record at `child`, below the zone: is it a delegation?
    pub(super) fn no_ds(&self, child: &DomainName, budget: &mut Budget) -> Proven<NoDs> {
        if self.nsec3.is_empty() {
            return self.nsec_no_ds(child);
        }
        self.affordable()?;
        if let Some(link) = self.nsec3_match(child, budget)? {
            return delegation(&link.types, child);
        }
        let encloser = self.encloser(child, budget)?;
        Ok(if encloser.opt_out {
            NoDs::OptOut
        } else {
            NoDs::NoName
        })
    }

    fn nsec_no_ds(&self, child: &DomainName) -> Proven<NoDs> {
        if let Some(link) = self.nsec.iter().find(|link| link.owner == *child) {
            return delegation(&link.types, child);
        }
        match self.nsec.iter().find(|link| link.covers(child)) {
            Some(link) if link.shows_empty_node(child) => Ok(NoDs::NotACut),
            Some(_) => Ok(NoDs::NoName),
            None => gap("no NSEC record is about the name or covers it"),
        }
    }

    /// The links of one way of hashing: all of a reply must have the same (RFC 5155 §8.2).
    fn nsec3(&self) -> impl Iterator<Item = &Nsec3> {
        let first = &self.nsec3[0];
        self.nsec3
            .iter()
            .filter(|link| link.parameters == first.parameters && link.zone == first.zone)
    }

    fn affordable(&self) -> Proven<()> {
        if self.nsec3[0].parameters.iterations > MAX_ITERATIONS {
            return Err(Gap {
                code: Code::IterationsTooHigh,
                text: "its NSEC3 records ask for more iterations than are accepted (RFC 9276)",
            });
        }
        if self.nsec3[0].zone != self.zone {
            return gap("the NSEC3 records are not of the zone that signed them");
        }
        Ok(())
    }

    fn nsec3_match(&self, name: &DomainName, budget: &mut Budget) -> Proven<Option<&Nsec3>> {
        let hash = self.nsec3[0].parameters.hash(name, budget)?;
        Ok(self.nsec3().find(|link| link.hash == hash))
    }

    /// Goes up from `name` to the first ancestor that exists, and shows that the one below it does
    /// not (RFC 5155 §8.3).
    fn encloser(&self, name: &DomainName, budget: &mut Budget) -> Proven<Encloser> {
        let mut next_closer = name.clone();
        while let Some(parent) = canonical::parent(&next_closer) {
            if !parent.is_within(&self.zone) {
                break;
            }
            if let Some(link) = self.nsec3_match(&parent, budget)? {
                return self.enclosed_by(link, parent, &next_closer, budget);
            }
            next_closer = parent;
        }
        gap("no NSEC3 record is about an existing name above it")
    }

    fn enclosed_by(
        &self,
        link: &Nsec3,
        name: DomainName,
        next_closer: &DomainName,
        budget: &mut Budget,
    ) -> Proven<Encloser> {
        let delegates = link.types.has(types::NS) && !link.types.has(types::SOA);
        if delegates || link.types.has(types::DNAME) {
            return gap("the NSEC3 record above it is of a delegation or a DNAME");
        }
        let hash = self.nsec3[0].parameters.hash(next_closer, budget)?;
        match self.nsec3().find(|link| link.covers(&hash)) {
            Some(cover) => Ok(Encloser {
                name,
                opt_out: cover.opt_out,
            }),
            None => gap("no NSEC3 record covers the next closer name"),
        }
    }
}

impl Encloser {
    fn shown(self) -> Shown {
        Shown::nsec3(self.opt_out, Some(self.name))
    }
}

fn wildcard_of(encloser: &DomainName) -> DomainName {
    let star = DomainName::from_labels([&b"*"[..]]).expect("a star is a label");
    // Where a wildcard would not fit, its encloser has no room for any name below it.
    star.below(encloser).unwrap_or_else(|_| encloser.clone())
}

/// Whether the types at a name deny one, and come from the right side of a zone cut
/// (RFC 6840 §4.1, §4.3 and §4.4).
fn lacks(present: &TypeBitmap, name: &DomainName, rtype: RecordType) -> Proven<()> {
    if present.has(rtype) {
        return gap("the record that ought to deny the type lists it");
    }
    if present.has(types::CNAME) {
        return gap("the record that ought to deny the type lists CNAME");
    }
    let is_apex = present.has(types::SOA);
    if rtype == types::DS && is_apex && name.labels().next().is_some() {
        return gap("the record that ought to deny DS is from the child's side of the cut");
    }
    if rtype != types::DS && present.has(types::NS) && !is_apex {
        return gap("the record that ought to deny the type is from the parent's side of the cut");
    }
    Ok(())
}

/// What the types at a name without DS make of it.
fn delegation(present: &TypeBitmap, child: &DomainName) -> Proven<NoDs> {
    if present.has(types::CNAME) && !present.has(types::DS) {
        return Ok(NoDs::NotACut);
    }
    lacks(present, child, types::DS)?;
    Ok(if present.has(types::NS) {
        NoDs::Insecure
    } else {
        NoDs::NotACut
    })
}
