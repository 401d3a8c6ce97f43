/**
 * The view Schedules: which campaigns start by themselves.
 */
import { get } from './api.js';
import { fill, h, heading } from './dom.js';
import { localTime } from './format.js';
import { list } from './list.js';
import { lastInShort } from './occurrences.js';
import { to } from './route.js';
import { scheduleInWords } from './rule-words.js';
import { audienceInWords, stateInShort } from './schedule-words.js';

const COLUMNS = [
  { label: 'Name', cell: schedule => h('a', { href: to('schedules', schedule.scheduleId) }, schedule.name), kind: 'wide' },
  { label: 'Division', cell: schedule => schedule.filter.division },
  { label: 'Runs', cell: schedule => scheduleInWords(schedule) },
  { label: 'For', cell: schedule => audienceInWords(schedule.audience) },
  { label: 'Owner', cell: schedule => schedule.owner },
  { label: 'State', cell: stateBadge },
  { label: 'Next run', cell: nextRun },
  { label: 'Last time', cell: lastInShort },
];

const EMPTY = 'There is none yet. A schedule starts campaigns by itself: once at a time that you choose, or again and again, such as every Monday at 09:00.';

export async function schedulesView(root, place, signal) {
  const load = cursor => get('v1/schedules', { query: cursor ? { cursor } : {}, signal });
  const create = h('a', { id: 'new-schedule', class: 'button', href: to('schedules', 'new') }, 'New schedule');
  const schedules = list({ title: 'All schedules', columns: COLUMNS, load, empty: EMPTY, tools: [create], signal });
  schedules.element.id = 'schedules';
  fill(root, heading(1, {}, 'Schedules'), schedules.element);
}

export function stateBadge(schedule) {
  return h('span', { class: `badge state-${schedule.state}` }, stateInShort(schedule));
}

/** When it runs next, on the clock of its division. */
export function nextRun({ nextRuns: [next], timeZone }) {
  return next ? localTime(next, timeZone) : '–';
}
