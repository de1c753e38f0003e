//! The limits in the headers of an answer. None is documented, so the common forms are supported: `RateLimit` and
//! `RateLimit-Policy` of the IETF in both of their syntaxes, `RateLimit-*`, and `X-RateLimit-*`.

use std::time::Duration;

use jiff::Timestamp;

/// The maximum window that is used for pacing, because a daily quota must not be spread over the day.
const MAX_WINDOW: Duration = Duration::from_secs(3600);

/// The limits of the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// The quota of requests in a window of time.
    pub quota: Option<Quota>,
    /// The rest of the quota.
    pub remaining: Option<Remaining>,
    /// A quota whose window has an unknown length.
    pub total: Option<u64>,
}

/// A number of requests in a time window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The number of requests.
    pub count: u64,
    /// The length of the window.
    pub window: Duration,
}

/// The number of requests that remain until the window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The number of requests.
    pub count: u64,
    /// The time until the window ends.
    pub reset: Duration,
}

impl RateLimits {
    /// Parses the limits in headers; `None` if there are no valid ones. `header` returns the value of a header by its
    /// lowercase name.
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>, now: Timestamp) -> Option<RateLimits> {
        standard(&header).or_else(|| FAMILIES.iter().find_map(|names| numbered(&header, names, now)))
    }

    /// Returns the time until the next request is allowed; `None` unless the quota is used up.
    pub fn used_up(&self) -> Option<Duration> {
        self.remaining
            .filter(|remaining| remaining.count == 0 && !remaining.reset.is_zero())
            .map(|remaining| remaining.reset.min(MAX_WINDOW))
    }
}

/// Parses `RateLimit: "default";r=50;t=30` with `RateLimit-Policy: "default";q=100;w=60`, or the older `RateLimit:
/// limit=100, remaining=50, reset=30`. The tightest of several policies counts.
fn standard<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Option<RateLimits> {
    let (limit, policy) = (header("ratelimit"), header("ratelimit-policy"));
    if limit.is_none() && policy.is_none() {
        return None;
    }
    let all_remaining = items(limit.unwrap_or_default()).filter_map(|item| {
        Some(Remaining { count: parameter(item, "r")?, reset: Duration::from_secs(parameter(item, "t")?) })
    });
    let remaining = all_remaining.filter(|remaining| is_of_use(remaining.reset)).min_by(|one, other| {
        let pace = |remaining: &Remaining| remaining.count as f64 / remaining.reset.as_secs_f64();
        pace(one).total_cmp(&pace(other))
    });
    let older = || {
        let value = |name: &str| items(limit.unwrap_or_default()).find_map(|item| parameter(item, name));
        let remaining = Remaining { count: value("remaining")?, reset: Duration::from_secs(value("reset")?) };
        is_of_use(remaining.reset).then_some(remaining)
    };
    let quota = tightest(policy.unwrap_or_default());
    let total = items(limit.unwrap_or_default()).find_map(|item| parameter(item, "limit"));
    let limits = RateLimits { quota, remaining: remaining.or_else(older), total: total.filter(|_| quota.is_none()) };
    (limits.quota.is_some() || limits.remaining.is_some()).then_some(limits)
}

