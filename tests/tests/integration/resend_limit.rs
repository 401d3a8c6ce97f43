//! How many e-mails the customers of a division get in a day by asking for them.

use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::self_service::SelfServiceStore;
use portal_aws::clock;
use portal_domain::DivisionId;
use tests::{Account, Contact, World};

use crate::resend::invited;

/// A world in which the customers of a division are granted so many e-mails a day.
async fn limited(people: usize, most: &str) -> World {
    let mut world = invited(people).await;
    let context = world.context_with(&[("SELF_SERVICE_DAILY_LIMIT", most)]);
    world.resend = ::resend::Resend::new(&context).unwrap();
    world
}

#[tokio::test]
async fn a_division_has_so_many_in_a_day_of_utc_and_the_answers_stay_the_same() {
    let world = limited(4, "2").await;
    world.put_division("SOUTH").await;
    let south = Contact::new("1", &world.email("south")).with("portal", "pending");
    world.import([Account::new("SOUTH", "S").contact(south)]).await;
    let before = world.ask_again("NORTH", &world.email("p0")).await;
    world.receive("RESEND_QUEUE_URL").await;
    let late: Timestamp = "2027-03-01T23:59:59Z".parse().unwrap();
    for person in ["p0", "p1", "p2", "p3"] {
        world.resend_at("NORTH", &world.email(person), late).await;
    }
    world.resend_at("SOUTH", &world.email("south"), late).await;
    world.pump().await;
    let mailed = async || ["p0", "p1", "p2", "p3", "south"].map(|person| world.passwords(&world.email(person)).len());
    assert_eq!(mailed().await, [2, 2, 1, 1, 1], "two in the north, and the south has a number of its own");
    let after = world.ask_again("NORTH", &world.email("p2")).await;
    assert_eq!((before.status, &before.text, &before.headers), (after.status, &after.text, &after.headers));
    world.receive("RESEND_QUEUE_URL").await;
    world.resend_at("NORTH", &world.email("p2"), late + SignedDuration::from_secs(1)).await;
    world.pump().await;
    assert_eq!(mailed().await, [2, 2, 2, 1, 1], "the next day, for whom nothing was written the day before");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_are_granted_no_more_than_the_limit() {
    let world = limited(12, "5").await;
    let now = clock::now();
    let asks = (0..24).map(|i| {
        let (world, email) = (&world, world.email(format!("p{}", i % 12)));
        async move { world.resend_at("NORTH", &email, now).await }
    });
    futures::future::join_all(asks).await;
    world.pump().await;
    let north = DivisionId::new("NORTH");
    assert_eq!(
        (world.mails().len(), world.store(SelfServiceStore::new).granted(&north, now).await.unwrap()),
        (12 + 5, 5)
    );
}
