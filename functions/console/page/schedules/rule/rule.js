/**
 * When a schedule runs: the rules that the form knows, and how the API writes each of them.
 */
import { WEEKDAYS } from './weekdays.js';

/** The kind of a rule that the form does not know, and leaves as it is. */
export const KEPT = 'kept';

const ONCE = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)$/;
const DAILY = /^(\d{1,2}) (\d{1,2}) (?:\* \* \?|\? \* \*) \*$/;
const WEEKLY = /^(\d{1,2}) (\d{1,2}) \? \* ([A-Z1-7,-]+) \*$/;
const MONTHLY = /^(\d{1,2}) (\d{1,2}) (\d{1,2}|L) \* \? \*$/;
const INTERVAL = /^(\d+) (day|hour)s?$/;

/** The API numbers the days of the week from Sunday. */
const BY_NUMBER = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** What is chosen in a new form. */
export const NEW_RULE = { kind: 'weekly', date: '', time: '09:00', weekdays: ['monday'], day: '1', every: '7', unit: 'days', stored: null };

/** What the form shows for a stored rule. */
export function choiceOf(stored) {
  return { ...NEW_RULE, kind: KEPT, ...shapeOf(stored), stored };
}

/** The chosen rule. An unchanged rule stays as it was written. */
export function ruleOf(choice) {
  const { kind, stored, date, time, weekdays, day, every, unit } = choice;
  const shape = stored && shapeOf(stored);
  const unchanged = shape && Object.keys(shape).every(name => String(shape[name]) === String(choice[name]));
  if (kind === KEPT || unchanged) return stored;
  const [hour, minute] = time.split(':').map(Number);
  const days = WEEKDAYS.filter(({ name }) => weekdays.includes(name)).map(({ cron }) => cron).join();
  return {
    once: { at: `${date}T${withSeconds(time)}` },
    daily: { cron: `${minute} ${hour} * * ? *` },
    weekly: { cron: `${minute} ${hour} ? * ${days} *` },
    monthly: { cron: `${minute} ${hour} ${day} * ? *` },
    interval: { rate: `${every} ${Number(every) === 1 ? unit.slice(0, -1) : unit}` },
  }[kind];
}

/** What is missing to make a rule of the choice; empty if nothing is. */
export function missingOf({ kind, date, time, weekdays, every }) {
  if (kind === 'interval') return every ? '' : 'Say how many.';
  if (kind === 'weekly' && weekdays.length === 0) return 'Choose at least one day.';
  if (kind === 'once' && !date) return 'Choose a day.';
  return kind === KEPT || time ? '' : 'Choose a time.';
}

/** The value of an `<input type="time">` as the API expects it. */
export function withSeconds(time) {
  return time.length === 5 ? `${time}:00` : time;
}

/** A local time without seconds if they are zero. */
export function withoutSeconds(time) {
  return time.replace(/^(\d\d:\d\d):00$/, '$1');
}

/** The rule as the form's choice; null if the form can't write it. */
function shapeOf({ at, cron, rate }) {
  const text = (at ?? cron ?? rate ?? '').trim().replace(/\s+/g, ' ');
  let found;
  if (at && (found = ONCE.exec(text))) return { kind: 'once', date: found[1], time: withoutSeconds(found[2]) };
  if (cron && (found = DAILY.exec(text))) return { kind: 'daily', time: timeOf(found) };
  if (cron && (found = MONTHLY.exec(text))) return { kind: 'monthly', time: timeOf(found), day: found[3].replace(/^0/, '') };
  if (cron && (found = WEEKLY.exec(text.toUpperCase()))) return weekly(found);
  if (rate && (found = INTERVAL.exec(text))) return { kind: 'interval', every: found[1], unit: `${found[2]}s` };
  return null;
}

function weekly(found) {
  const weekdays = weekdaysOf(found[3]);
  return weekdays && { kind: 'weekly', time: timeOf(found), weekdays };
}

/** The days in a field of a rule, in the order of the week; null if the field is no plain list of days. */
export function weekdaysOf(field) {
  const named = new Set();
  for (const part of field.split(',')) {
    const [first, last] = part.split('-').map(indexOf);
    if (first < 0 || last < 0 || first === undefined) return null;
    const days = last === undefined ? 1 : (last - first + 7) % 7 + 1;
    for (let day = 0; day < days; day += 1) named.add(BY_NUMBER[(first + day) % 7]);
  }
  return WEEKDAYS.map(({ name }) => name).filter(name => named.has(name));
}

function indexOf(day) {
  if (/^[1-7]$/.test(day)) return Number(day) - 1;
  return BY_NUMBER.indexOf(WEEKDAYS.find(({ cron }) => cron === day.toUpperCase())?.name);
}

/** `09:00`, from the minute and the hour at the beginning of a rule. */
export function timeOf([, minute, hour]) {
  return `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
}
