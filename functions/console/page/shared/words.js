/**
 * The words on the screen for the API's names. An unknown name is shown as it is.
 */

/**
 * The permission that this page needs: the group of the user pool for every division (`<group>:<division>` is for one),
 * and its title.
 */
export const PERMISSION = { group: '390', title: '390, Send Account Portal Invitations' };

/** The permission to change what is known of customers. */
export const DIRECTORY = { group: 'directory' };

/** The permission to see the audit. */
export const AUDIT = { group: 'audit' };

const STATUSES = { notSent: 'Not sent', pending: 'Pending', accepted: 'Accepted' };

const STATES = {
  preparing: 'Preparing', sending: 'Sending', paused: 'Paused', halted: 'Halted', cancelled: 'Cancelled', completed: 'Completed',
};

/** In the order of the bar. */
export const OUTCOMES = {
  sent: 'Sent', claimed: 'Being sent', queued: 'Waiting', skipped: 'Skipped', unconfirmed: 'Unconfirmed', failed: 'Failed',
};

const REASONS = {
  accepted: 'Has accepted an invitation before',
  noLongerSelected: 'No account meets the filter',
  recentlyInvited: 'Invited in the last 24 hours',
  undeliverable: 'Undeliverable: mail bounced, or its owner complained',
  bounced: 'Mail to this address bounced',
  complained: 'The owner of this address complained',
  empty: 'No e-mail address',
  malformed: 'Not an e-mail address',
  erased: 'Erased on request',
  nonAsciiLocalPart: 'Letters before the @ that mail can not carry',
  deadLettered: 'Failed five times on our side',
  notRenderable: 'The e-mail could not be made from its template',
  cancelled: 'The campaign was cancelled',
  neverRecorded: 'Whoever was sending it broke off',
  withdrawn: 'The invitation was withdrawn after the campaign began',
  noConnection: 'SES could not be reached',
  timeout: 'SES did not answer in time',
  connectionLost: 'The connection to SES broke before its answer',
  serverError: 'SES answered with a fault of its own',
  settled: 'Somebody decided that it was not sent',
  rejected: 'SES took the e-mail and then did not send it',
};

/** Why a campaign has stopped, short enough for a badge. An operator's pause needs no word. */
const STOPS = {
  dailyQuota: 'daily quota', sendingPaused: 'SES is paused', accountRefused: 'SES refuses', senderNotVerified: 'sender not verified', quietHours: 'quiet hours', audienceGrew: 'more people than expected', bounces: 'bounces', complaints: 'complaints',
};

/** Why a campaign has stopped, with what to do about it. */
const STOPS_IN_FULL = {
  operator: 'Nobody is e-mailed until it is resumed.',
  dailyQuota: 'The SES account has sent what it may send in 24 hours. The campaign goes on by itself as soon as there is room again: nothing needs to be done.',
  sendingPaused: 'Sending is paused for the SES account, by AWS or by whoever manages it. Have them enable it again, and then resume.',
  accountRefused: 'SES refuses the account: it is suspended, or it may not send from here. Have whoever manages it look into that, and then resume.',
  senderNotVerified: 'SES has not verified the sender, or its MAIL FROM domain, any more. Have whoever manages SES mend that, and then resume: nobody was left out.',
  quietHours: 'It sends only at its hours, and goes on by itself as soon as they begin: nothing needs to be done.',
  audienceGrew: 'More people would be e-mailed than was agreed when it was started. Resume it with the new number, or cancel it.',
  bounces: 'Too many e-mails came back. SES suspends accounts for that. Look at whose e-mails bounced before you resume, or cancel.',
  complaints: 'Too many people marked the e-mail as spam. SES suspends accounts for that. Look at who complained before you resume, or cancel.',
};

/** What SES reports about a sent e-mail, and what that means, in the order of the page. */
export const STANDINGS = {
  delivered: ['Delivered', 'The mail server of the recipient took the e-mail.'],
  delayed: ['Delayed', 'Not delivered yet. SES goes on trying.'],
  softBounced: ['Came back for now', 'The mailbox was full, or something else that may pass. A later campaign may mail them again.'],
  bounced: ['Bounced', 'There is no such mailbox. Nobody mails them again until an operator says so.'],
  complained: ['Complained', 'They marked the e-mail as spam. Nobody mails them again until an operator says so.'],
  rejected: ['Rejected', 'SES took the e-mail and then did not send it.'],
};

