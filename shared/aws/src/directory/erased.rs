//! Addresses that were erased, as they are remembered: by a keyed hash.
//!
//! The key is a random secret of the stack. Without it nobody can tell by guessing addresses whose hash is whose. It lies in the table, since
//! every function that imports needs it: whoever may read the whole table could guess all the same.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use hmac::{Hmac, KeyInit, Mac};
use portal_domain::import::Address;
use sha2::Sha256;
use tokio::sync::OnceCell;

use super::keys;
use crate::clock;
use crate::dynamo::{StoreError, batch_get, key, s};

/// Attribute of the secret, in hexadecimal.
const SECRET: &str = "secret";

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

    /// HMAC-SHA-256 of the address in its division, in hexadecimal. Neither a division's id nor an address has a line break.
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
    pub(super) async fn get(&self, client: &Client, table: &str) -> Result<&AddressHash, StoreError> {
        self.0.get_or_try_init(|| read_or_make(client, table)).await
    }
}

async fn read_or_make(client: &Client, table: &str) -> Result<AddressHash, StoreError> {
    if let Some(hash) = read(client, table).await? {
        return Ok(hash);
    }
    let secret: [u8; SECRET_BYTES] = clock::random();
    let mut item = key(keys::SECRETS, keys::ERASED);
    item.insert(SECRET.to_owned(), s(hexadecimal(&secret)));
    let put = client.put_item().table_name(table).set_item(Some(item)).condition_expression("attribute_not_exists(pk)");
    let made = put.send().await;
    // Whoever was faster has made it, or this call, whose answer was lost: the table says which it is.
    match (read(client, table).await?, made) {
        (Some(hash), _) => Ok(hash),
        (None, Err(error)) => Err(StoreError::of("make the secret of erased addresses", error)),
        (None, Ok(_)) => Err(StoreError::Busy("make the secret of erased addresses")),
    }
}

async fn read(client: &Client, table: &str) -> Result<Option<AddressHash>, StoreError> {
    let wanted = vec![(table.to_owned(), key(keys::SECRETS, keys::ERASED))];
    let found = batch_get(client, wanted).await?.pop();
    Ok(found.and_then(|(_, item)| Some(AddressHash::new(item.get(SECRET)?.as_s().ok()?.as_bytes()))))
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
