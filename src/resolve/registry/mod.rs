//! The numbers of the DNS and their names, as IANA's registries have them.
//!
//! One macro makes each kind of number a type with constants, a table, `Display` and `FromStr`; a
//! number without a name is written and read as its kind followed by the digits (RFC 3597 §5 for
//! types and classes, the same way for the others). No messages here, only words.

mod class;
mod code;
mod ede;
mod option;
mod rtype;
mod security;

use std::fmt;

use crate::addr::nearest::nearest;

pub use class::Class;
pub use code::{Opcode, Rcode};
pub use ede::EdeCode;
pub use option::OptionCode;
pub use rtype::RecordType;
pub(super) use security::{algorithm, certificate_type};

/// A word that is no number of its kind, and the known one nearest to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    /// What was to be read: `record type`, `class`, ….
    pub kind: &'static str,
    /// As written.
    pub word: String,
    /// How a number without a name is written: `TYPE65280`.
    pub numeric: &'static str,
    /// The known word that was probably meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}", self.word, self.kind)?;
        match self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => write!(f, "; a number without a name is written {}", self.numeric),
        }
    }
}

impl std::error::Error for UnknownCode {}

/// How the numbers of one kind are written.
struct Kind {
    name: &'static str,
    /// Before the digits of a number without a name.
    prefix: &'static str,
    example: &'static str,
}

impl Kind {
    /// Reads `PREFIXn`, in any case.
    fn numeric<N: std::str::FromStr>(&self, word: &str) -> Option<N> {
        let (prefix, digits) = word.split_at_checked(self.prefix.len())?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_ours = is_number && prefix.eq_ignore_ascii_case(self.prefix);
        is_ours.then(|| digits.parse().ok()).flatten()
    }

    fn unknown(&self, word: &str, known: impl Iterator<Item = &'static str>) -> UnknownCode {
        UnknownCode {
            kind: self.name,
            word: word.to_owned(),
            numeric: self.example,
            nearest: nearest(&word.to_ascii_uppercase(), known),
        }
    }
}

/// Defines a newtype over a number with a constant, a mnemonic and a meaning for each known value.
macro_rules! registry {
    (
        $(#[$meta:meta])*
        $type:ident($number:ty), $kind:literal, $prefix:literal, $example:literal;
        $( $constant:ident = $value:literal, $mnemonic:literal, $meaning:literal; )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub $number);

        impl $type {
            $( #[doc = $meaning] pub const $constant: Self = Self($value); )*

            /// Number, mnemonic and meaning of every value that has a name, by number.
            const TABLE: &'static [($number, &'static str, &'static str)] =
                &[ $( ($value, $mnemonic, $meaning), )* ];
            const KIND: $crate::resolve::registry::Kind = $crate::resolve::registry::Kind {
                name: $kind,
                prefix: $prefix,
                example: $example,
            };

            /// Every value that has a name, with its mnemonic, by number.
            pub fn known() -> impl Iterator<Item = (Self, &'static str)> {
                Self::TABLE.iter().map(|&(number, name, _)| (Self(number), name))
            }

            fn row(self) -> Option<&'static ($number, &'static str, &'static str)> {
                let at = Self::TABLE.binary_search_by_key(&self.0, |row| row.0).ok()?;
                Self::TABLE.get(at)
            }

            /// The mnemonic; `None` for a number without a name.
            #[must_use]
            pub fn mnemonic(self) -> Option<&'static str> {
                self.row().map(|row| row.1)
            }

            /// What the number means, as half a sentence; `None` for a number without a name.
            #[must_use]
            pub fn meaning(self) -> Option<&'static str> {
                self.row().map(|row| row.2)
            }
        }

        impl std::fmt::Display for $type {
            /// Writes the mnemonic, or the kind and the digits.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.mnemonic() {
                    Some(name) => f.pad(name),
                    None => f.pad(&format!("{}{}", $prefix, self.0)),
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::resolve::registry::UnknownCode;

            /// Reads a mnemonic or the kind and the digits, in any case.
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let mut rows = Self::TABLE.iter();
                rows.find(|row| row.1.eq_ignore_ascii_case(word))
                    .map(|row| row.0)
                    .or_else(|| Self::KIND.numeric(word))
                    .map(Self)
                    .ok_or_else(|| Self::KIND.unknown(word, Self::TABLE.iter().map(|row| row.1)))
            }
        }
    };
}
use registry;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_a_name_are_read_and_written_by_their_kind() {
        assert_eq!("type65280".parse(), Ok(RecordType(65_280)));
        assert_eq!(RecordType(65_280).to_string(), "TYPE65280");
        assert_eq!("TYPE1".parse(), Ok(RecordType::A));
        assert_eq!("CLASS42".parse(), Ok(Class(42)));
        assert_eq!(Rcode(3841).to_string(), "RCODE3841");
        for word in ["TYPE65536", "TYPE", "TYPE+1", "TYPE-1", "", "é", "TYPEé"] {
            assert!(word.parse::<RecordType>().is_err(), "{word:?}");
        }
    }

    #[test]
    fn every_name_reads_back_in_any_case() {
        fn check<T>(known: impl Iterator<Item = (T, &'static str)>)
        where
            T: std::str::FromStr<Err = UnknownCode> + fmt::Display + Ord + fmt::Debug,
        {
            let known: Vec<_> = known.collect();
            assert!(known.is_sorted_by(|a, b| a.0 < b.0), "searched by halves");
            for (code, name) in known {
                assert_eq!(name.parse().as_ref(), Ok(&code));
                assert_eq!(name.to_ascii_lowercase().parse().as_ref(), Ok(&code));
                assert_eq!(code.to_string(), name);
            }
        }
        check(RecordType::known());
        check(Class::known());
        check(Opcode::known());
        check(Rcode::known());
        check(OptionCode::known());
        check(EdeCode::known());
    }

    #[test]
    fn a_misspelt_word_names_the_nearest() {
        let error = "AAAAA".parse::<RecordType>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"AAAAA\" is no record type; did you mean AAAA?"
        );
        let error = "banana".parse::<RecordType>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"banana\" is no record type; a number without a name is written TYPE65280"
        );
    }
}
