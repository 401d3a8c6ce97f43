use super::*;

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

/// The next times after a local one in New York, with their offsets.
fn times(expression: &str, after: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(expression).unwrap();
    let zone = new_york();
    let mut from = after.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp();
    let mut times = Vec::new();
    while times.len() < count {
        let Some(next) = cron.next(from, &zone) else { break };
        times.push(next.to_zoned(zone.clone()).strftime("%m-%dT%H:%M%:z").to_string());
        from = next + jiff::SignedDuration::from_nanos(1);
    }
    times
}

#[test]
fn fields_have_lists_ranges_steps_names_and_last_days() {
    for (expression, expected) in [
        ("0 9 ? * MON *", ["11-30T09:00-05:00", "12-07T09:00-05:00"]),
        ("0 9 ? * 2 *", ["11-30T09:00-05:00", "12-07T09:00-05:00"]),
        ("0/20 9 24 * ? *", ["11-24T09:00-05:00", "11-24T09:20-05:00"]),
        ("5,50 8-9 ? NOV-DEC TUE-wed *", ["11-24T08:05-05:00", "11-24T08:50-05:00"]),
        ("0 */12 * * ? 2026", ["11-23T12:00-05:00", "11-24T00:00-05:00"]),
        ("0 0 L * ? *", ["11-30T00:00-05:00", "12-31T00:00-05:00"]),
        ("0 0 LW * ? *", ["11-30T00:00-05:00", "12-31T00:00-05:00"]),
        ("0 0 ? * L *", ["11-28T00:00-05:00", "12-05T00:00-05:00"]),
        ("0 0 ? * 5L *", ["11-26T00:00-05:00", "12-31T00:00-05:00"]),
        ("0 0 ? * FRI#2 *", ["12-11T00:00-05:00", "01-08T00:00-05:00"]),
        ("0 0 12W 12 ? *", ["12-11T00:00-05:00", "12-13T00:00-05:00"]),
        ("0 0 29 2 ? *", ["02-29T00:00-05:00", "02-29T00:00-05:00"]),
    ] {
        assert_eq!(times(expression, "2026-11-23T10:00", 2), expected, "{expression}");
    }
}

#[test]
fn a_fifth_weekday_is_rare_and_a_day_or_a_year_may_never_come() {
    assert_eq!(times("0 0 ? * MON#5 *", "2026-12-01T00:00", 1), ["03-29T00:00-04:00"]);
    assert!(times("0 0 31 2 ? *", "2026-12-01T00:00", 1).is_empty());
    assert!(times("0 0 * * ? 2026", "2027-01-01T00:00", 1).is_empty());
}

#[test]
fn in_autumn_a_time_that_comes_twice_counts_once() {
    let expected = ["11-01T00:30-04:00", "11-01T01:30-04:00", "11-01T02:30-05:00", "11-01T03:30-05:00"];
    assert_eq!(times("30 * * * ? *", "2026-11-01T00:00", 4), expected);
    assert_eq!(times("30 1 * * ? *", "2026-10-31T12:00", 2), ["11-01T01:30-04:00", "11-02T01:30-05:00"]);
}

#[test]
fn in_spring_a_time_that_is_left_out_is_skipped() {
    assert_eq!(times("30 2 * * ? *", "2027-03-13T12:00", 2), ["03-15T02:30-04:00", "03-16T02:30-04:00"]);
    let expected = ["03-14T01:30-05:00", "03-14T03:30-04:00"];
    assert_eq!(times("30 * * * ? *", "2027-03-14T01:00", 2), expected);
    assert_eq!(times("0 9 ? * SUN *", "2027-03-07T08:00", 2), ["03-07T09:00-05:00", "03-14T09:00-04:00"]);
}

