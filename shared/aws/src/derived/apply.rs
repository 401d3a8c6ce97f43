//! Counting changes.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use portal_domain::DivisionId;
use portal_domain::numbers::{Change, LargeSet, Log, Profile, ProfileKey, SetName, Value};

use super::item::{BelievedItem, Bytes, Chunk, Head, LogItem, ttl};
use super::{Derived, keys};
use crate::directory::read::{Owner, Valued};
use crate::table::condition::{absent, is};
use crate::table::{Action, Attempts, Batch, Condition, StoreError, Tx};

/// Owners in one transaction, which holds 100 actions: each owner may change two divisions, with a head and a log each.
const TOGETHER: usize = 20;
/// Bytes of frames in a head: every transaction writes it, at a unit for each KB.
const TAIL: usize = 700;
/// Bytes of frames in one transaction. One owner may have more.
const FRAMES: usize = 100 * 1024;
/// A fold that can't wait for the next tick: the logs are this many times longer than what is worth one.
const OVERLONG: u64 = 4;

/// The change of one owner.
struct Counted {
    owner: Owner,
    believed: BelievedItem,
    before: Option<(DivisionId, Value)>,
    after: Option<Valued>,
}

/// The changes of one division.
#[derive(Default)]
struct Changes {
    changes: Vec<Change>,
    profiles: BTreeMap<ProfileKey, Profile>,
}

impl Derived {
    /// Counts these owners as they are now, with everything that was written to them before the call. A call that fails
    /// may have counted some of them, and can be repeated. Answers the divisions that need a fold at once.
    pub async fn apply(&self, epoch: &str, owners: BTreeSet<Owner>) -> Result<BTreeSet<DivisionId>, StoreError> {
        let (mut waiting, mut seen) = (owners.clone(), owners);
        let mut overlong = BTreeSet::new();
        let mut attempts = Attempts::default();
        while !waiting.is_empty() {
            if !attempts.begin().await {
                return Err(StoreError::Busy("count changes"));
            }
            let batch: BTreeSet<Owner> = waiting.iter().take(TOGETHER).cloned().collect();
            let (done, follow) = self.count(epoch, &batch, &mut overlong).await?;
            done.iter().for_each(|owner| _ = waiting.remove(owner));
            waiting.extend(follow.into_iter().filter(|owner| seen.insert(owner.clone())));
            if !done.is_empty() {
                attempts = Attempts::default();
            }
        }
        Ok(overlong)
    }

    /// Counts some owners in one transaction. Answers who was counted, nobody if another invocation was faster, and who
    /// has to be counted as well.
    async fn count(
        &self,
        epoch: &str,
        owners: &BTreeSet<Owner>,
        overlong: &mut BTreeSet<DivisionId>,
    ) -> Result<(Vec<Owner>, Vec<Owner>), StoreError> {
        // What was counted is read first: see the module's description.
        let mut believed = self.believed(epoch, owners).await?;
        let mut values = self.directory.values(owners).await?;
        let mut counted = Vec::new();
        let mut size = 0;
        for owner in owners {
            let believed = believed.remove(owner).unwrap_or_default();
            let (before, after) = (believed.counted()?, values.values.remove(owner));
            let one = Counted { owner: owner.clone(), believed, before, after };
            size += one.bytes();
            if size > FRAMES && !counted.is_empty() {
                break;
            }
            counted.push(one);
        }
        self.define_large_sets(epoch, &counted).await?;
        let changes = changes(&counted);
        let heads = try_join_all(changes.keys().map(|division| self.head(epoch, division))).await?;
        let mut tx = self.table.tx("count changes");
        tx.extend(counted.iter().map(|one| self.put_believed(epoch, one)));
        for ((division, changes), head) in changes.iter().zip(heads) {
            overlong.extend(head.is_long(OVERLONG).then(|| division.clone()));
            self.log(&mut tx, epoch, division, head, changes);
        }
        let is_done = tx.write().await?.is_done();
        let done = counted.into_iter().filter(|_| is_done).map(|one| one.owner).collect();
        Ok((done, values.follow.into_iter().map(Owner::Recipient).collect()))
    }

