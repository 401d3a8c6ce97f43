//! Addresses that were erased, as they are remembered: by a keyed hash.
//!
//! The key is a random secret of the stack. Without it nobody can tell by guessing addresses whose hash is whose. It
//! lies in the table, since every function that imports needs it: whoever may read the whole table could guess all the
//! same.

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
pub(super) struct SecretItem {
    secret: String,
}

/// What says of an address that it was erased.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErasedItem {
    /// When that began.
    pub since: Timestamp,
    /// Who is being erased, until that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasing: Option<RecipientId>,
}

/// Bytes of the secret: as many as the hash has.
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

    /// HMAC-SHA-256 of the address in its division, in hexadecimal. Neither a division's id nor an address has a line
    /// break.
    pub fn of(&self, address: &Address) -> String {
        let mut hash = self.0.clone();
        hash.update(format!("{}\n{}", address.division, address.email).as_bytes());
        hexadecimal(&hash.finalize().into_bytes())
    }
}

/// The hash of the stack, read once in a process; whoever needs it first makes its secret.
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
    // Whoever was faster has made it, or this call, whose answer was lost: the table says which it is.
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
