//! What the numbers of a division take, in bytes and in CPU, for as many recipients as the argument says (default
//! 1,000,000).
//!
//! Customers are drawn with the chances of the sample (`infra/local/sample_customers.py`), but with 15 % of people on
//! several accounts. Then everybody without access is invited in 20 hours.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::collections::BTreeMap;

use portal_domain::account::Reach;
use portal_domain::numbers::{Base, Change, Encoded, Log, Numbers, OwnerId, Profile, ProfileKey, ProfileSet, Value};
use portal_domain::selection::Rules;
use portal_domain::standing::{Hour, Standing};
use portal_domain::{AccountId, DivisionId, Filter, LinkProfile, PortalStatus};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// 2026-11-27T00.
const BEGIN: Hour = Hour::new(498_888);
const INVITING_HOURS: u32 = 20;
/// Changes that are logged together.
const TOGETHER: usize = 10;
/// A log is folded at this part of the base, and not below this many bytes.
const FOLD_AT: (usize, usize) = (6, 128 * 1024);

const CLASSES: [(&str, u32); 4] = [("RESIDENTIAL", 60), ("COMMERCIAL", 28), ("ROLL-OFF", 9), ("MUNICIPAL", 3)];
const GROUPS: [(&str, u32); 3] = [("1ST-OF-MONTH", 1), ("15TH-OF-MONTH", 1), ("QUARTERLY", 1)];
const SOURCES: [(&str, u32); 4] = [("WEB", 1), ("CALL-CENTER", 1), ("REFERRAL", 1), ("ACQUIRED", 1)];
const SITE_SOURCES: [(&str, u32); 5] =
    [("CURBSIDE", 1), ("FRONT-LOAD", 1), ("ROLL-OFF-BOX", 1), ("RECYCLING", 1), ("ORGANICS", 1)];

struct Customers {
    people: Vec<(Vec<LinkProfile>, PortalStatus)>,
    accounts: Vec<(Vec<(LinkProfile, Reach)>, u64)>,
}

fn pick<T: Copy>(chance: &mut StdRng, of: &[(T, u32)]) -> T {
    let mut left = chance.random_range(0..of.iter().map(|(_, weight)| weight).sum());
    for (value, weight) in of {
        if left < *weight {
            return *value;
        }
        left -= weight;
    }
    of[0].0
}

fn drawn(people: usize) -> Customers {
    let chance = &mut StdRng::seed_from_u64(390);
    let mut customers = Customers { people: Vec::with_capacity(people), accounts: Vec::new() };
    while customers.people.len() < people {
        let sites: Vec<(&str, u64)> = (0..pick(chance, &[(1, 75), (2, 18), (3, 7)]))
            .map(|_| (pick(chance, &SITE_SOURCES), pick(chance, &[(0, 30), (1, 40), (2, 18), (3, 9), (5, 3)])))
            .collect();
        let services: u64 = sites.iter().map(|(_, services)| services).sum();
        let whole = LinkProfile {
            account_class: pick(chance, &CLASSES).to_owned(),
            bill_group: pick(chance, &GROUPS).to_owned(),
            account_source: pick(chance, &SOURCES).to_owned(),
            site_sources: sites.iter().map(|(source, _)| (*source).to_owned()).collect(),
            active_services: services > 0,
            balance_due: chance.random_bool(0.3),
            automatic_payment: chance.random_bool(0.4),
            billing_contact: true,
        };
        let mut contacts = Vec::new();
        let kind: f64 = chance.random();
        let mut reached = Reach { reachable: 1, unreachable: 0 };
        if kind < 0.07 {
            reached = Reach { reachable: 0, unreachable: 1 };
        } else if kind < 0.24 && !customers.people.is_empty() {
            let other = chance.random_range(0..customers.people.len());
            customers.people[other].0.push(whole.clone());
        } else {
            let status = [(PortalStatus::NotSent, 70), (PortalStatus::Pending, 5), (PortalStatus::Accepted, 25)];
            customers.people.push((vec![whole.clone()], pick(chance, &status)));
        }
        contacts.push((whole.clone(), reached));
        if chance.random_bool(0.25) {
            let source = sites[chance.random_range(0..sites.len())].0.to_owned();
            let at_site = LinkProfile { site_sources: [source].into(), billing_contact: false, ..whole };
            let unreachable = u32::from(chance.random_bool(0.2));
            if unreachable == 0 {
                customers.people.push((vec![at_site.clone()], PortalStatus::NotSent));
            }
            contacts.push((at_site, Reach { reachable: 1 - unreachable, unreachable }));
        }
        customers.accounts.push((contacts, services));
    }
    customers
}

fn framed(changes: &[(Change, BTreeMap<ProfileKey, Profile>)]) -> Vec<u8> {
    let frame = |together: &[(Change, BTreeMap<ProfileKey, Profile>)]| {
        let changes: Vec<_> = together.iter().map(|(change, _)| change.clone()).collect();
        let profiles = together.iter().flat_map(|(_, profiles)| profiles.clone()).collect();
        Log::frame(&changes, &profiles)
    };
    changes.chunks(TOGETHER).flat_map(frame).collect()
}

fn owner(number: usize) -> OwnerId {
    OwnerId::of_account(&AccountId::new(format!("A{number}")))
}

