/**
 * Numbers and times in the format of the operator's browser. A view shows all times in one time zone, its division's,
 * and names it.
 */
import { h } from './dom.js';

const NUMBER = new Intl.NumberFormat();
const RATE = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });

const MOMENT = { year: 'numeric', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' };
const DAY = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' });
const TIME_OF_DAY = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' });

/** Formatters by options and time zone: making one takes longer than formatting a thousand times. */
const clocks = new Map();

/** The browser's own time zone, for views that belong to no single division. */
export const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `1,068`. */
export function number(value) {
  return NUMBER.format(value);
}

/** `1 person`, `1,068 people`. */
export function count(value, one, many) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** `1 person`, `1,068 people`. */
export function people(value) {
  return count(value, 'person', 'people');
}

/** An RFC 3339 time in a time zone: `Dec 7, 2026, 9:00 AM EST`; a dash if there is none. */
export function time(value, timeZone) {
  return value ? h('time', { datetime: value }, clock(timeZone, MOMENT).format(new Date(value))) : '–';
}

/** A time with the day of the week: `Monday, Dec 7, 2026, 9:00 AM EST`. */
export function localTime(value, timeZone) {
  return h('time', { datetime: value }, clockTime(value, timeZone));
}

/** A time with the day of the week, as text. */
export function clockTime(value, timeZone) {
  return clock(timeZone, { weekday: 'long', ...MOMENT }).format(new Date(value));
}

/** Names the time zone of a view. */
export function clockNote(timeZone) {
  return h('p', { class: 'quiet clock' }, `All times are those of ${timeZone}.`);
}

/** A calendar day such as `2026-11-23`, in words. */
export function day(value) {
  return DAY.format(new Date(`${value}T00:00:00Z`));
}

/**
 * A time of day such as `09:00` or `09:00:30`, in 12 or 24 hours as the browser prefers. Seconds stay as they are
 * written.
 */
export function timeOfDay(value) {
  const [, hours, seconds = ''] = /^(\d\d:\d\d)(:\d\d)?$/.exec(value) ?? [];
  if (!hours) return value;
  return TIME_OF_DAY.format(new Date(`1970-01-01T${hours}:00Z`)).replace(/(\d)(?=\D*$)/, `$1${seconds}`);
}

function clock(timeZone, shape) {
  const key = `${timeZone} ${shape.weekday ?? ''}`;
  if (!clocks.has(key)) clocks.set(key, clockOf(timeZone, shape));
  return clocks.get(key);
}

function clockOf(timeZone, shape) {
  try {
    return new Intl.DateTimeFormat(undefined, { ...shape, timeZone });
  } catch {
    // This browser does not know the time zone, so times are in its own zone, which each of them names.
    return new Intl.DateTimeFormat(undefined, shape);
  }
}

/** `14 a second`; less than one a second is given by the minute. */
export function rate(perSecond) {
  return perSecond >= 1 ? `${RATE.format(perSecond)} a second` : `${RATE.format(perSecond * 60)} a minute`;
}

/** A length of time, rounded as in speech. */
export function duration(seconds) {
  if (seconds < 90) return count(Math.max(1, Math.ceil(seconds)), 'second', 'seconds');
  if (seconds < 90 * 60) return count(Math.ceil(seconds / 60), 'minute', 'minutes');
  if (seconds < 48 * 3600) return count(Math.ceil(seconds / 3600), 'hour', 'hours');
  return count(Math.ceil(seconds / (24 * 3600)), 'day', 'days');
}
