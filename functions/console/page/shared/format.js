/**
 * Numbers and times as the operator's browser writes them. A view has one clock, its division's, which it names.
 */
import { h } from './dom.js';

const NUMBER = new Intl.NumberFormat();
const RATE = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });

const MOMENT = { year: 'numeric', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' };
const DAY = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' });
const TIME_OF_DAY = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' });

/** By shape and time zone: making one takes longer than a thousand times in words. */
const clocks = new Map();

/** The browser's own time zone, for what is of no one division. */
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

/** An RFC 3339 time on the clock of a time zone: `Dec 7, 2026, 9:00 AM EST`; a dash for none. */
export function time(value, timeZone) {
  return value ? h('time', { datetime: value }, clock(timeZone, MOMENT).format(new Date(value))) : '–';
}

/** The same with the day of the week: `Monday, Dec 7, 2026, 9:00 AM EST`. */
export function localTime(value, timeZone) {
  return h('time', { datetime: value }, clockTime(value, timeZone));
}

/** The same as text. */
export function clockTime(value, timeZone) {
  return clock(timeZone, { weekday: 'long', ...MOMENT }).format(new Date(value));
}

/** What names the clock of a view. */
export function clockNote(timeZone) {
  return h('p', { class: 'quiet clock' }, `All times are those of ${timeZone}.`);
}

/** A calendar day such as `2026-11-23`, in words. */
export function day(value) {
  return DAY.format(new Date(`${value}T00:00:00Z`));
}

/** A time of day such as `09:00` or `09:00:30`, on a clock of 12 or of 24 hours; seconds stay as they are written. */
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
    // A zone that this browser doesn't know (yet): its own then, which each time names.
    return new Intl.DateTimeFormat(undefined, shape);
  }
}

/** `14 a second`; slow sending is told by the minute. */
export function rate(perSecond) {
  return perSecond >= 1 ? `${RATE.format(perSecond)} a second` : `${RATE.format(perSecond * 60)} a minute`;
}

/** A length of time, as exactly as one would say it. */
export function duration(seconds) {
  if (seconds < 90) return count(Math.max(1, Math.ceil(seconds)), 'second', 'seconds');
  if (seconds < 90 * 60) return count(Math.ceil(seconds / 60), 'minute', 'minutes');
  if (seconds < 48 * 3600) return count(Math.ceil(seconds / 3600), 'hour', 'hours');
  return count(Math.ceil(seconds / (24 * 3600)), 'day', 'days');
}
