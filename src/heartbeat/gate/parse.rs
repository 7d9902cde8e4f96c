//! Reading a condition, with the place of every fault.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use super::{Gate, GateError, Node, Operator, QUANTITIES, Quantity, Unit, Value};
use crate::heartbeat::event::State;

/// Deeper parentheses are refused: nobody needs them, and recursion must end.
const DEEPEST: usize = 32;

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, GateError> {
        let mut parser = Parser {
            text,
            at: 0,
            depth: 0,
        };
        let root = parser.any()?;
        let rest = parser.peek();
        if rest.is_empty() {
            let text = text.to_owned();
            return Ok(Self { text, root });
        }
        Err(parser.fault(rest, "`and`, `or` or the end"))
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Node, GateError> {
        let mut nodes = vec![self.all()?];
        while self.takes("or") {
            nodes.push(self.all()?);
        }
        Ok(Node::Any(nodes))
    }

    fn all(&mut self) -> Result<Node, GateError> {
        let mut nodes = vec![self.one()?];
        while self.takes("and") {
            nodes.push(self.one()?);
        }
        Ok(Node::All(nodes))
    }

    fn one(&mut self) -> Result<Node, GateError> {
        if !self.takes("(") {
            return self.compare();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            let here = self.peek();
            return Err(self.fault(here, "fewer parentheses"));
        }
        let node = self.any()?;
        if !self.takes(")") {
            let next = self.peek();
            return Err(self.fault(next, "`)`"));
        }
        self.depth -= 1;
        Ok(node)
    }

    fn compare(&mut self) -> Result<Node, GateError> {
        let name = self.take();
        let quantity = QUANTITIES
            .iter()
            .find(|(known, ..)| *known == &self.text[name.clone()])
            .ok_or_else(|| self.fault(name, &words()))?;
        let operator = self.operator(quantity)?;
        let value = self.value(quantity)?;
        Ok(Node::Compare(quantity, operator, value))
    }

    fn operator(&mut self, quantity: Quantity) -> Result<Operator, GateError> {
        let span = self.take();
        let states = quantity.1 == Unit::State;
        let operator = match &self.text[span.clone()] {
            "==" | "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" if !states => Operator::Less,
            "<=" if !states => Operator::LessOrEqual,
            ">" if !states => Operator::Greater,
            ">=" if !states => Operator::GreaterOrEqual,
            _ if states => return Err(self.fault(span, "`==` or `!=`")),
            _ => {
                return Err(self.fault(
                    one_letter(self.text, span),
                    "`<`, `<=`, `>`, `>=`, `==` or `!=`",
                ));
            }
        };
        Ok(operator)
    }

    fn value(&mut self, quantity: Quantity) -> Result<Value, GateError> {
        let span = self.take();
        let text = &self.text[span.clone()];
        let value = match quantity.1 {
            Unit::Percent => {
                let value = number(text.strip_suffix('%').unwrap_or(text)).map(Value::Number);
                if value.is_some() {
                    self.takes("%");
                }
                value
            }
            Unit::Count => number(text).map(Value::Number),
            Unit::Time => time(text).map(Value::Time),
            Unit::State => State::ALL
                .into_iter()
                .find(|state| state.code() == text)
                .map(Value::State),
        };
        value.ok_or_else(|| self.fault(span, form(quantity.1)))
    }

    /// Takes a word or sign if it is the next one.
    fn takes(&mut self, wanted: &str) -> bool {
        let next = self.peek();
        let is = &self.text[next.clone()] == wanted;
        if is {
            self.at = next.end;
        }
        is
    }

    fn take(&mut self) -> Range<usize> {
        let next = self.peek();
        self.at = next.end;
        next
    }

    /// The next word, number, operator or parenthesis; empty at the end.
    fn peek(&self) -> Range<usize> {
        let rest = &self.text[self.at..];
        let begin = self.at + (rest.len() - rest.trim_start().len());
        let rest = &self.text[begin..];
        let Some(first) = rest.chars().next() else {
            return begin..begin;
        };
        let same: fn(char) -> bool = match first {
            '(' | ')' | '%' => return begin..begin + 1,
            '<' | '>' | '=' | '!' => |c| matches!(c, '<' | '>' | '=' | '!'),
            _ => |c| !c.is_whitespace() && !matches!(c, '(' | ')' | '<' | '>' | '=' | '!'),
        };
        let len = rest.find(|c| !same(c)).unwrap_or(rest.len());
        begin..begin + len.max(first.len_utf8())
    }

    fn fault(&self, span: Range<usize>, expected: &str) -> GateError {
        let message = match &self.text[span.clone()] {
            "" => "the condition ends too soon".to_owned(),
            text => format!("`{text}` will not do here"),
        };
        GateError {
            message,
            expected: expected.to_owned(),
            span,
        }
    }
}

/// The first letter only: what stands where an operator is missing is a value.
fn one_letter(text: &str, span: Range<usize>) -> Range<usize> {
    let first = text[span.clone()].chars().next().map_or(0, char::len_utf8);
    span.start..span.start + first
}

fn words() -> String {
    let names: Vec<_> = QUANTITIES.iter().map(|(name, ..)| *name).collect();
    format!("one of {}", names.join(", "))
}

fn form(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => "a percentage such as `1%`",
        Unit::Count => "a whole number",
        Unit::Time => "a time such as `20ms` or `0.5s`",
        Unit::State => "a state: unknown, up, suspect, down, app_hung",
    }
}

fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse().ok().filter(|_| plain)
}

/// A number and its unit; the unit is not left out, since `p99>20` could mean either.
fn time(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (digits, unit) = text.split_at(digits);
    let scale = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number(digits)? * scale).ok()
}
