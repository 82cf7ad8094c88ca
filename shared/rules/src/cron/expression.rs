//! The five fields: what may stand in them, and the local times that they match.

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, Weekday, date};

use crate::field::FieldError;

/// The longest expression, in bytes.
const MAX_LENGTH: usize = 256;
const FIELD: &str = "cron_expr";
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One of the five fields.
struct Kind {
    name: &'static str,
    first: u8,
    last: u8,
    /// Names for the values from `first` on.
    names: &'static [&'static str],
}

const KINDS: [Kind; 5] = [
    Kind { name: "minute", first: 0, last: 59, names: &[] },
    Kind { name: "hour", first: 0, last: 23, names: &[] },
    Kind { name: "day of month", first: 1, last: 31, names: &[] },
    Kind { name: "month", first: 1, last: 12, names: &MONTHS },
    Kind { name: "day of week", first: 0, last: 6, names: &DAYS },
];

/// A cron expression.
#[derive(Clone)]
pub(super) struct Expression {
    text: String,
    pattern: croner::Cron,
    fixed: bool,
}

impl Expression {
    /// Reads an expression. What it matches must exist: `0 0 30 2 *` is refused.
    pub(super) fn parse(text: &str) -> Result<Self, FieldError> {
        if text.len() > MAX_LENGTH {
            return Err(refused(format!("must not be longer than {MAX_LENGTH} bytes")));
        }
        if text.contains(|c: char| c.is_control()) {
            return Err(refused("must be one line without control characters"));
        }
        if text.contains("TZ=") {
            return Err(refused("must not name a time zone; give it as timezone"));
        }
        let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
        if fields.len() != KINDS.len() {
            let found = fields.len();
            return Err(refused(format!(
                "must have 5 fields (minute, hour, day of month, month, day of week), and has {found}"
            )));
        }
        for (kind, field) in KINDS.iter().zip(&fields) {
            kind.check(field).map_err(|why| refused(format!("the {} field {why}", kind.name)))?;
        }
        let plain = fields.iter().map(|field| field.replace('?', "*")).collect::<Vec<_>>();
        let starred = plain[2].starts_with('*') || plain[4].starts_with('*');
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .dom_and_dow(starred)
            .sloppy_ranges(true)
            .build();
        let pattern = parser.parse(&plain.join(" ")).map_err(|error| refused(error.to_string()))?;
        let fixed = plain[..2].iter().all(|field| !field.contains(['*', '/']));
        let expression = Self { text: fields.join(" "), pattern, fixed };
        if expression.matches_some_day() { Ok(expression) } else { Err(refused("names a day that no year has")) }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Neither `*` nor a step in minute and hour.
    pub(super) const fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// The first local time that matches after `local`, or at it if `inclusive`.
    pub(super) fn next(&self, local: DateTime, inclusive: bool) -> Option<DateTime> {
        self.pattern.find_next_occurrence(&local, inclusive).ok()
    }

    /// Whether there is such a day at all. After 28 years days of month and of week meet as before.
    fn matches_some_day(&self) -> bool {
        let days = date(2000, 1, 1).series(jiff::ToSpan::day(1)).take_while(|day| day.year() < 2028);
        days.into_iter().any(|day| {
            let (year, month, of_month) = (day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs());
            let weekday = croner::Weekday::from_days_from_sunday(sunday_first(day.weekday()));
            let pattern = &self.pattern.pattern;
            pattern.month_match(month.into()).unwrap_or(false)
                && pattern.day_match(year, month.into(), of_month.into(), weekday).unwrap_or(false)
        })
    }
}

fn sunday_first(weekday: Weekday) -> u32 {
    weekday.to_sunday_zero_offset().unsigned_abs().into()
}

fn refused(problem: impl Into<String>) -> FieldError {
    FieldError::new(FIELD, problem)
}

impl Kind {
    /// A list of `*`, values, ranges `a-b`, each perhaps with a step `/n`.
    fn check(&self, field: &str) -> Result<(), String> {
        field.split(',').try_for_each(|part| self.check_part(part))
    }

    fn check_part(&self, part: &str) -> Result<(), String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        if let Some(step) = step {
            let most = self.last - self.first + 1;
            match number(step) {
                Some(step) if (1..=most).contains(&step) => {}
                _ => return Err(format!("has a step that is not a number from 1 to {most}")),
            }
        }
        if matches!(range, "*" | "?") {
            return Ok(());
        }
        match range.split_once('-') {
            None => self.value(range).map(drop),
            Some((from, to)) => match (self.value(from)?, self.value(to)?) {
                (from, to) if from > to => Err(format!("has a range that runs backwards, from {from} to {to}")),
                _ => Ok(()),
            },
        }
    }

    fn value(&self, text: &str) -> Result<u8, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(place) => u8::try_from(place).ok().map(|place| place + self.first),
            None => number(text),
        };
        let (first, last) = (self.first, self.last);
        match value {
            Some(value) if (first..=last).contains(&value) => Ok(value),
            Some(7) if self.names == DAYS => Err("has 7; Sunday is 0".to_owned()),
            Some(value) => Err(format!("has {value}, which is not from {first} to {last}")),
            None => {
                let names = match self.names {
                    [first, .., last] => format!(" or {first} to {last}"),
                    _ => String::new(),
                };
                Err(format!("has something that is not *, a number from {first} to {last}{names}, a range or a step"))
            }
        }
    }
}

/// One to three digits and nothing else.
fn number(text: &str) -> Option<u8> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