/// The headers of a limit with a separate header for each number.
struct Family {
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

const FAMILIES: [Family; 4] = [
    Family { limit: "ratelimit-limit", remaining: "ratelimit-remaining", reset: "ratelimit-reset" },
    Family { limit: "x-ratelimit-limit", remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset" },
    Family {
        limit: "x-ratelimit-limit-requests",
        remaining: "x-ratelimit-remaining-requests",
        reset: "x-ratelimit-reset-requests",
    },
    Family { limit: "x-rate-limit-limit", remaining: "x-rate-limit-remaining", reset: "x-rate-limit-reset" },
];

fn numbered<'h>(header: impl Fn(&str) -> Option<&'h str>, names: &Family, now: Timestamp) -> Option<RateLimits> {
    let limit = header(names.limit).map(str::trim);
    let remaining = header(names.remaining).and_then(|text| leading_number(text.trim()));
    let remaining = remaining.zip(header(names.reset).and_then(|text| reset(text.trim(), now)));
    let remaining =
        remaining.map(|(count, reset)| Remaining { count, reset }).filter(|remaining| is_of_use(remaining.reset));
    let quota = limit.and_then(tightest);
    let total = limit.and_then(leading_number).filter(|total| quota.is_none() && *total > 0);
    (remaining.is_some() || quota.is_some()).then_some(RateLimits { quota, remaining, total })
}

/// Returns the tightest quota in a list such as `"burst";q=100;w=60, "day";q=1000;w=86400` or `100, 100;w=60`.
fn tightest(list: &str) -> Option<Quota> {
    let quotas = items(list).filter_map(|item| {
        let count = parameter(item, "q").or_else(|| leading_number(item))?;
        let window = Duration::from_secs(parameter(item, "w")?);
        (count > 0 && is_of_use(window)).then_some(Quota { count, window })
    });
    quotas.min_by(|one, other| {
        let pace = |quota: &Quota| quota.count as f64 / quota.window.as_secs_f64();
        pace(one).total_cmp(&pace(other))
    })
}

/// Parses the end of a window: seconds from now, a Unix time in seconds or milliseconds, or a duration such as `6m0s`.
fn reset(text: &str, now: Timestamp) -> Option<Duration> {
    match text.parse::<f64>() {
        Ok(number) if !(0.0..1e14).contains(&number) => None,
        Ok(number) if number >= 1e9 => {
            let seconds = if number >= 1e12 { number / 1000.0 } else { number };
            Some(Duration::from_secs_f64((seconds - now.as_millisecond() as f64 / 1000.0).max(0.0)))
        }
        Ok(number) => Some(Duration::from_secs_f64(number)),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

fn is_of_use(window: Duration) -> bool {
    !window.is_zero() && window <= MAX_WINDOW
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

/// Returns the value of the parameter `name` in an item such as `"default";r=50;t=30`.
fn parameter(item: &str, name: &str) -> Option<u64> {
    let parts = item.split(';').map(str::trim);
    parts.filter_map(|part| part.split_once('=')).find(|(key, _)| key.trim() == name)?.1.trim().parse().ok()
}

fn leading_number(text: &str) -> Option<u64> {
    text.split(';').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Option<RateLimits> {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        RateLimits::read(|name| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value), now)
    }

    fn remaining(count: u64, seconds: u64) -> Option<Remaining> {
        Some(Remaining { count, reset: Duration::from_secs(seconds) })
    }

    fn quota(count: u64, seconds: u64) -> Option<Quota> {
        Some(Quota { count, window: Duration::from_secs(seconds) })
    }

    #[test]
    fn the_ietf_fields_are_parsed_in_the_syntax_of_every_draft() {
        let newest = [("ratelimit", r#""default";r=50;t=30"#), ("ratelimit-policy", r#""default";q=100;w=60"#)];
        assert_eq!(
            read(&newest),
            Some(RateLimits { quota: quota(100, 60), remaining: remaining(50, 30), total: None })
        );
        let older = [("ratelimit", "limit=100, remaining=50, reset=30"), ("ratelimit-policy", "100;w=60")];
        assert_eq!(read(&older), Some(RateLimits { quota: quota(100, 60), remaining: remaining(50, 30), total: None }));
        let oldest = [("ratelimit-limit", "100, 100;w=60"), ("ratelimit-remaining", "50"), ("ratelimit-reset", "30")];
        assert_eq!(
            read(&oldest),
            Some(RateLimits { quota: quota(100, 60), remaining: remaining(50, 30), total: None })
        );
    }

    #[test]
    fn the_tightest_policy_counts_and_daily_quotas_are_ignored() {
        let policies = r#""second";q=10;w=1, "minute";q=120;w=60, "day";q=1000;w=86400"#;
        let limits = [("ratelimit", r#""minute";r=30;t=60, "day";r=100;t=80000"#), ("ratelimit-policy", policies)];
        assert_eq!(
            read(&limits),
            Some(RateLimits { quota: quota(120, 60), remaining: remaining(30, 60), total: None })
        );
    }

    #[test]
    fn the_older_headers_are_parsed_with_every_kind_of_reset() {
        for (reset, seconds) in [("30", 30), ("1700000030", 30), ("1700000030000", 30), ("6m0s", 360), ("1s", 1)] {
            for (name, key) in [
                ("x-ratelimit-remaining", "x-ratelimit-reset"),
                ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
            ] {
                let limits = read(&[(name, "7"), (key, reset)]);
                assert_eq!(
                    limits,
                    Some(RateLimits { quota: None, remaining: remaining(7, seconds), total: None }),
                    "{key}: {reset}"
                );
            }
        }
    }

    #[test]
    fn a_limit_without_a_window_is_a_total() {
        let limits = [("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "30")];
        assert_eq!(read(&limits), Some(RateLimits { quota: None, remaining: remaining(7, 30), total: Some(50) }));
        assert_eq!(read(&[("x-ratelimit-limit", "50")]), None, "it says nothing of the pace");
    }

    #[test]
    fn nonsensical_limits_are_ignored() {
        for value in ["", "soon", "-1", "NaN", "99999999999999999999", ";;;", "r=1", "=", "\"x\";r=1;t=0"] {
            for name in ["ratelimit", "ratelimit-policy"] {
                assert_eq!(read(&[(name, value)]), None, "{name}: {value}");
            }
            assert_eq!(read(&[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", value)]), None, "{value}");
        }
    }

    #[test]
    fn a_used_up_quota_has_a_time_until_its_reset() {
        let used_up = read(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "12")]).unwrap();
        assert_eq!(used_up.used_up(), Some(Duration::from_secs(12)));
        let some_left = read(&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "12")]).unwrap();
        assert_eq!(some_left.used_up(), None);
    }
}
