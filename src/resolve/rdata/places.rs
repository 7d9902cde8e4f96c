//! LOC: a place on earth (RFC 1876).

use super::cursor::{Bad, Cursor};
use super::fields::Fields;
use super::value::{Float, Value};

/// The equator and the prime meridian on the wire.
const ZERO: u32 = 1 << 31;
/// Thousandths of a second of arc in a degree.
const DEGREE: u32 = 3_600_000;
/// Centimetres below the reference sphere where altitudes begin.
const BELOW: i64 = 10_000_000;

pub(super) fn loc<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Result<(), Bad> {
    let before = *cursor;
    if cursor.u8()? != 0 {
        return Err(before.bad("an unknown version of LOC"));
    }
    let [size, horizontal, vertical] = cursor.array()?;
    let [latitude, longitude, altitude] = [cursor.u32()?, cursor.u32()?, cursor.u32()?];
    let precisions = [size, horizontal, vertical];
    if precisions
        .iter()
        .any(|octet| octet >> 4 > 9 || octet & 0xf > 9)
    {
        return Err(before.bad("a size is not a digit and a power of ten"));
    }
    if latitude.abs_diff(ZERO) > 90 * DEGREE || longitude.abs_diff(ZERO) > 180 * DEGREE {
        return Err(before.bad("no such place on earth"));
    }
    let altitude = i64::from(altitude) - BELOW;
    fields.push_text(format!(
        "{} {} {} {} {} {}",
        angle(latitude, 'N', 'S'),
        angle(longitude, 'E', 'W'),
        height(altitude),
        metres(size),
        metres(horizontal),
        metres(vertical)
    ));
    fields.push_field("latitude", degrees(latitude));
    fields.push_field("longitude", degrees(longitude));
    fields.push_field("altitude_m", Value::Float(Float(altitude * 10_000_000)));
    fields.push_field("size_m", length(size));
    fields.push_field("horizontal_precision_m", length(horizontal));
    fields.push_field("vertical_precision_m", length(vertical));
    Ok(())
}

/// Degrees, minutes and seconds, and the half of the globe.
fn angle(value: u32, positive: char, negative: char) -> String {
    let side = if value >= ZERO { positive } else { negative };
    let thousandths = value.abs_diff(ZERO);
    let (seconds, fraction) = (thousandths / 1000, thousandths % 1000);
    let (degrees, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{degrees} {minutes} {}.{fraction:03} {side}", seconds % 60)
}

fn degrees(value: u32) -> Value<'static> {
    let thousandths = i64::from(value) - i64::from(ZERO);
    Value::Float(Float(thousandths * 1_000_000_000 / i64::from(DEGREE)))
}

fn height(centimetres: i64) -> String {
    let sign = if centimetres < 0 { "-" } else { "" };
    let centimetres = centimetres.abs();
    format!("{sign}{}.{:02}m", centimetres / 100, centimetres % 100)
}

/// A digit and a power of ten, in centimetres.
fn centimetres(octet: u8) -> i64 {
    i64::from(octet >> 4) * 10_i64.pow(u32::from(octet & 0xf))
}

fn metres(octet: u8) -> String {
    match (centimetres(octet), octet & 0xf) {
        (length, 0 | 1) => format!("0.{length:02}m"),
        (length, _) => format!("{}m", length / 100),
    }
}

fn length(octet: u8) -> Value<'static> {
    Value::Float(Float(centimetres(octet) * 10_000_000))
}
