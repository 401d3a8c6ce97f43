//! `POST /v1/accounts` and `DELETE /v1/accounts/{accountId}`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{Extensions, StatusCode};
use portal_aws::audit::{Audit, Begun};
use portal_domain::account::{Contact, parse};
use portal_domain::audit::{Deed, Entry};
use portal_domain::email::Unusable;
use portal_domain::import::{Address, Change, Outcome};
use portal_domain::input::FieldError;
use portal_domain::{Account, AccountId, Division, DivisionId, EmailAddress};
use portal_http::{Caller, Permission, Problem, body};
use serde_json::{Value, json};

use crate::answer::{AccountResult, Imported};
use crate::posted::{self, BODY_BYTES, MEDIA_TYPES, Posted};
use crate::{Directory, deadline};

/// Stores accounts, each whole or not at all (guarantee 12), and returns the faults and warnings of each.
pub async fn post(
    State(directory): State<Arc<Directory>>,
    caller: Caller,
    request: Request,
) -> Result<Imported, Problem> {
    let until = deadline::until(request.extensions());
    let (media_type, bytes) = body::read(request, BODY_BYTES, &MEDIA_TYPES).await?;
    let mut posted = posted::read(media_type, &bytes)?;
    refuse_other_divisions(&mut posted, &caller);
    directory.refuse_unknown_divisions(&mut posted).await?;

    let (mut places, mut changes, mut uncleaned) = (Vec::new(), Vec::new(), Vec::new());
    let mut results = Vec::with_capacity(posted.len());
    for (index, Posted { line, account_id, parsed }) in posted.into_iter().enumerate() {
        let (errors, warnings) = match parsed {
            Ok(parsed) => {
                let other = account_id.as_deref().and_then(parse::uncleaned_id);
                uncleaned.extend(other.map(|id| (places.len(), Change::delete(id))));
                places.push(index);
                changes.push(Change::put(parsed.account));
                (Vec::new(), parsed.warnings)
            }
            Err(errors) => (errors, Vec::new()),
        };
        results.push(AccountResult { index, line, account_id, errors, warnings, retry: false });
    }

    let begun = directory.begin_import(&changes, &caller).await?;
    // After the accounts, so that nobody loses the last link in between.
    let (with_other_id, deletions): (Vec<usize>, Vec<Change>) = uncleaned.into_iter().unzip();
    changes.extend(deletions);
    let mut report = directory.store.import(&changes, caller.divisions(), until).await;
    let deleted = report.outcomes.split_off(places.len());
    for (place, deleted) in with_other_id.into_iter().zip(deleted) {
        // If the account under the uncleaned id is still stored, the result is that account's.
        if report.outcomes[place] == Outcome::Stored {
            report.outcomes[place] = deleted;
        }
    }
    // After an error, an account that is not reported as stored may be stored nevertheless, so the audit entries stay
    // open.
    if report.error.is_none() {
        end_import(begun, &changes, &report.outcomes).await;
    }
    let forbidden = report.outcomes.contains(&Outcome::Forbidden);
    let stored = report.outcomes.iter().filter(|outcome| **outcome == Outcome::Stored).count();
    tracing::info!(accounts.posted = results.len(), accounts.stored = stored, "accounts posted");
    match report.error {
        Some(error) if stored == 0 => return Err(error.into()),
        Some(error) => tracing::error!(error.cause = %error, "an import ended early"),
        // The accounts have no faults; the tables could not be reached.
        None if stored == 0 && !changes.is_empty() && places.len() == results.len() && !forbidden => {
            return Err(Problem::busy());
        }
        None => {}
    }
    for ((place, change), outcome) in places.iter().zip(&changes).zip(&report.outcomes) {
        results[*place].warnings.extend(erased_contacts(change, &report.erased));
        let moved = report.moved_from.get(&change.account_id).filter(|_| *outcome == Outcome::Stored);
        results[*place].warnings.extend(moved.map(moved_from));
    }
    for (place, outcome) in places.into_iter().zip(report.outcomes) {
        if let Some(fault) = fault_of(outcome) {
            results[place].errors.push(fault);
            results[place].retry = outcome != Outcome::Forbidden;
        }
    }
    Ok(Imported::new(results))
}