/** Why a person gets no e-mails, short enough for a cell of a list. */
const NO_MAIL = { bounced: 'Gets none: mail bounced', complained: 'Gets none: marked it as spam' };

/** Why a person gets no e-mails any more, and when to undo that. */
const UNDELIVERABLE = {
  bounced: 'The mail server of this address said that there is no such mailbox. Say that it may be mailed again only if it exists by now.',
  complained: 'The owner of this address marked an e-mail of ours as spam. Say that it may be mailed again only if they ask for it.',
  erased: 'This person is being erased. That goes on by itself.',
};

/** The deeds in the audit. */
const DEEDS = {
  recipientsExported: 'List of people exported', unreachableExported: 'List of contacts without address exported', ledgerExported: 'People of a campaign exported',
  personExported: 'What is stored of a person exported', personErased: 'Person erased', personReadmitted: 'Erased person admitted again',
  accountsImported: 'Accounts imported', accountDeleted: 'Account deleted', divisionStored: 'Division changed',
  templateCreated: 'Template made', templateSaved: 'Template changed', templateActivated: 'Template activated', templateDeactivated: 'Template deactivated',
  scheduleCreated: 'Schedule made', scheduleChanged: 'Schedule changed', schedulePaused: 'Schedule paused', scheduleResumed: 'Schedule resumed', scheduleDeleted: 'Schedule deleted',
};

const ACTIONS = {
  started: 'Started', prepared: 'List of people complete', paused: 'Paused', halted: 'Halted', resumed: 'Resumed', requeued: 'Queued again', cancelled: 'Cancelled',
  retried: 'Tried again', settled: 'Marked', ended: 'Ended', cleared: 'May be mailed again', accepted: 'Accepted the invitation', withdrawn: 'Invitation withdrawn',
  setBack: 'Set back to not sent', created: 'Made', changed: 'Changed', deleted: 'Deleted', turnedOff: 'Turned off',
};

// `hasOwn` excludes names that every object inherits, such as `constructor`.
const named = (names, name) => (Object.hasOwn(names, name) ? names[name] : name ?? '–');

export const status = name => named(STATUSES, name);
export const state = name => named(STATES, name);
export const outcome = name => named(OUTCOMES, name);
export const reason = name => named(REASONS, name);
export const standing = name => [named(STANDINGS, name)].flat()[0];
export const deed = name => named(DEEDS, name);
export const action = name => named(ACTIONS, name);
export const undeliverable = name => named(UNDELIVERABLE, name);
export const noMail = name => named(NO_MAIL, name);

/** Why a campaign has stopped, in short; empty for reasons that need no word or are unknown here. */
export const stop = name => (Object.hasOwn(STOPS, name) ? STOPS[name] : '');

/**
 * Whether a self-service campaign is idle: everybody in it has an end state, and others may join until its day is over.
 */
export function isWaiting({ selfService, completedAt, state: name, outcomes, audience }) {
  const { queued = 0, claimed = 0 } = outcomes;
  return Boolean(selfService) && !completedAt && ['preparing', 'sending'].includes(name) && audience > 0 && queued + claimed === 0;
}

/** `Paused: daily quota`. */
export function stateInShort(campaign) {
  if (isWaiting(campaign)) return 'Open today';
  const { state: name, stateReason } = campaign;
  return [state(name), stop(stateReason)].filter(Boolean).join(': ');
}

/** Why a campaign has stopped and what to do; empty if it has not. */
export function whyStopped({ stateReason }) {
  return stateReason ? named(STOPS_IN_FULL, stateReason) : '';
}

/** Why a person got no e-mail, or what SES reported about it. */
export function became({ reason: why, standing: name, standingDetail }) {
  if (why || !name) return reason(why);
  return standingDetail ? `${standing(name)} (${standingDetail})` : standing(name);
}
