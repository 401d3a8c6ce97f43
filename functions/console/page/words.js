/**
 * What the API's names are called on the screen. A name that is not known here is shown as it is.
 */

/** The permission that this page needs: group of the user pool, and its title. */
export const PERMISSION = { group: '390', title: '390, Send Account Portal Invitations' };

const STATUSES = { notSent: 'Not sent', pending: 'Pending', accepted: 'Accepted' };

const STATES = {
  preparing: 'Preparing', sending: 'Sending', paused: 'Paused', halted: 'Halted', cancelled: 'Cancelled', completed: 'Completed',
};

/** In the order in which the bar shows them. */
export const OUTCOMES = {
  sent: 'Sent', claimed: 'Being sent', queued: 'Waiting', skipped: 'Skipped', unconfirmed: 'Unconfirmed', failed: 'Failed',
};

const LATER_OUTCOMES = { delivered: 'Delivered', bounced: 'Bounced', complained: 'Complained' };

const REASONS = {
  accepted: 'Has accepted an invitation before',
  noLongerSelected: 'No account meets the filter',
  recentlyInvited: 'Invited in the last 24 hours',
  undeliverable: 'Undeliverable: mail bounced, or its owner complained',
  bounced: 'Mail to this address bounced',
  complained: 'The owner of this address complained',
  empty: 'No e-mail address',
  malformed: 'Not an e-mail address',
  nonAsciiLocalPart: 'Letters before the @ that mail can not carry',
  deadLettered: 'Failed five times on our side',
  notRenderable: 'The e-mail could not be made from its template',
};

const named = (names, name) => names[name] ?? name ?? '–';

export const status = name => named(STATUSES, name);
export const state = name => named(STATES, name);
export const outcome = name => named({ ...OUTCOMES, ...LATER_OUTCOMES }, name);
export const reason = name => named(REASONS, name);