#[test]
fn what_is_no_cron_expression_is_refused() {
    for expression in [
        "",
        "0 9 * * MON",
        "0 9 * * MON *",
        "0 9 ? * ? *",
        "0 9 * * * *",
        "60 9 * * ? *",
        "0 24 * * ? *",
        "0 9 0 * ? *",
        "0 9 32 * ? *",
        "0 9 ? * 8 *",
        "0 9 ? * MON#6 *",
        "0 9 ? * MON#1,TUE *",
        "0 9 ? * MON/2 *",
        "0 9 ? 13 MON *",
        "0 9 ? * MON 1969",
        "0/0 9 * * ? *",
        "5-1 9 * * ? *",
        "+1 9 * * ? *",
        "0 9 ? * MON * *",
    ] {
        assert_eq!(Cron::parse(expression), None, "{expression}");
    }
}

/// An expression that may or may not make sense.
fn random_expression(random: &mut fastrand::Rng) -> String {
    let mut pick = |choices: &[&str]| choices[random.usize(..choices.len())].to_owned();
    let minute = pick(&["0", "30", "59", "0/15", "*/20", "5,50", "10-12", "*", "60", "1-70"]);
    let hour = pick(&["0", "1", "2", "3", "9", "23", "*/6", "1-3", "0,2,13", "*", "24"]);
    let day = ["1", "15", "29", "31", "*", "L", "LW", "15W", "1W", "31W", "1-7", "*/10", "20/3", "1,L", "0", "32"];
    let weekday = ["MON", "1", "7", "SUN", "MON-FRI", "2,4,FRI", "L", "5L", "FRIL", "TUE#2", "6#5", "*", "8", "MON#6"];
    let (day, weekday) = if pick(&["d", "w"]) == "d" { (pick(&day), "?".into()) } else { ("?".into(), pick(&weekday)) };
    let month = pick(&["*", "*", "*", "3", "NOV", "MAR-APR", "2/3", "1,11", "13"]);
    let year = pick(&["*", "*", "*", "2027", "2026-2028", "2026/2", "*/3", "2020", "1969"]);
    format!("{minute} {hour} {day} {month} {weekday} {year}")
}

/// The times of the domain in about two and a half years, of which there may be many; nothing if it can't read the
/// expression.
fn domain_times(expression: &str, now: Timestamp, zone: &TimeZone, most: usize) -> Option<Vec<Timestamp>> {
    use portal_domain::input::Fields;
    use portal_domain::schedule::Timing;
    let timing = serde_json::json!({"rule": {"cron": expression}});
    let mut fields = Fields::of(&timing, "").unwrap();
    let timing = Timing::read(&mut fields)?;
    let end = now + jiff::SignedDuration::from_hours(24 * 900);
    let times = timing.runs(now, now, zone).map(|time| time.timestamp());
    Some(times.take_while(|time| *time <= end).take(most).collect())
}

#[test]
fn the_domain_reads_and_times_expressions_alike() {
    let zones = ["America/New_York", "Europe/Berlin", "UTC", "Australia/Lord_Howe", "America/Sao_Paulo"];
    let mut random = fastrand::Rng::with_seed(1);
    let mut read = 0;
    for _ in 0..300 {
        let expression = random_expression(&mut random);
        let zone = TimeZone::get(zones[random.usize(..zones.len())]).unwrap();
        let now = Timestamp::from_second(1_793_000_000 + random.i64(0..60_000_000)).unwrap();
        let ours = Cron::parse(&expression).map(|cron| {
            let end = now + jiff::SignedDuration::from_hours(24 * 900);
            let next = |time: &Timestamp| cron.next(*time + jiff::SignedDuration::from_nanos(1), &zone);
            let times = std::iter::successors(next(&now), next).take_while(|time| *time <= end);
            times.take(40).collect::<Vec<_>>()
        });
        let theirs = domain_times(&expression, now, &zone, 40);
        assert_eq!(ours, theirs, "{expression} after {now} in {:?}", zone.iana_name());
        read += usize::from(ours.is_some());
    }
    assert!(read > 100, "{read}");
}