/// Nanoseconds of CPU that this thread has had. Other work on the machine makes no difference.
fn cpu() -> f64 {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    schedule.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).expect("a number")
}

fn timed<T>(what: &str, times: u32, mut work: impl FnMut() -> T) -> T {
    let started = cpu();
    (1..times).for_each(|_| _ = work());
    let result = work();
    println!("  {what}: {:.1} ms", (cpu() - started) / 1_000_000.0 / f64::from(times));
    result
}

fn folded(what: &str, numbers: &mut Numbers, frames: &[u8], now: Hour) -> Encoded {
    timed(what, 1, || {
        let mut log = Log::default();
        log.read(frames).expect("frames");
        numbers.apply(&log).expect("changes");
        numbers.encode(now).expect("a base")
    })
}

/// What one Load does besides its requests, and what a fold takes.
fn report(encoded: &Encoded, frames: &[u8], now: Hour) {
    let base = Base::read(&encoded.main).expect("a base");
    let diversity = base.diversity();
    println!(
        "  {} profiles, {} sets, {} entries; {} bytes, and {} of the pending; log {} bytes",
        diversity.profiles,
        diversity.sets,
        diversity.entries,
        encoded.main.len(),
        encoded.pending.len(),
        frames.len()
    );
    let rules = Rules::of_new_campaign(now.begin(), false);
    let whole = Filter::whole(DivisionId::new("D"));
    let narrow =
        Filter { bill_group: Some("QUARTERLY".to_owned()), site_source: Some("ORGANICS".to_owned()), ..whole.clone() };
    timed("read the base", 5, || Base::read(&encoded.main).expect("a base"));
    let log = timed("read the log", 5, || {
        let mut log = Log::default();
        log.read(frames).expect("frames");
        log
    });
    timed("count without a log", 5, || base.counts(&whole, rules, &Log::default()).expect("counts"));
    timed("count the first time with the log", 1, || base.counts(&whole, rules, &log).expect("counts"));
    let all = timed("count", 5, || base.counts(&whole, rules, &log).expect("counts"));
    let some = timed("count with a narrow filter", 5, || base.counts(&narrow, rules, &log).expect("counts"));
    println!(
        "  {} people, {} to be e-mailed; narrow {} and {}",
        all.total, all.will_email, some.total, some.will_email
    );
    let base = base.with_pending(&encoded.pending).expect("the pending");
    let mut numbers = timed("open the base for a fold", 1, || Numbers::open(&base).expect("numbers"));
    folded("take the log in, and write the next base", &mut numbers, frames, now);
}

fn main() {
    let people = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000_000);
    let customers = drawn(people);
    let several = customers.people.iter().filter(|(links, _)| links.len() > 1).count();
    println!("{people} people on {} accounts, {several} of them on several", customers.accounts.len());
    let mut changes = Vec::new();
    for (number, (links, status)) in customers.people.iter().enumerate() {
        let set = ProfileSet::reduced(links);
        let to = Value::of_person(&set, Standing::new(*status));
        changes.push((Change { owner: owner(number), from: None, to }, set.profiles().clone()));
    }
    for (number, (contacts, services)) in customers.accounts.iter().enumerate() {
        let contacts = contacts.iter().map(|(profile, reach)| (profile, *reach));
        if let Some((value, _, profiles)) = Value::of_account(contacts, *services) {
            changes.push((Change { owner: owner(people + number), from: None, to: Some(value) }, profiles));
        }
    }
    let frames = framed(&changes);
    println!("import: {:.1} bytes of log for each change", frames.len() as f64 / changes.len() as f64);
    let mut numbers = Numbers::default();
    let imported = folded("take everything in at once", &mut numbers, &frames, BEGIN);
    changes.retain(|(change, _)| matches!(&change.to, Some(Value::Person(person)) if person.standing.status != PortalStatus::Accepted));
    let count = changes.len();
    for (place, (change, _)) in changes.iter_mut().enumerate() {
        let invited = BEGIN.plus((place as u64 * u64::from(INVITING_HOURS) / count as u64) as u32);
        change.from = change.to.clone();
        if let Some(Value::Person(person)) = &mut change.to {
            person.standing = Standing {
                status: PortalStatus::Pending,
                recent_until: Some(invited.plus(25)),
                expires: Some(invited.plus(7 * 24 + 1)),
                pending_since: Some(invited),
                ..person.standing
            };
        }
    }
    let frames = framed(&changes);
    let bytes = frames.len() as f64 / count as f64;
    println!("invitations: {bytes:.1} bytes of log for each change");
    let limit = FOLD_AT.1.max(imported.main.len() / FOLD_AT.0);
    let in_log = (limit as f64 / bytes) as usize;
    println!("after the import, {in_log} invited since the base");
    report(&imported, &framed(&changes[..in_log]), BEGIN);
    let all_but = framed(&changes[..count - in_log]);
    let sending = folded("take the invitations in at once", &mut numbers, &all_but, BEGIN.plus(INVITING_HOURS));
    println!("after {INVITING_HOURS} hours of inviting");
    report(&sending, &framed(&changes[count - in_log..]), BEGIN.plus(INVITING_HOURS));
}
