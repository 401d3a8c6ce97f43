//! Calls of customers: accepting invitations and asking for new e-mails.

use jiff::Timestamp;
use portal_aws::directory::keys;
use portal_aws::table::key;
use serde_json::{Value, json};

use crate::World;
use crate::http::{Answer, Call};

/// A new password. No log may contain it.
pub const CHOSEN: &str = "never-log-me seven green kettles";

/// The body of a request to accept.
pub fn activation(email: &str, temporary_password: &str) -> Value {
    json!({"email": email, "division": "NORTH", "temporaryPassword": temporary_password, "newPassword": CHOSEN})
}

impl World {
    /// Asks to accept the invitation of an address in `NORTH`.
    pub async fn activate(&self, email: &str, temporary_password: &str) -> Answer {
        self.post_activation(&activation(email, temporary_password)).await
    }

    /// The same with any body.
    pub async fn post_activation(&self, body: &Value) -> Answer {
        self.call(Call::new("POST", "/v1/activations").public().json(body)).await
    }

    /// Asks for a new e-mail.
    pub async fn ask_again(&self, division: &str, email: &str) -> Answer {
        let body = json!({"division": division, "email": email});
        self.call(Call::new("POST", "/v1/activations/resend").public().json(&body)).await
    }

    /// Hands a request for a new e-mail to its function as of a time; the e-mail waits in the queues.
    pub async fn resend_at(&self, division: &str, email: &str, now: Timestamp) {
        let request = json!({"division": division, "email": email}).to_string();
        self.resend.request(&request, now).await.unwrap();
    }

    /// The passwords that were mailed to an address, the oldest first.
    pub fn passwords(&self, email: &str) -> Vec<String> {
        let mails = self.mails().into_iter().filter(|mail| mail.to[0] == email);
        mails.map(|mail| mail.password().to_owned()).collect()
    }

    /// The hash of the password that somebody in `NORTH` chose.
    pub async fn chosen_hash(&self, email: &str) -> Option<String> {
        let id = self.recipient("NORTH", email).await.unwrap().recipient_id;
        let item = self.get(key(keys::credential_pk(id), keys::CREDENTIAL)).await?;
        Some(item["passwordHash"].as_s().unwrap().clone())
    }

    /// Somebody in `NORTH` as the operator sees them.
    pub async fn person(&self, email: &str) -> Value {
        let id = self.recipient("NORTH", email).await.unwrap().recipient_id;
        self.call(Call::new("GET", &format!("/v1/recipients/{id}?division=NORTH"))).await.json()
    }
}