    async fn believed(
        &self,
        epoch: &str,
        owners: &BTreeSet<Owner>,
    ) -> Result<BTreeMap<Owner, BelievedItem>, StoreError> {
        let mut batch = Batch::new("read what was counted");
        owners.iter().for_each(|owner| batch.want(&self.table, &keys::believed(epoch, owner)));
        let mut found = batch.read(&self.table).await?;
        let mut item = |owner: &Owner| found.take(&self.table, &keys::believed(epoch, owner));
        owners.iter().filter_map(|owner| Some(item(owner).transpose()?.map(|item| (owner.clone(), item)))).collect()
    }

    /// Writes the definitions of large sets, before anything names them.
    async fn define_large_sets(&self, epoch: &str, counted: &[Counted]) -> Result<(), StoreError> {
        for set in counted.iter().filter_map(|one| one.after.as_ref()).map(|after| &after.set) {
            let SetName::Large(name) = SetName::of(set) else { continue };
            for (number, chunk) in (0..).zip(Chunk::of(&LargeSet::of(set).to_bytes())) {
                let put = self.table.put(keys::set_chunk(epoch, &name, number), &chunk);
                self.table.run("define a set", put).await?;
            }
        }
        Ok(())
    }

    fn put_believed(&self, epoch: &str, one: &Counted) -> Action {
        let item = one.believed.next(one.after.as_ref().map(|after| (&after.division, &after.value)));
        let put = self.table.put(keys::believed(epoch, &one.owner), &item);
        put.when(if_rev(one.believed.rev))
    }

    /// Adds frames to a division's tail, which becomes a log when it is full.
    fn log(&self, tx: &mut Tx, epoch: &str, division: &DivisionId, head: Head, changes: &Changes) {
        let Head { rev, mut next, tail: Bytes(mut frames), .. } = head;
        frames.extend(Log::frame(&changes.changes, &changes.profiles));
        let mut logged = 0;
        if frames.len() > TAIL {
            logged = frames.len();
            let item = LogItem { frames: Bytes(std::mem::take(&mut frames)), ttl: ttl() };
            tx.add(self.table.put(keys::log(epoch, division, next), &item));
            next += 1;
        }
        let update = self.table.update(keys::head(epoch, division));
        // A fold changes the base, but not this revision.
        let update = update.set("rev", rev + 1).set("next", next).set("tail", Bytes(frames)).add("logBytes", logged);
        tx.add(update.when(if_rev(rev)));
    }
}

/// Nobody has written an item since it was read with this revision.
pub(super) fn if_rev(rev: u64) -> Condition {
    if rev == 0 { absent() } else { is("rev", rev) }
}

impl Counted {
    fn bytes(&self) -> usize {
        let value = self.after.as_ref().map_or(0, |after| after.value.to_bytes().len());
        let profiles = self.after.iter().flat_map(|after| after.profiles.values());
        let profiles = profiles.map(|profile| profile.as_link()).map(|link| {
            let texts = [&link.account_class, &link.bill_group, &link.account_source];
            texts.into_iter().chain(&link.site_sources).map(|text| text.len() + 2).sum::<usize>() + 2
        });
        value + profiles.sum::<usize>()
    }
}

/// The changes of each division. An owner whose value is the same changes nothing.
fn changes(counted: &[Counted]) -> BTreeMap<DivisionId, Changes> {
    let mut all: BTreeMap<DivisionId, Changes> = BTreeMap::new();
    for Counted { owner, before, after, .. } in counted {
        let mut add = |division: &DivisionId, from: Option<&Value>, to: Option<&Valued>| {
            if from == to.map(|to| &to.value) {
                return;
            }
            let changes = all.entry(division.clone()).or_default();
            let to_value = to.map(|to| to.value.clone());
            changes.changes.push(Change { owner: owner.id(), from: from.cloned(), to: to_value });
            changes.profiles.extend(to.into_iter().flat_map(|to| to.profiles.clone()));
        };
        let division_after = after.as_ref().map(|after| &after.division);
        match before {
            Some((division, from)) if division_after == Some(division) => add(division, Some(from), after.as_ref()),
            _ => {
                before.iter().for_each(|(division, from)| add(division, Some(from), None));
                after.iter().for_each(|after| add(&after.division, None, Some(after)));
            }
        }
    }
    all
}