/// Deletes an account and unlinks its recipients: 204, also when there is no such account. An earlier release may have
/// stored it under the uncleaned id.
pub async fn delete(
    State(directory): State<Arc<Directory>>,
    caller: Caller,
    Path(id): Path<String>,
    extensions: Extensions,
) -> Result<StatusCode, Problem> {
    let cleaned = parse::account_id(&id).map_err(|_| Problem::not_found("No account can have this id."))?;
    for account_id in parse::uncleaned_id(&id).into_iter().chain([cleaned]) {
        directory.delete(account_id, &caller, &extensions).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An account as the audit keeps it: of its people only their number.
fn summary(account: &Account) -> Value {
    let Account { account_class, bill_group, account_source, sites, contacts, .. } = account;
    json!({"accountClass": account_class, "billGroup": bill_group, "accountSource": account_source, "sites": sites.len(),
        "contacts": contacts.len()})
}

/// The changes of an import in each division, by their place in it.
fn by_division(changes: &[Change]) -> BTreeMap<&DivisionId, Vec<usize>> {
    let mut divisions: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        if let Some(account) = &change.account {
            divisions.entry(&account.division).or_default().push(place);
        }
    }
    divisions
}

/// Completes the entries that [`Directory::begin_import`] wrote.
async fn end_import(begun: Vec<Begun<'_>>, changes: &[Change], outcomes: &[Outcome]) {
    for (begun, places) in begun.into_iter().zip(by_division(changes).into_values()) {
        let ids = |stored: bool| -> Vec<_> {
            let places = places.iter().filter(|&&place| (outcomes[place] == Outcome::Stored) == stored);
            places.map(|&place| &changes[place].account_id).collect()
        };
        begun.done(None, Some(json!({"stored": ids(true), "failed": ids(false)}))).await;
    }
}

impl Directory {
    async fn delete(&self, account_id: AccountId, caller: &Caller, extensions: &Extensions) -> Result<(), Problem> {
        let forbidden = || Problem::forbidden_for(&[Permission::Directory], "the account's division");
        let permitted = caller.divisions();
        let Some(account) = self.store.account(&account_id).await? else { return Ok(()) };
        if !permitted.includes(&account.division) {
            return Err(forbidden());
        }
        tracing::info!(account.id = %account_id, "account is deleted");
        let entry = Audit::entry(caller.actor(), Deed::AccountDeleted);
        let (division, subject) = (Some(account.division.clone()), Some(account_id.to_string()));
        let begun = self.audit.begin(Entry { division, subject, ..entry }).await?;
        let report = self.store.import(&[Change::delete(account_id)], permitted, deadline::until(extensions)).await;
        match report.error {
            Some(error) => Err(error.into()),
            None if report.outcomes == [Outcome::Stored] => {
                begun.done(Some(summary(&account)), None).await;
                Ok(())
            }
            // The account was moved to another division meanwhile.
            None if report.outcomes == [Outcome::Forbidden] => {
                begun.refused().await;
                Err(forbidden())
            }
            None => Err(Problem::busy()),
        }
    }

    /// Writes an entry of the audit for each division of an import.
    async fn begin_import(&self, changes: &[Change], caller: &Caller) -> Result<Vec<Begun<'_>>, Problem> {
        let mut begun = Vec::new();
        for (division, places) in by_division(changes) {
            let entry = Audit::entry(caller.actor(), Deed::AccountsImported);
            let (division, rows) = (Some(division.clone()), Some(places.len()));
            begun.push(self.audit.begin(Entry { division, rows, ..entry }).await?);
        }
        Ok(begun)
    }

    /// Adds a fault to every account of a division that doesn't exist.
    async fn refuse_unknown_divisions(&self, posted: &mut [Posted]) -> Result<(), Problem> {
        let accounts = posted.iter().filter_map(|posted| posted.parsed.as_ref().ok());
        let named: BTreeSet<_> = accounts.map(|parsed| &parsed.account.division).collect();
        let existing = self.store.existing_divisions(&named).await?;
        for posted in posted {
            if posted.parsed.as_ref().is_ok_and(|parsed| !existing.contains(&parsed.account.division)) {
                posted.parsed = Err(vec![Division::unknown("division")]);
            }
        }
        Ok(())
    }
}

/// Adds a fault to every account of a division that the caller may not change.
fn refuse_other_divisions(posted: &mut [Posted], caller: &Caller) {
    for posted in posted {
        if posted.parsed.as_ref().is_ok_and(|parsed| !caller.may(&parsed.account.division)) {
            let message = format!("is one for which you need the permission {}", Permission::Directory.title());
            posted.parsed = Err(vec![FieldError::new("division", message)]);
        }
    }
}

/// Warnings for contacts whose address was erased: they are stored without it.
fn erased_contacts<'a>(change: &'a Change, erased: &'a HashSet<Address>) -> impl Iterator<Item = FieldError> + 'a {
    let contacts =
        change.account.iter().flat_map(|account| account.contacts.iter().map(move |contact| (account, contact)));
    let is_erased = |(account, contact): &(&Account, &Contact)| {
        let address = |email: &EmailAddress| Address { division: account.division.clone(), email: email.clone() };
        contact.address.usable().is_some_and(|email| erased.contains(&address(email)))
    };
    let contacts = contacts.filter(move |contact| !erased.is_empty() && is_erased(contact));
    contacts.map(|(_, contact)| {
        let message =
            format!("contact {}: {}; it is stored without address and name", contact.contact_id, Unusable::Erased);
        FieldError::new("contacts", message)
    })
}

/// What is to be said of an account that was in this division before.
fn moved_from(division: &DivisionId) -> FieldError {
    FieldError::new("division", format!("was {division} before; the account and its people moved"))
}

/// Why a valid account was not stored, if it was not.
fn fault_of(outcome: Outcome) -> Option<FieldError> {
    let message = match outcome {
        Outcome::Stored => return None,
        Outcome::Forbidden => "is stored in a division for which you lack the permission",
        Outcome::Contended => "others kept changing the same recipients; post it again",
        Outcome::NotReached => "was not reached in time; post it again",
    };
    Some(FieldError::new("accountId", message))
}
