//! Accounts and contacts to import.

use serde_json::{Value, json};

use crate::World;

/// An account in the import format; every field may be changed before it is posted.
#[derive(Clone, Debug)]
pub struct Account(pub Value);

/// A contact in the import format.
#[derive(Clone, Debug)]
pub struct Contact(pub Value);

impl Account {
    /// An account with one site that has one active service, and with a balance due.
    pub fn new(division: &str, id: &str) -> Self {
        Self(json!({
            "accountId": id, "name": format!("Account {id}"), "division": division,
            "accountClass": "HOME", "billGroup": "MONTHLY", "accountSource": "WEB",
            "automaticPayment": false, "balanceDue": "10.00",
            "sites": [{"siteId": "S1", "siteSource": "CITY", "activeServices": 1}],
            "contacts": [],
        }))
    }

    /// With one more contact.
    pub fn contact(mut self, contact: Contact) -> Self {
        self.0["contacts"].as_array_mut().unwrap().push(contact.0);
        self
    }

    /// With this field set.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }
}

impl Contact {
    /// A billing contact at account level who was never invited.
    pub fn new(id: &str, email: &str) -> Self {
        Self(json!({"contactId": id, "name": format!("Contact {id}"), "email": email, "billing": true}))
    }

    /// With this field set.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }
}

impl World {
    /// A world in which `p0`, `p1`, … have one account each, in NORTH.
    pub async fn with_people(people: usize) -> Self {
        let world = Self::new().await;
        world.import((0..people).map(|person| world.account_of(person))).await;
        world
    }

    /// The account of `p0`, `p1`, …
    pub fn account_of(&self, person: usize) -> Account {
        let contact = Contact::new("1", &self.email(format!("p{person}")));
        Account::new("NORTH", &format!("A{person}")).contact(contact)
    }
}
