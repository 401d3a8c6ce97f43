/**
 * The view Schedules: which campaigns start by themselves.
 */
import { get } from '../shared/api/api.js';
import { fill, h, heading } from '../shared/dom.js';
import { localTime } from '../shared/format.js';
import { list } from '../shared/lists/list.js';
import { lastInShort } from './occurrences.js';
import { to } from '../shared/navigation/route.js';
import { scheduleInWords } from './rule/rule-words.js';
import { audienceInWords, stateInShort } from './schedule-words.js';

const COLUMNS = [
  {
    label: 'Name', kind: 'wide', by: ({ name }) => name,
    cell: ({ scheduleId, name }) => h('a', { id: `schedule-${scheduleId}`, href: to('schedules', scheduleId) }, name),
  },
  {
    label: 'Division', by: ({ filter }) => filter.division,
    cell: ({ filter, timeZone }) => [filter.division, h('span', { class: 'quiet' }, `, ${timeZone}`)],
  },
  { label: 'Runs', cell: schedule => scheduleInWords(schedule) },
  { label: 'For', cell: audience },
  { label: 'Owner', cell: schedule => schedule.owner, by: ({ owner }) => owner },
  { label: 'State', cell: stateBadge, by: stateInShort },
  { label: 'Next run', cell: nextRun, by: ({ nextRuns: [next] }) => next && new Date(next).getTime() },
  { label: 'Last time', cell: lastInShort, by: ({ lastOccurrence }) => lastOccurrence?.scheduledAt },
];

const EMPTY = 'There is none yet. A schedule starts campaigns by itself: once at a time that you choose, or again and again, such as every Monday morning.';

export async function schedulesView(root, place, signal) {
  const load = cursor => get('v1/schedules', { query: cursor ? { cursor } : {}, signal });
  const create = h('a', { id: 'new-schedule', class: 'button', href: to('schedules', 'new') }, 'New schedule');
  const schedules = list({ title: 'All schedules', columns: COLUMNS, load, empty: EMPTY, tools: [create], signal });
  schedules.element.id = 'schedules';
  fill(root, heading(1, {}, 'Schedules'), schedules.element,
    h('p', { class: 'quiet clock' }, 'The times of each schedule are those of its division.'));
}

export function stateBadge(schedule) {
  return h('span', { class: `badge state-${schedule.state}` }, stateInShort(schedule));
}

function audience({ audience: whom, warnings = [] }) {
  return [audienceInWords(whom), warnings.length > 0 && [' ', h('span', { class: 'badge warning' }, 'without end')]].flat();
}

/** The next run of a schedule, in its division's time zone. */
export function nextRun({ nextRuns: [next], timeZone }) {
  return next ? localTime(next, timeZone) : '–';
}
