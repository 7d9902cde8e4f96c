//! Durations as reports show them: milliseconds with a fraction, as a number.
//!
//! Separate because every report uses it and nothing else decides how a time is written in JSON.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration that serializes as milliseconds, rounded to whole microseconds.
///
/// The unit belongs in the key: name such a field `…_ms`.
///
/// ```
/// use netkit::time::Millis;
/// use std::time::Duration;
/// assert_eq!(Millis(Duration::from_micros(1_234)).as_f64(), 1.234);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub Duration);

impl Millis {
    /// Milliseconds with three decimals.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of 285 years fit an f64 exactly"
    )]
    pub fn as_f64(self) -> f64 {
        let micros = (self.0.as_nanos() + 500) / 1_000;
        micros as f64 / 1_000.0
    }
}

impl From<Duration> for Millis {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl fmt::Display for Millis {
    /// Writes three significant digits with a unit a person reads at once: `34 µs`, `1.25 ms`, `1.01 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let (value, unit) = match self.0.as_nanos() {
            0..999_500 => (seconds * 1e6, "µs"),
            999_500..999_500_000 => (seconds * 1e3, "ms"),
            _ => (seconds, "s"),
        };
        let decimals = match value {
            _ if unit == "µs" => 0,
            v if v < 9.995 => 2,
            v if v < 99.95 => 1,
            _ => 0,
        };
        f.pad(&format!("{value:.decimals$} {unit}"))
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(millis / 1_000.0)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Millis {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Millis".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "description": "milliseconds" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_three_significant_digits_with_a_unit() {
        let cases = [
            (Duration::from_nanos(0), "0 µs"),
            (Duration::from_nanos(34_400), "34 µs"),
            (Duration::from_nanos(999_499), "999 µs"),
            (Duration::from_nanos(999_500), "1.00 ms"),
            (Duration::from_micros(1_250), "1.25 ms"),
            (Duration::from_micros(12_340), "12.3 ms"),
            (Duration::from_micros(250_400), "250 ms"),
            (Duration::from_millis(1_012), "1.01 s"),
            (Duration::from_secs(127), "127 s"),
        ];
        for (duration, text) in cases {
            assert_eq!(Millis(duration).to_string(), text);
        }
    }
}
