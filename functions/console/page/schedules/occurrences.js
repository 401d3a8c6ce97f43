/**
 * The times at which a schedule was due, and the result of each.
 */
import { get } from '../shared/api/api.js';
import { h } from '../shared/dom.js';
import { localTime, people } from '../shared/format.js';
import { list } from '../shared/lists/list.js';
import { to } from '../shared/navigation/route.js';
import * as words from './schedule-words.js';

/** @param {{path: string, timeZone: () => string, signal: AbortSignal}} options */
export function occurrenceList({ path, timeZone, signal }) {
  const columns = [
    { label: 'Due', cell: ({ scheduledAt }) => localTime(scheduledAt, timeZone()), kind: 'time', by: ({ scheduledAt }) => scheduledAt },
    { label: 'Result', cell: resultBadge, by: ({ result }) => words.result(result) },
    { label: 'What came of it', cell: outcome },
  ];
  const load = cursor => get(path, { query: cursor ? { cursor } : {}, signal });
  const occurrences = list({ title: 'Occurrences, newest first', columns, load, empty: 'It was not due yet.', signal });
  occurrences.element.id = 'occurrences';
  return occurrences.element;
}

/** The last occurrence, short enough for a cell of a list. */
export function lastInShort({ lastOccurrence: last, timeZone }) {
  if (!last) return '–';
  const badge = resultBadge(last);
  return [last.result === 'started' ? campaignLink(last, badge) : badge, ' ', localTime(last.scheduledAt, timeZone)];
}

function resultBadge({ result }) {
  return h('span', { class: `badge result-${result}` }, words.result(result));
}

function outcome(occurrence) {
  if (occurrence.result !== 'started') {
    return [words.whyNot(occurrence), occurrence.campaignId && [' ', campaignLink(occurrence, 'See that campaign')]].flat();
  }
  const { willEmail } = occurrence;
  const whom = willEmail === 0 ? ': there was nobody to e-mail' : willEmail > 0 && ` to ${people(willEmail)}`;
  return [campaignLink(occurrence, 'Campaign'), whom];
}

function campaignLink({ campaignId }, text) {
  return h('a', { href: to('campaigns', campaignId) }, text);
}
