//! Conditions under which a dial that went well counts as failed all the same (`--fail-if`).

use std::fmt;
use std::str::FromStr;

use super::report::Report;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::time::Millis;

/// What a condition may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Whole days until the first certificate of the chain runs out.
    CertDays,
    /// The connect time, in milliseconds.
    ConnectMs,
    /// The TLS handshake with the dialogue before it, in milliseconds.
    TlsMs,
    /// The time to the first byte, in milliseconds.
    FirstByteMs,
    /// The whole dial, in milliseconds.
    TotalMs,
}

impl Metric {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::CertDays,
        Self::ConnectMs,
        Self::TlsMs,
        Self::FirstByteMs,
        Self::TotalMs,
    ];

    /// The word for it, which is also its key in JSON where it has one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CertDays => "cert_days",
            Self::ConnectMs => "connect_ms",
            Self::TlsMs => "tls_ms",
            Self::FirstByteMs => "first_byte_ms",
            Self::TotalMs => "total_ms",
        }
    }

    fn stage(self) -> Stage {
        match self {
            Self::CertDays | Self::TlsMs => Stage::Tls,
            Self::ConnectMs | Self::TotalMs => Stage::Connect,
            Self::FirstByteMs => Stage::Receive,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "days of a calendar are far fewer than an f64 holds exactly"
    )]
    fn of(self, report: &Report) -> Option<f64> {
        let millis = |time: Option<Millis>| time.map(Millis::as_f64);
        match self {
            Self::CertDays => Some(report.tls.as_ref()?.days_left()? as f64),
            Self::ConnectMs => millis(report.connect_ms),
            Self::TlsMs => millis(report.tls_ms),
            Self::FirstByteMs => millis(report.first_byte_ms),
            Self::TotalMs => millis(report.total_ms),
        }
    }
}

/// How a value is held against the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
}

/// The signs, the longer first so that they are not read as the shorter.
const COMPARISONS: [(&str, Comparison); 4] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

/// One condition: `cert_days<14`.
///
/// ```
/// use netkit::dial::gate::Gate;
/// let gate: Gate = "cert_days < 14".parse().unwrap();
/// assert_eq!(gate.to_string(), "cert_days<14");
/// assert!("cert_weeks<2".parse::<Gate>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    metric: Metric,
    comparison: Comparison,
    limit: f64,
}

impl Gate {
    /// What it is about.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The failure that it makes of a report; `None` when the condition does not hold.
    ///
    /// A value that is not known fails too: a check that cannot be made is not passed.
    #[must_use]
    pub fn judge(&self, report: &Report) -> Option<Failure> {
        let name = self.metric.name();
        let message = match self.metric.of(report) {
            Some(value) if self.holds(value) => format!("{self}: {name} is {value}"),
            Some(_) => return None,
            None => format!("{self}: {name} is not known of this connection"),
        };
        let failure = Failure::new(self.metric.stage(), Kind::FailIf, message);
        Some(failure.by(Who::Netkit))
    }

    fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Less => value < self.limit,
            Comparison::AtMost => value <= self.limit,
            Comparison::More => value > self.limit,
            Comparison::AtLeast => value >= self.limit,
        }
    }
}

impl FromStr for Gate {
    type Err = String;

    /// Errs with what is wrong, in words.
    fn from_str(text: &str) -> Result<Self, String> {
        let sign = |(sign, comparison)| text.find(sign).map(|at| (at, sign, comparison));
        let (at, sign, comparison) = COMPARISONS
            .into_iter()
            .find_map(sign)
            .ok_or_else(|| format!("`{text}` compares nothing"))?;
        let (word, limit) = (text[..at].trim(), text[at + sign.len()..].trim());
        let metric = Metric::ALL.into_iter().find(|one| one.name() == word);
        let metric = metric.ok_or_else(|| format!("`{word}` is nothing that is measured"))?;
        let limit = limit.parse().ok().filter(|limit: &f64| limit.is_finite());
        let limit = limit.ok_or_else(|| format!("`{text}` does not end in a number"))?;
        Ok(Self {
            metric,
            comparison,
            limit,
        })
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = COMPARISONS
            .iter()
            .find(|(_, comparison)| *comparison == self.comparison)
            .map_or("", |(sign, _)| sign);
        write!(f, "{}{sign}{}", self.metric.name(), self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Target;
    use std::time::Duration;

    #[test]
    fn conditions_are_read_as_they_are_written() {
        for (text, written) in [
            ("cert_days<14", "cert_days<14"),
            ("connect_ms >= 2.5", "connect_ms>=2.5"),
            ("tls_ms>100", "tls_ms>100"),
            ("total_ms<=1", "total_ms<=1"),
        ] {
            assert_eq!(text.parse::<Gate>().unwrap().to_string(), written);
        }
        for text in [
            "",
            "cert_days",
            "cert_days<",
            "x<1",
            "tls_ms<inf",
            "<1",
            "tls_ms=<1",
        ] {
            assert!(text.parse::<Gate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_condition_that_holds_or_cannot_be_judged_fails() {
        let mut report = Report::new(&Target::from(std::net::SocketAddr::from((
            [127, 0, 0, 1],
            1,
        ))));
        let gate: Gate = "connect_ms>10".parse().unwrap();
        let unknown = gate.judge(&report).unwrap();
        assert!(unknown.message.contains("not known"), "{unknown}");
        report.connect_ms = Some(Millis(Duration::from_millis(10)));
        assert_eq!(gate.judge(&report), None);
        report.connect_ms = Some(Millis(Duration::from_millis(11)));
        let failure = gate.judge(&report).unwrap();
        assert_eq!(failure.kind, Kind::FailIf);
        assert_eq!(failure.message, "connect_ms>10: connect_ms is 11");
    }
}
