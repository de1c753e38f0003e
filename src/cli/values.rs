//! Parsers for option values with better error messages than those of clap.

use std::ffi::OsStr;
use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Command, Error};

use crate::job::{self, Cents, UnknownWord};

/// Returns a parser for one of `words`, each of which is a `T`.
pub(super) fn among<T: FromStr<Err = UnknownWord> + Clone + Send + Sync + 'static>(
    words: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

pub(super) fn difference(text: &str) -> Result<f64, String> {
    let difference = text.parse().ok().filter(|difference: &f64| difference.is_finite() && *difference > 0.0);
    difference.ok_or_else(|| "expected a color difference above 0, such as 2.5".to_owned())
}

pub(super) fn dollars(text: &str) -> Result<Cents, String> {
    Cents::from_dollars(text).ok_or_else(|| "expected an amount in dollars, such as 25 or 2.50".to_owned())
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    job::duration(text).map_err(|expected| format!("expected {expected}"))
}

/// Parses a `NonZero` integer.
pub(super) fn count<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number of at least 1".to_owned())
}

pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:8787".to_owned())
}

/// A parser for values that may contain a secret. Unlike those of clap, its errors do not repeat the value.
#[derive(Clone)]
pub(super) struct Unrepeated<T, E>(pub(super) fn(&str) -> Result<T, E>);

impl<T: Clone + Send + Sync + 'static, E: Display + Clone + Send + Sync + 'static> TypedValueParser
    for Unrepeated<T, E>
{
    type Value = T;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        self.parse_ref_(command, argument, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<T, Error> {
        (self.0)(&value.to_string_lossy()).map_err(|error| {
            let variable = argument.and_then(Arg::get_env).filter(|_| source == ValueSource::EnvVariable);
            let option = || argument.map(ToString::to_string).unwrap_or_default();
            let name = variable.map_or_else(option, |variable| variable.to_string_lossy().into_owned());
            command.clone().error(ErrorKind::ValueValidation, format!("invalid value for '{name}': {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    fn printed(arguments: &str) -> String {
        let words = ["dyehouse"].into_iter().chain(arguments.split(' '));
        let printed = Cli::try_parse_from(words).unwrap_err().to_string();
        printed.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn an_invalid_value_is_reported_with_a_valid_example() {
        let wrong = [
            "run a.csv --budget -1",
            "run a.csv --budget-per-run 1,000",
            "run a.csv --deadline 6",
            "run a.csv --grace 300000000000y",
            "run a.csv --in-flight 0",
            "run a.csv --burst -1",
            "run a.csv --limit -1",
            "run a.csv --tolerance -2",
            "serve --listen 80",
        ];
        insta::assert_snapshot!(wrong.map(printed).join("\n"), @r"
        error: invalid value '-1' for '--budget <USD>': expected an amount in dollars, such as 25 or 2.50
        error: invalid value '1,000' for '--budget-per-run <USD>': expected an amount in dollars, such as 25 or 2.50
        error: invalid value '6' for '--deadline <TIME>': expected a duration with a unit, such as 90s, 90m or 6h
        error: invalid value '300000000000y' for '--grace <TIME>': expected a duration of at most 10 years
        error: invalid value '0' for '--in-flight <N>': expected a whole number of at least 1
        error: invalid value '-1' for '--burst <N>': expected a whole number of at least 1
        error: invalid value '-1' for '--limit <N>': expected a whole number
        error: invalid value '-2' for '--tolerance <ΔE>': expected a color difference above 0, such as 2.5
        error: invalid value '80' for '--listen <ADDR:PORT>': expected an address and a port, such as 127.0.0.1:8787
        ");
    }

    #[test]
    fn values_that_may_be_secrets_are_not_printed() {
        let wrong = [
            "run a.csv --base-url https://:secret@host",
            "run a.csv --notify htps://hooks.example/se-cret",
            "run a.csv --healthcheck hc.example/se-cret",
        ];
        insta::assert_snapshot!(wrong.map(printed).join("\n"), @r"
        error: invalid value for '--base-url <URL>': expected https://host alone, without a path, a query, a user or a password
        error: invalid value for '--notify <URL>': expected https:// or http://, not htps:
        error: invalid value for '--healthcheck <URL>': expected a URL such as https://example.com/hook
        ");
    }
}
