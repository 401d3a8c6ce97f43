/**
 * When a schedule runs, in words. A rule without plain words is shown as it is written.
 */
import { count, day, timeOfDay } from '../../shared/format.js';
import { timeOf, weekdaysOf, withoutSeconds } from './rule.js';
import { listInWords, weekdaysInWords } from './weekdays.js';

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const ORDER = ['first', 'second', 'third', 'fourth', 'fifth'];
const NUMBER = /^\d{1,2}$/;
const NUMBERS = /^\d{1,2}(,\d{1,2})*$/;

/** `Every Monday at 9:00 AM`. */
export function ruleInWords({ at, cron, rate }) {
  if (at) return `Once, on ${momentInWords(at)}`;
  return cron ? cronInWords(cron) ?? cron : rateInWords(rate);
}

/** The rule in words, with its first and last day. */
export function scheduleInWords({ rule, from, until }) {
  return [ruleInWords(rule), from && `from ${momentInWords(from)}`, until && `until ${momentInWords(until)}`].filter(Boolean).join(', ');
}

/** A local date or date-time: `Dec 1, 2026 at 9:00 AM`. */
function momentInWords(moment) {
  const [date, time] = moment.split('T');
  return time ? `${day(date)} at ${timeOfDay(withoutSeconds(time))}` : day(date);
}

function rateInWords(rate) {
  const found = /^(\d+) (minute|hour|day)s?$/.exec(rate);
  if (!found) return rate;
  const [, many, unit] = found;
  // A rate counts 24 hours for a day even if the clocks change, while “every day” would promise the same time of day.
  if (Number(many) === 1) return unit === 'day' ? 'Every 24 hours' : `Every ${unit}`;
  return `Every ${count(Number(many), unit, `${unit}s`)}`;
}

function cronInWords(cron) {
  const [minute, hour, date, month, weekday, year, ...rest] = cron.trim().toUpperCase().split(/\s+/);
  if (year !== '*' || rest.length > 0) return null;
  const times = timesInWords(minute, hour);
  const days = weekday === '?' ? datesInWords(date) : namedDaysInWords(weekday);
  const months = monthsInWords(month);
  if (times === null || days === null || months === null) return null;
  if (times.startsWith('at')) return `${days}${months} ${times}`;
  return days === 'Every day' && !months ? `E${times.slice(1)}` : `${days}${months}, ${times}`;
}

function timesInWords(minute, hour) {
  const [first, last] = hour.split('-');
  const between = NUMBER.test(first) && NUMBER.test(last);
  if (stepOf(minute, 60) && (hour === '*' || between)) {
    const often = `every ${count(stepOf(minute, 60), 'minute', 'minutes')}`;
    return between ? `${often} between ${onTheClock('0', first)} and ${onTheClock('0', String(Number(last) + 1))}` : often;
  }
  if (!NUMBER.test(minute)) return null;
  const at = hour => onTheClock(minute, hour);
  if (hour === '*') return Number(minute) === 0 ? 'every hour' : `every hour at ${count(Number(minute), 'minute', 'minutes')} past`;
  if (NUMBERS.test(hour)) return `at ${listInWords(hour.split(',').map(at))}`;
  if (stepOf(hour, 24)) return `every ${count(stepOf(hour, 24), 'hour', 'hours')} from ${at('0')}`;
  return between ? `every hour from ${at(first)} to ${at(last)}` : null;
}

function onTheClock(minute, hour) {
  return timeOfDay(timeOf([null, minute, hour]));
}

/**
 * The step of a field such as `0/15`. It is 0 for any other field, and for a step that does not divide `whole`: such a
 * step is no “every”.
 */
function stepOf(field, whole) {
  const step = Number(/^(?:\*|0)\/(\d+)$/.exec(field)?.[1] ?? 0);
  return step > 0 && whole % step === 0 ? step : 0;
}

function datesInWords(date) {
  if (date === '*') return 'Every day';
  if (date === 'L') return 'On the last day of the month';
  if (date === 'LW') return 'On the last day of the month that is no weekend';
  return NUMBERS.test(date) ? `On day ${listInWords(date.split(','))} of the month` : null;
}

function namedDaysInWords(weekday) {
  if (weekday === '*') return 'Every day';
  const nth = /^([A-Z]{3}|[1-7])#([1-5])$/.exec(weekday);
  const last = /^([A-Z]{3}|[1-7])L$/.exec(weekday);
  const days = weekdaysOf(nth?.[1] ?? last?.[1] ?? weekday);
  if (days === null) return null;
  const named = weekdaysInWords(days);
  if (nth || last) return `On the ${nth ? ORDER[Number(nth[2]) - 1] : 'last'} ${named} of the month`;
  if (days.length === 7) return 'Every day';
  return named.includes(' to ') ? `Every day from ${named}` : `Every ${named}`;
}

function monthsInWords(month) {
  if (month === '*') return '';
  const named = month.split(',').map(one => MONTHS[Number(one) - 1] ?? MONTHS.find(name => name.slice(0, 3).toUpperCase() === one));
  return named.every(Boolean) ? ` in ${listInWords(named)}` : null;
}
