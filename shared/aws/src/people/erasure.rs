//! Erases a person, from the request to the last look, across both tables.
//!
//! Each step leaves the starting point of the next, so that after a crash the same call or the sweep can continue:
//!
//! 1. *Begin*, one transaction: a hash of the address keeps imports from linking it, the recipient is not mailed any
//!    more and loses its passwords, and a note tells the sweep.
//! 2. *Forget*: the import's planner takes address and name off every account, as if it had been posted without them.
//! 3. *Remove*, one transaction: recipient and address row go, and the company's portal is told.
//! 4. *Make anonymous*: ledger rows stay, but do not tell whose they are; the audit trail is deleted.
//! 5. *Finish*. The note stays for a while. Then the sweep looks at the ledger once more, since an index may have
//!    lagged, and an e-mail claimed before may have been recorded since.

use jiff::{SignedDuration, Timestamp};
use portal_domain::import::Outcome;
use portal_domain::{DivisionId, Recipient, RecipientId};

use crate::audit::trail::Trails;
use crate::campaigns::ledger::Ledger;
use crate::clock;
use crate::context::Context;
use crate::directory::item::RecipientItem;
use crate::directory::read::DirectoryReader;
use crate::directory::write::DirectoryStore;
use crate::directory::write::erase::{Erasure, Readmitted};
use crate::settings::InvalidSetting;
use crate::table::{Attempts, StoreError};

/// Accounts that are read at once: about as many as one transaction holds.
const ACCOUNTS_AT_ONCE: usize = 40;

/// The sweep continues an erasure that began this long ago.
const ABANDONED: SignedDuration = SignedDuration::from_mins(2);

/// When the sweep looks at the ledger once more: longer than an index lags, and than a claim can stay open and be
/// recorded.
const LAST_LOOK: SignedDuration = SignedDuration::from_mins(15);

/// Erases people.
#[derive(Clone, Debug)]
pub struct Eraser {
    directory: DirectoryStore,
    reader: DirectoryReader,
    ledger: Ledger,
    trails: Trails,
}

/// A person who may be erased, or was.
#[derive(Debug)]
pub enum Found {
    /// A recipient.
    Person(Box<RecipientItem>),
    /// An erasure, under way or finished.
    Erasure(Erasure),
}

impl Found {
    /// The recipient's id.
    pub fn id(&self) -> RecipientId {
        match self {
            Self::Person(person) => person.recipient_id,
            Self::Erasure(erasure) => erasure.recipient_id,
        }
    }

    /// The division of the recipient.
    pub fn division(&self) -> &DivisionId {
        match self {
            Self::Person(person) => &person.division,
            Self::Erasure(erasure) => &erasure.division,
        }
    }
}

impl Eraser {
    /// An eraser on the tables that the settings name.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            directory: DirectoryStore::new(context)?,
            reader: DirectoryReader::new(context)?,
            ledger: Ledger::new(context)?,
            trails: Trails::new(context)?,
        })
    }

    /// The person with this id, or what is kept of their erasure.
    pub async fn find(&self, id: RecipientId) -> Result<Option<Found>, StoreError> {
        if let Some(erasure) = self.directory.erasure(id).await? {
            return Ok(Some(Found::Erasure(erasure)));
        }
        Ok(self.reader.recipient(id).await?.map(|person| Found::Person(Box::new(person))))
    }

    /// Begins to erase a person, and continues as [`Eraser::go_on`].
    pub async fn erase(&self, found: Found, until: Option<Timestamp>) -> Result<Erasure, StoreError> {
        let id = found.id();
        let mut found = Some(found);
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            if !attempts.is_first() {
                found = self.find(id).await?;
            }
            let person = match found.take() {
                Some(Found::Erasure(erasure)) => return self.go_on(erasure, until).await,
                Some(Found::Person(person)) => person,
                None => break,
            };
            if let Some(erasure) = self.directory.begin_erasure(&person, clock::now()).await? {
                fail::fail_point!("erasure.begun");
                return self.go_on(erasure, until).await;
            }
        }
        Err(StoreError::Busy("begin to erase a recipient"))
    }

    /// Continues an erasure until it is finished, or until there is no time for another transaction before `until`. A
    /// finished one stays as it is.
    pub async fn go_on(&self, erasure: Erasure, until: Option<Timestamp>) -> Result<Erasure, StoreError> {
        let id = erasure.recipient_id;
        if erasure.finished_at.is_some() || !self.take_off_accounts(id, until).await? {
            return Ok(erasure);
        }
        fail::fail_point!("erasure.removed");
        let Some((ledger_rows, trail_entries)) = self.make_anonymous(id, until).await? else { return Ok(erasure) };
        let finished = Erasure { finished_at: Some(clock::now()), ledger_rows, trail_entries, ..erasure };
        self.directory.finish_erasure(&finished).await?;
        Ok(finished)
    }

    /// Makes a person's ledger rows anonymous, and deletes their audit trail. Returns the numbers of rows and entries,
    /// or
    /// `None` if this is not finished.
    async fn make_anonymous(
        &self,
        id: RecipientId,
        until: Option<Timestamp>,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let Some(rows) = self.ledger.make_anonymous(id, until).await? else { return Ok(None) };
        Ok(self.trails.delete(id, until).await?.map(|entries| (rows, entries)))
    }

    /// Takes a person off all accounts, and then removes them; `false` if this is not finished.
    async fn take_off_accounts(&self, id: RecipientId, until: Option<Timestamp>) -> Result<bool, StoreError> {
        let (mut attempts, mut went_on) = (Attempts::default(), false);
        while until.is_none_or(|until| clock::now() < until) && (went_on || attempts.begin().await) {
            let Some(person) = self.reader.recipient(id).await? else { return Ok(true) };
            let recipient = Recipient::from(person.clone());
            let (accounts, _) = self.reader.accounts_of(&recipient, None, ACCOUNTS_AT_ONCE).await?;
            went_on = match accounts.is_empty() {
                true => self.directory.remove(&person, clock::now()).await?,
                false => self.directory.forget_on(&person, &accounts, until).await? == Outcome::Stored,
            };
        }
        Ok(false)
    }

    /// Continues abandoned erasures, and looks once more at finished ones. Starts nothing after `until`. Answers how
    /// many it ended. A failure does not stop the others; the first error is answered.
    pub async fn sweep(&self, now: Timestamp, until: Timestamp) -> Result<usize, StoreError> {
        let (mut ended, mut failed) = (0, None);
        for note in self.directory.erasing().await? {
            if note.since > now - ABANDONED || clock::now() >= until {
                continue;
            }
            match self.look_after(note.recipient_id, now, until).await {
                Ok(over) => ended += usize::from(over),
                Err(error) => {
                    tracing::error!(recipient.id = %note.recipient_id, error = %error, "an erasure does not go on");
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    async fn look_after(&self, id: RecipientId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let Some(erasure) = self.directory.erasure(id).await? else { return Ok(false) };
        match erasure.finished_at {
            None => drop(self.go_on(erasure, Some(until)).await?),
            Some(at) if at > now - LAST_LOOK => {}
            Some(_) if self.make_anonymous(id, Some(until)).await?.is_some() => {
                self.directory.end_erasure(id).await?;
                return Ok(true);
            }
            Some(_) => {}
        }
        Ok(false)
    }

    /// Lets imports link an address again; see [`DirectoryStore::readmit`].
    pub async fn readmit(&self, address: &portal_domain::import::Address) -> Result<Readmitted, StoreError> {
        self.directory.readmit(address).await
    }
}
