/**
 * Converts between the entries of the form and the schedule of the API. Entries are as they were typed, even if
 * incomplete.
 */
import { choiceOf, missingOf, NEW_RULE, ruleOf, withoutSeconds, withSeconds } from './rule/rule.js';
import { EVERY_DAY } from './rule/weekdays.js';

/** The hours in the form when quiet hours are turned on. */
const HOURS = { sendFrom: '08:00', sendUntil: '20:00', weekdays: EVERY_DAY };

/** The limits in the form when pending people are chosen. */
const LIMITS = { pendingDays: '7', maxReminders: '3' };

/** The entries of a new form. */
export function newEntries(filter, { emailFrom, templateId }) {
  return {
    name: '', filter, emailFrom, templateId, audience: { status: 'notSent', ...LIMITS }, maxRecipients: '', maxPerMinute: '',
    rule: NEW_RULE, from: momentOf(), until: momentOf(), quietHours: { on: false, ...HOURS },
  };
}

/** The entries for a schedule that is stored. */
export function entriesOf({ name, filter, emailFrom, templateId, audience, maxRecipients, maxPerMinute, rule, from, until, quietHours }) {
  return {
    name, filter, emailFrom, templateId,
    audience: audience.status === 'notSent' ? { status: 'notSent', ...LIMITS }
      : { status: audience.status, pendingDays: text(audience.pendingDays), maxReminders: text(audience.maxReminders) },
    maxRecipients: text(maxRecipients), maxPerMinute: text(maxPerMinute),
    rule: choiceOf(rule), from: momentOf(from), until: momentOf(until), quietHours: { on: Boolean(quietHours), ...HOURS, ...quietHours },
  };
}

/** The schedule of the API for these entries. */
export function scheduleOf({ name, filter, emailFrom, templateId, audience, maxRecipients, maxPerMinute, rule, from, until, quietHours }) {
  const reminds = audience.status !== 'notSent';
  const { on, sendFrom, sendUntil, weekdays } = quietHours;
  return {
    name: name.trim(), filter, templateId, emailFrom,
    audience: {
      status: audience.status,
      ...(reminds && { pendingDays: numberOf(audience.pendingDays), maxReminders: numberOf(audience.maxReminders) }),
    },
    maxRecipients: numberOf(maxRecipients), maxPerMinute: numberOf(maxPerMinute),
    rule: ruleOf(rule), from: localOf(from), until: localOf(until),
    quietHours: on ? { sendFrom, sendUntil, ...(weekdays.length < EVERY_DAY.length && { weekdays }) } : undefined,
  };
}

/** What is missing before the API can say when the schedule runs and for whom. */
export function missingForPreview({ filter, rule, from, until, quietHours }) {
  const faults = [];
  const need = (field, message) => message && faults.push({ field, message });
  need('filter.division', !filter.division && 'Choose a division.');
  need('rule', missingOf(rule));
  need('from', from.time && !from.date && 'Choose the first day, too.');
  need('until', until.time && !until.date && 'Choose the last day, too.');
  if (quietHours.on) {
    need('quietHours.sendFrom', !quietHours.sendFrom && 'Choose from when on it may send.');
    need('quietHours.sendUntil', !quietHours.sendUntil && 'Choose until when it may send.');
    need('quietHours.weekdays', quietHours.weekdays.length === 0 && 'Choose at least one day to send on.');
  }
  return faults;
}

/** What is missing before a save. The API decides about everything else. */
export function missingForSave(entries) {
  const faults = missingForPreview(entries);
  if (!entries.name.trim()) faults.push({ field: 'name', message: 'Give it a name.' });
  if (!entries.maxRecipients) faults.push({ field: 'maxRecipients', message: 'Say how many at most.' });
  if (entries.filter.division && !entries.emailFrom) faults.push({ field: 'emailFrom', message: 'Choose a sender.' });
  return faults;
}

function momentOf(moment = '') {
  const [date, time = ''] = moment.split('T');
  return { date, time: withoutSeconds(time) };
}

/** A day without a time of day stays a day: its start for `from`, its end for `until`. */
function localOf({ date, time }) {
  if (!date) return undefined;
  return time ? `${date}T${withSeconds(time)}` : date;
}

function text(number) {
  return number === undefined || number === null ? '' : String(number);
}

function numberOf(text) {
  return text === '' ? undefined : Number(text);
}
