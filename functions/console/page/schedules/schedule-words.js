/**
 * The words on the screen for the API's names about schedules. An unknown name is shown as it is.
 */
import { count, people, timeOfDay } from '../shared/format.js';
import { EVERY_DAY, weekdaysInWords } from './rule/weekdays.js';

const STATES = { active: 'Active', paused: 'Paused', off: 'Turned off', ended: 'Ended' };

const STATE_REASONS = { failures: 'it failed', ownerWithoutPermission: 'no permission' };

/** In the order in which they are offered. */
export const AUDIENCES = { notSent: 'Never invited', both: 'Never invited, or still pending', pending: 'Still pending' };

const RESULTS = { started: 'Started', missed: 'Missed', skipped: 'Skipped', failed: 'Failed' };

const REASONS = {
  late: 'It came over an hour late, and so was left out.',
  saved: 'It was saved in the minute in which it was due, before the run began, and so this one was left out.',
  divisionBusy: 'Another campaign was active in the division.',
  tooManyRecipients: 'It would have e-mailed more people than the limit.',
  notActive: 'The schedule was paused, turned off or changed by then.',
  unknownDivision: 'There is no such division any more.',
  templateUnusable: 'Its template is not active, or there is no such template any more.',
  templateRefused: 'Its template may not be used in this division. The preview of the template says why.',
  senderRefused: 'Its sender was refused.',
  error: 'Something went wrong on our side.',
  notDelivered: 'It did not come through.',
  otherTimeZone: 'It ran by another clock than the division\'s.',
  ownerWithoutPermission: 'Its owner no longer had the permission to send.',
};

// `hasOwn` excludes names that every object inherits, such as `constructor`.
const named = (names, name) => (Object.hasOwn(names, name) ? names[name] : name ?? '');

export const result = name => named(RESULTS, name);

/** `Turned off: it failed`. */
export function stateInShort({ state, stateReason }) {
  return [named(STATES, state), named(STATE_REASONS, stateReason)].filter(Boolean).join(': ');
}

/** Why a schedule does nothing at the moment, and what to do about it; empty if it is active. */
export function whyIdle({ state, stateReason, failures, inTemplate }) {
  if (state === 'paused') return 'It starts nothing until somebody resumes it.';
  if (state === 'ended') return 'It has no more runs. Choose other times, and it goes on.';
  if (state !== 'off') return '';
  if (stateReason === 'ownerWithoutPermission') {
    const next = inTemplate ? 'Name another as ScheduledOwner of the stack, and then resume it.' : 'Whoever resumes it becomes its owner.';
    return `It was turned off because its owner at that time did not have the permission to send any more. ${next}`;
  }
  if (stateReason !== 'failures') return `It was turned off: ${stateReason}.`;
  return `It was turned off because it failed ${count(failures, 'time', 'times')} in a row: see below why. Mend that, and then resume it.`;
}

/** The people whom a schedule addresses: `Still pending, invited at least 7 days ago, at most 3 reminders each`. */
export function audienceInWords({ status = 'both', pendingDays, maxReminders }) {
  const words = named(AUDIENCES, status);
  const longer = pendingDays === undefined ? '' : `, invited at least ${count(pendingDays, 'day', 'days')} ago`;
  return `${words}${longer}${maxReminders === undefined ? '' : `, at most ${count(maxReminders, 'reminder', 'reminders')} each`}`;
}

/**
 * Why people of the selection would get no e-mail: `90 people were invited before.` Each person counts for one reason.
 * @param {{accepted: number, excluded: Object, notAddressed?: Object}} counts
 */
export function leftOut({ accepted, excluded, notAddressed = /** @type {any} */ ({}) }) {
  const told = [
    [accepted, 'has accepted', 'have accepted'],
    [notAddressed.invitedBefore, 'was invited before', 'were invited before'],
    [notAddressed.neverInvited, 'was never invited', 'were never invited'],
    [notAddressed.pendingTooShort, 'was invited too lately', 'were invited too lately'],
    [notAddressed.remindedEnough, 'has had all reminders', 'have had all reminders'],
    [excluded.recentlyInvited, 'was invited in the last 24 hours', 'were invited in the last 24 hours'],
    [excluded.undeliverable, 'cannot be reached: mail bounced, or its owner complained', 'cannot be reached: mail bounced, or its owner complained'],
  ];
  return told.filter(([people]) => people > 0).map(([people, one, many]) => `${count(people, `person ${one}`, `people ${many}`)}.`);
}

/** `8:00 AM to 8:00 PM, Monday to Friday`. */
export function hoursInWords({ sendFrom, sendUntil, weekdays = EVERY_DAY }) {
  const days = weekdays.length === EVERY_DAY.length ? 'every day' : weekdaysInWords(weekdays);
  return `${timeOfDay(sendFrom)} to ${timeOfDay(sendUntil)}, ${days}`;
}

/** Why an occurrence started no campaign. A failure includes the detail that the API gave. */
export function whyNot({ result: name, reason, detail, willEmail }) {
  if (name === 'skipped' && reason === 'tooManyRecipients' && willEmail !== undefined) {
    return `It would have e-mailed ${people(willEmail)}, which is over the limit.`;
  }
  const words = Object.hasOwn(REASONS, reason) ? REASONS[reason] : '';
  return [words || !detail ? words || reason : '', (name === 'failed' || !words) && detail].filter(Boolean).join(' ');
}
