//! What the local SES has received.

use std::collections::HashMap;

use serde::Deserialize;

/// The mailbox of a local cloud.
#[derive(Clone, Debug)]
pub struct Mailbox {
    url: String,
}

/// A received e-mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Mail {
    pub source: String,
    pub to: Vec<String>,
    pub subject: String,
    pub body_text: String,
    pub body_html: String,
}

impl Mail {
    /// The temporary password in the text body.
    pub fn password(&self) -> &str {
        let is_password = |word: &&str| {
            let groups: Vec<_> = word.split('-').collect();
            groups.len() >= 4
                && groups.iter().all(|group| group.len() == 5 && group.chars().all(|c| c.is_ascii_alphanumeric()))
        };
        self.body_text.split_whitespace().find(is_password).expect("the e-mail has a password")
    }
}

impl Mailbox {
    pub(crate) fn new(endpoint: &str) -> Self {
        Self { url: format!("{endpoint}/_ministack/ses/messages") }
    }

    /// Every e-mail to an address that ends so, in the order in which they were sent.
    pub async fn to(&self, ending: &str) -> Vec<Mail> {
        #[derive(Deserialize)]
        struct Messages {
            messages: HashMap<String, Vec<Mail>>,
        }
        let answer = reqwest::get(&self.url).await.unwrap().text().await.unwrap();
        let all: Messages = serde_json::from_str(&answer).unwrap();
        all.messages.into_values().flatten().filter(|mail| mail.to.iter().any(|to| to.ends_with(ending))).collect()
    }
}
