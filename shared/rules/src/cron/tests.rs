use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn fires(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let cron = Cron::new(expression, zone).unwrap();
    cron.fires_after(at(after)).take(count).map(|fire| fire.rfc3339().replace(":00.000Z", "Z")).collect()
}

#[test]
fn the_next_fires_of_an_expression() {
    for (name, expression, after, expected) in [
        ("strictly after", "*/30 * * * *", "2026-11-25T19:00:00Z", vec!["2026-11-25T19:30Z", "2026-11-25T20:00Z"]),
        ("within a minute", "* * * * *", "2026-11-25T19:00:00.001Z", vec!["2026-11-25T19:01Z"]),
        ("just before", "* * * * *", "2026-11-25T18:59:59.999Z", vec!["2026-11-25T19:00Z"]),
        ("from a value on", "50/5 1 * * *", "2026-01-01T00:00:00Z", vec!["2026-01-01T01:50Z", "2026-01-01T01:55Z"]),
        ("list and range", "0 8-9,17 * * *", "2026-01-01T08:00:00Z", vec!["2026-01-01T09:00Z", "2026-01-01T17:00Z"]),
        ("month end", "0 0 31 * *", "2026-01-31T00:00:00Z", vec!["2026-03-31T00:00Z", "2026-05-31T00:00Z"]),
        ("leap day", "0 0 29 2 *", "2026-01-01T00:00:00Z", vec!["2028-02-29T00:00Z", "2032-02-29T00:00Z"]),
        ("no leap day in 2100", "0 0 29 FEB *", "2096-03-01T00:00:00Z", vec!["2104-02-29T00:00Z"]),
        ("names", "0 0 * nov fri", "2026-11-25T00:00:00Z", vec!["2026-11-27T00:00Z", "2027-11-05T00:00Z"]),
        // 2026-11-01 is a Sunday.
        ("either day", "0 0 13 * 5", "2026-11-01T00:00:00Z", vec!["2026-11-06T00:00Z", "2026-11-13T00:00Z"]),
        ("either day, the 15th", "0 0 15 * 5", "2026-11-13T00:00:00Z", vec!["2026-11-15T00:00Z", "2026-11-20T00:00Z"]),
        ("a star and a day of week", "0 0 * * 5", "2026-11-06T00:00:00Z", vec!["2026-11-13T00:00Z"]),
        ("? is *", "0 0 ? * 5", "2026-11-06T00:00:00Z", vec!["2026-11-13T00:00Z"]),
        ("a field that begins with * restricts too", "0 0 */2 * 5", "2026-11-06T00:00:00Z", vec!["2026-11-13T00:00Z"]),
        ("blanks", "  0   0  1 1   * ", "2026-11-06T00:00:00Z", vec!["2027-01-01T00:00Z"]),
    ] {
        assert_eq!(fires(expression, "", after, expected.len()), expected, "{name}");
    }
}

