/**
 * Who did what to a campaign, a person or a schedule, when, and why.
 */
import { inWords } from './bar.js';
import { fill, h } from './dom.js';
import { people, time } from './format.js';
import * as words from './words.js';

/** The actor of an entry when no person acts. */
const SYSTEM = 'system';

/** The actor of an entry when the person acts whom the entry is about. */
const CUSTOMER = 'customer';

/**
 * @param {string} timeZone of the times shown
 * @returns {{element: HTMLElement, show: (entries: Object) => void}}
 */
export function auditTrail(timeZone) {
  const entries = h('ol', { class: 'audit' });
  const element = h('details', { id: 'audit', class: 'card' }, h('summary', {}, 'History'), entries);
  let shown = '';
  return {
    element,
    /** Changes nothing until there are new entries: somebody may be reading them. */
    show({ audit = [] }) {
      const text = JSON.stringify(audit);
      if (text === shown) return;
      shown = text;
      fill(entries, audit.map(entry => h('li', {},
        h('span', { class: 'quiet' }, time(entry.at, timeZone)), h('span', {}, h('b', {}, entryInWords(entry)), who(entry)))));
    },
  };
}

function who({ by }) {
  return { [SYSTEM]: ', by itself', [CUSTOMER]: ', by themselves' }[by] ?? `, by ${by}`;
}

/** `Paused: daily quota`, `Tried again: failed`, `Marked: 3 people, sent`, `Ended: 1,061 sent, 7 failed`. */
function entryInWords({ action, reason, outcome, recipients, outcomes, note }) {
  const details = outcomes
    ? [inWords(outcomes)]
    : [recipients > 0 && people(recipients), outcome && words.outcome(outcome).toLowerCase(), words.stop(reason), note && `“${note}”`].filter(Boolean);
  return details.length > 0 ? `${words.action(action)}: ${details.join(', ')}` : words.action(action);
}
