//! The customers of a run, their accounts, and how imports change them.

use jiff::SignedDuration;
use portal_aws::directory::keys;
use portal_domain::{DivisionId, RecipientId};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use serde_json::{Value, json};

use super::system::State;
use crate::cloud::DIRECTORY;
use crate::cloud::tables::Name;
use crate::people::{Account, Contact};

/// The divisions of a run.
pub const DIVISIONS: [&str; 2] = ["NORTH", "SOUTH"];

/// The server that the templates of operators link to, where a division lists it.
pub const LINKED: &str = "help.example.net";

/// An account with more people than this is a large one.
const MANY: usize = 30;

/// Who sends.
pub const SENDERS: [&str; 2] = ["invites@north.example", "invites@south.example"];

/// The sender of a division.
pub fn sender(division: &str) -> &'static str {
    if division == DIVISIONS[0] { SENDERS[0] } else { SENDERS[1] }
}

/// An account, as the billing system has it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Customer {
    pub account: String,
    pub division: &'static str,
    /// Numbers of the people on it.
    pub people: Vec<u32>,
    pub automatic_payment: bool,
    pub balance_due: bool,
    pub billing: bool,
    /// Nobody is on it now: it was deleted.
    pub gone: bool,
}

/// All customers.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Town {
    pub customers: Vec<Customer>,
    pub people: u32,
}

impl Town {
    /// Some hundreds of people, most of whom have an account of their own.
    pub fn draw(random: &mut StdRng) -> Self {
        let mut town = Self::default();
        // Few people have more collisions; many have more pages and batches.
        let people = match random.random_range(0..10) {
            0..3 => random.random_range(5..40),
            3..9 => random.random_range(40..300),
            _ => random.random_range(300..1_500),
        };
        town.grow(people, random);
        town
    }

    /// This many people, each with an account of their own in the first division.
    pub fn of(people: u32) -> Self {
        let customers = (0..people).map(|person| Customer {
            account: format!("A{person}"),
            division: DIVISIONS[0],
            people: vec![person],
            automatic_payment: false,
            balance_due: true,
            billing: true,
            gone: false,
        });
        Self { customers: customers.collect(), people }
    }

    /// More customers; answers which accounts they are.
    pub fn grow(&mut self, people: u32, random: &mut StdRng) -> Vec<usize> {
        let first = self.customers.len();
        for _ in 0..people {
            let person = self.people;
            self.people += 1;
            let mut on_it = vec![person];
            if person > 0 && random.random_bool(0.15) {
                on_it.push(random.random_range(0..person));
            }
            self.customers.push(Customer {
                account: format!("A{}", self.customers.len()),
                division: if random.random_bool(0.7) { DIVISIONS[0] } else { DIVISIONS[1] },
                people: on_it,
                automatic_payment: random.random_bool(0.3),
                balance_due: random.random_bool(0.5),
                billing: random.random_bool(0.7),
                gone: false,
            });
        }
        if random.random_bool(0.5) {
            let association = self.association(random);
            self.customers.push(association);
        }
        (first..self.customers.len()).collect()
    }

    /// An account with more people than one transaction can link, most of whom have an account of their own.
    fn association(&mut self, random: &mut StdRng) -> Customer {
        let known = 0..random.random_range(1..60);
        let mut people: Vec<_> = known.map(|_| random.random_range(0..self.people)).collect();
        let new = self.people..self.people + random.random_range(35..60);
        self.people = new.end;
        people.extend(new);
        Customer {
            account: format!("A{}", self.customers.len()),
            division: DIVISIONS[0],
            people,
            automatic_payment: false,
            balance_due: true,
            billing: true,
            gone: false,
        }
    }

    /// Anybody's address.
    pub fn somebody(&self, random: &mut StdRng) -> (String, &'static str) {
        let customer = self.customers.choose(random).expect("there are customers");
        let person = customer.people.choose(random).expect("somebody is on it");
        (email(*person), customer.division)
    }

    /// Changes an account as a billing system may; answers which.
    pub fn change(&mut self, random: &mut StdRng) -> usize {
        let mut index = random.random_range(0..self.customers.len());
        let large = (0..self.customers.len()).filter(|index| self.customers[*index].people.len() > MANY);
        if random.random_bool(0.3) {
            index = large.choose(random).unwrap_or(index);
        }
        let anybody = random.random_range(0..self.people);
        let customer = &mut self.customers[index];
        match random.random_range(0..10) {
            0..2 => customer.gone = !customer.gone,
            2 => customer.division = if customer.division == DIVISIONS[0] { DIVISIONS[1] } else { DIVISIONS[0] },
            3..5 => customer.balance_due = !customer.balance_due,
            5 => customer.automatic_payment = !customer.automatic_payment,
            6 => customer.billing = !customer.billing,
            7 if customer.people.len() < 4 => customer.people.push(anybody),
            8 if customer.people.len() > 1 => customer.people.truncate(customer.people.len().div_ceil(2)),
            _ => customer.people[0] = anybody,
        }
        index
    }
}

impl Customer {
    /// The account in the import's format. An import may say that somebody has accepted or was invited elsewhere.
    pub fn imported(&self, random: &mut StdRng, known: bool) -> Value {
        let mut account = Account::new(self.division, &self.account)
            .with("automaticPayment", self.automatic_payment)
            .with("balanceDue", if self.balance_due { "10.00" } else { "0.00" });
        for (index, person) in self.people.iter().enumerate() {
            let mut contact = Contact::new(&index.to_string(), &email(*person)).with("billing", self.billing);
            contact = contact.with("name", format!("Person {person}"));
            if known && random.random_bool(0.05) {
                let status = if random.random_bool(0.5) { "accepted" } else { "pending" };
                contact = contact.with("portal", status);
            }
            account = account.contact(contact);
        }
        account.0
    }
}

/// The address of a person.
pub fn email(person: u32) -> String {
    format!("p{person}@town.example")
}

/// A division as it is stored.
pub fn division(name: &str, time_zone: &str, is_linked: bool) -> Value {
    json!({
        "name": format!("{name} Hauling"), "email": sender(name), "timeZone": time_zone,
        "portalUrl": "https://portal.example.com", "logoUrl": "", "linkHosts": if is_linked { vec![LINKED] } else { vec![] },
    })
}

impl State {
    /// The recipient of an address in a division.
    pub fn recipient_at(&self, division: &str, email: &str) -> Option<RecipientId> {
        let pk = keys::address_pk(&DivisionId::new(division), email);
        let name = Name { table: DIRECTORY.to_owned(), pk, sk: keys::ADDRESS.to_owned() };
        self.cloud.tables.get(&name)?.text("recipientId")?.parse().ok()
    }

    /// A while, about as long as this.
    pub fn while_of(&mut self, mean: SignedDuration) -> SignedDuration {
        let chance: f64 = self.random.random_range(0.0001..1.0);
        mean.mul_f64(-chance.ln())
    }
}
