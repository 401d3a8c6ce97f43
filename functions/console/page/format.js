/**
 * Numbers and times as the operator's browser writes them.
 */
import { h } from './dom.js';

const NUMBER = new Intl.NumberFormat();
const RATE = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });
const TIME = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short',
});

const DAY = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' });

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

/** An RFC 3339 time in words, with its zone; a dash for none. */
export function time(value) {
  return value ? h('time', { datetime: value }, TIME.format(new Date(value))) : '–';
}

/** A calendar day such as `2026-11-23`, in words. */
export function day(value) {
  return DAY.format(new Date(`${value}T00:00:00Z`));
}

/** An RFC 3339 time on the clock of a time zone, with the day of the week: `Monday, Dec 7, 2026, 09:00 EST`. */
export function localTime(value, timeZone) {
  return h('time', { datetime: value }, clockTime(value, timeZone));
}

/** The same as text. */
export function clockTime(value, timeZone) {
  return clock(timeZone).format(new Date(value));
}

function clock(timeZone) {
  const shape = {
    weekday: 'long', year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short',
  };
  try {
    return new Intl.DateTimeFormat(undefined, { ...shape, timeZone });
  } catch {
    // A zone that this browser doesn't know (yet): its own then, which it names.
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
