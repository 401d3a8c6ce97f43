//! The addresses of erased people, kept as keyed hashes.
//!
//! The key is a random secret of the stack. Without it nobody can find out by guessing addresses which hash belongs to
//! which. The secret lies in the table, since every function that imports needs it; a reader of the whole table could
//! guess addresses anyway.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use portal_domain::RecipientId;
use portal_domain::import::Address;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::OnceCell;

use super::keys;
use crate::clock;
use crate::table::{StoreError, Table};

/// The secret, in hexadecimal.
#[derive(Serialize, Deserialize)]
pub(crate) struct SecretItem {
    secret: String,
}

/// Marks an address as erased.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErasedItem {
    /// When the erasure began.
    pub since: Timestamp,
    /// The recipient, until the erasure is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasing: Option<RecipientId>,
}

/// Length of the secret in bytes: that of the hash.
const SECRET_BYTES: usize = 32;

/// Hashes addresses with the secret of the stack.
#[derive(Clone)]
pub struct AddressHash(Hmac<Sha256>);

impl fmt::Debug for AddressHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressHash")
    }
}

impl AddressHash {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"))
    }

    /// HMAC-SHA-256 of division and address, in hexadecimal. A line break separates them, since neither can contain
    /// one.
    pub fn of(&self, address: &Address) -> String {
        let mut hash = self.0.clone();
        hash.update(format!("{}\n{}", address.division, address.email).as_bytes());
        hexadecimal(&hash.finalize().into_bytes())
    }
}

/// The hash of the stack, read once per process. The first use creates the secret.
#[derive(Clone, Debug, Default)]
pub(super) struct StackHash(Arc<OnceCell<AddressHash>>);

impl StackHash {
    pub(super) async fn get(&self, table: &Table) -> Result<&AddressHash, StoreError> {
        self.0.get_or_try_init(|| read_or_make(table)).await
    }
}

async fn read_or_make(table: &Table) -> Result<AddressHash, StoreError> {
    if let Some(hash) = read(table).await? {
        return Ok(hash);
    }
    let secret: [u8; SECRET_BYTES] = clock::random();
    let secret = SecretItem { secret: hexadecimal(&secret) };
    let what = "make the secret of erased addresses";
    let made = table.run(what, table.put_new(keys::secret(), &secret)).await;
    // The secret may be another caller's, or this call's, if only its answer was lost: the table tells.
    match (read(table).await?, made) {
        (Some(hash), _) => Ok(hash),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(StoreError::Busy(what)),
    }
}

async fn read(table: &Table) -> Result<Option<AddressHash>, StoreError> {
    let found = table.get_each("read the secret of erased addresses", [keys::secret()]).await?.pop();
    Ok(found.map(|item| AddressHash::new(item.secret.as_bytes())))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use portal_domain::{DivisionId, EmailAddress};

    use super::*;

    #[test]
    fn a_hash_tells_addresses_divisions_and_secrets_apart_and_not_spellings() {
        let address = |division: &str, email: &str| Address {
            division: DivisionId::new(division),
            email: EmailAddress::normalise(email).expect("it is an address"),
        };
        let hash = AddressHash::new(&[1; SECRET_BYTES]);
        let ann = hash.of(&address("D", "ann@b\u{fc}cher.example"));
        assert_eq!(ann.len(), 64);
        assert_eq!(ann, hash.of(&address("D", " Ann@xn--bcher-kva.EXAMPLE ")));
        for other in [
            hash.of(&address("E", "ann@b\u{fc}cher.example")),
            hash.of(&address("D", "anne@b\u{fc}cher.example")),
            AddressHash::new(&[2; SECRET_BYTES]).of(&address("D", "ann@b\u{fc}cher.example")),
        ] {
            assert_ne!(ann, other);
        }
    }
}