#[test]
fn the_clock_changes_as_in_vixie_cron() {
    // Berlin: 02:00 becomes 03:00 at 2026-03-29T01:00Z, 03:00 becomes 02:00 at 2026-10-25T01:00Z.
    for (name, expression, after, expected) in [
        (
            "skipped: once, when the clock goes on",
            "30 2 * * *",
            "2026-03-28T12:00:00Z",
            vec!["2026-03-29T01:00Z", "2026-03-30T00:30Z"],
        ),
        (
            "two skipped ones are one",
            "0,30 2 * * *",
            "2026-03-28T12:00:00Z",
            vec!["2026-03-29T01:00Z", "2026-03-30T00:00Z"],
        ),
        (
            "skipped and the one after it are one",
            "0 2,3 * * *",
            "2026-03-28T12:00:00Z",
            vec!["2026-03-29T01:00Z", "2026-03-30T00:00Z"],
        ),
        (
            "a star skips with the clock",
            "30 * * * *",
            "2026-03-29T00:00:00Z",
            vec!["2026-03-29T00:30Z", "2026-03-29T01:30Z"],
        ),
        (
            "a step in a fixed range follows time",
            "0 0-23/2 * * *",
            "2026-03-29T00:00:00Z",
            vec!["2026-03-29T02:00Z", "2026-03-29T04:00Z"],
        ),
        (
            "repeated: the first time only",
            "30 2 * * *",
            "2026-10-24T12:00:00Z",
            vec!["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
        ),
        ("repeated: asked between the two", "30 2 * * *", "2026-10-25T01:10:00Z", vec!["2026-10-26T01:30Z"]),
        (
            "a star repeats with the clock",
            "30 * * * *",
            "2026-10-25T00:00:00Z",
            vec!["2026-10-25T00:30Z", "2026-10-25T01:30Z", "2026-10-25T02:30Z"],
        ),
        (
            "a star in the minutes too",
            "*/30 2 * * *",
            "2026-10-25T00:00:00Z",
            vec!["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z", "2026-10-26T01:00Z"],
        ),
    ] {
        assert_eq!(fires(expression, "Europe/Berlin", after, expected.len()), expected, "{name}");
    }
}

#[test]
fn clocks_that_change_oddly() {
    for (name, expression, zone, after, expected) in [
        // Samoa skipped the 30th of December 2011.
        (
            "a day that was skipped",
            "0 9 * * *",
            "Pacific/Apia",
            "2011-12-29T20:00:00Z",
            vec!["2011-12-30T10:00Z", "2011-12-30T19:00Z"],
        ),
        // Lord Howe moves by half an hour: 02:00 becomes 02:30 at 2026-10-03T15:30Z.
        (
            "half an hour",
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            vec!["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
        ),
        // Midnight does not exist in Havana at 2026-03-08.
        (
            "midnight skipped",
            "0 0 * * *",
            "America/Havana",
            "2026-03-07T12:00:00Z",
            vec!["2026-03-08T05:00Z", "2026-03-09T04:00Z"],
        ),
        ("a zone by another case", "0 12 * * *", "asia/kathmandu", "2026-01-01T00:00:00Z", vec!["2026-01-01T06:15Z"]),
    ] {
        assert_eq!(fires(expression, zone, after, expected.len()), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_field_and_reason() {
    for (expression, zone, field, reason) in [
        ("", "UTC", "cron_expr", "has 0"),
        ("* * * *", "UTC", "cron_expr", "has 4"),
        ("0 * * * * *", "UTC", "cron_expr", "has 6"),
        ("@daily", "UTC", "cron_expr", "has 1"),
        ("60 * * * *", "UTC", "cron_expr", "the minute field has 60, which is not from 0 to 59"),
        ("* 24 * * *", "UTC", "cron_expr", "the hour field has 24"),
        ("* * 0 * *", "UTC", "cron_expr", "the day of month field has 0"),
        ("* * 32 * *", "UTC", "cron_expr", "the day of month field has 32"),
        ("* * * 13 *", "UTC", "cron_expr", "the month field has 13"),
        ("* * * * 7", "UTC", "cron_expr", "Sunday is 0"),
        ("* * * * 8", "UTC", "cron_expr", "the day of week field has 8"),
        ("*/0 * * * *", "UTC", "cron_expr", "step"),
        ("*/61 * * * *", "UTC", "cron_expr", "step"),
        ("*/ * * * *", "UTC", "cron_expr", "step"),
        ("*/-5 * * * *", "UTC", "cron_expr", "step"),
        ("30-10 * * * *", "UTC", "cron_expr", "backwards"),
        ("1,,2 * * * *", "UTC", "cron_expr", "the minute field has something"),
        ("/5 * * * *", "UTC", "cron_expr", "the minute field has something"),
        ("* * L * *", "UTC", "cron_expr", "the day of month field has something"),
        ("* * 15W * *", "UTC", "cron_expr", "the day of month field has something"),
        ("* * * * 5#2", "UTC", "cron_expr", "the day of week field has something"),
        (
            "* * * * FRIDAY",
            "UTC",
            "cron_expr",
            "the day of week field has something that is not *, a number from 0 to 6 or SUN to SAT",
        ),
        ("* * * JANFEB *", "UTC", "cron_expr", "the month field has something"),
        ("+1 * * * *", "UTC", "cron_expr", "the minute field has something"),
        ("* * * * +1", "UTC", "cron_expr", "the day of week field has something"),
        ("١ * * * *", "UTC", "cron_expr", "the minute field has something"),
        ("0 0 30 2 *", "UTC", "cron_expr", "a day that no year has"),
        ("0 0 31 4,6,9,11 *", "UTC", "cron_expr", "a day that no year has"),
        ("0 0 * *\t*", "UTC", "cron_expr", "control characters"),
        ("0 0 * * *\n", "UTC", "cron_expr", "control characters"),
        ("TZ=UTC 0 0 * * *", "UTC", "cron_expr", "timezone"),
        ("* * * * *", "Mars/Olympus", "timezone", "IANA"),
        ("* * * * *", "Europe/Berlin\u{0}", "timezone", "IANA"),
        ("* * * * *", "../../etc/passwd", "timezone", "IANA"),
        ("* * * * *", "CET-1CEST", "timezone", "IANA"),
        ("* * * * *", "+01:00", "timezone", "IANA"),
    ] {
        let refused = Cron::new(expression, zone).unwrap_err();
        assert_eq!(refused.field, field, "{expression:?} {zone:?}: {refused}");
        assert!(refused.problem.contains(reason), "{expression:?}: {refused}");
    }
    let long = format!("{} * * * *", ["0"; 300].join(","));
    assert!(Cron::new(&long, "").unwrap_err().problem.contains("256 bytes"));
}

#[test]
fn a_day_of_month_that_a_day_of_week_makes_possible_is_accepted() {
    assert_eq!(fires("0 0 30 2 1", "UTC", "2026-02-01T00:00:00Z", 1), ["2026-02-02T00:00Z"]);
}

#[test]
fn spelling_is_settled() {
    let cron = Cron::new(" 0  12 * * mon ", " europe/berlin ").unwrap();
    assert_eq!((cron.expression(), cron.zone()), ("0 12 * * mon", "Europe/Berlin"));
}

fn any_expression() -> impl Strategy<Value = String> {
    let field = |first: u8, last: u8| {
        let value = first..=last;
        prop_oneof![
            3 => Just("*".to_owned()),
            2 => value.clone().prop_map(|value| value.to_string()),
            1 => (2_u8..7).prop_map(|step| format!("*/{step}")),
            1 => (value.clone(), value).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        ]
    };
    (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #[test]
    fn fires_rise_and_each_is_the_next_of_any_instant_before_it(
        expression in any_expression(),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
        from in 946_684_800_i64..2_000_000_000,
    ) {
        let cron = Cron::new(&expression, zone).unwrap();
        let from = Timestamp::from_millis(from * 1000);
        let fires: Vec<_> = cron.fires_after(from).take(20).collect();
        prop_assert_eq!(fires.len(), 20);
        let mut last = from;
        for fire in fires {
            prop_assert!(fire > last);
            let between = Timestamp::from_millis(i64::midpoint(last.millis(), fire.millis() - 1));
            prop_assert_eq!(cron.next_after(between), Some(fire));
            last = fire;
        }
    }

    #[test]
    fn no_text_panics(expression in ".{0,40}", zone in ".{0,20}") {
        let _ = Cron::new(&expression, &zone).map(|cron| cron.next_after(Timestamp::from_millis(0)));
    }

    #[test]
    fn no_text_of_cron_characters_panics(expression in "[0-9*/,?A-Z -]{0,30}") {
        let _ = Cron::new(&expression, "").map(|cron| cron.next_after(Timestamp::from_millis(0)));
    }
}
