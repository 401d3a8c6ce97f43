/**
 * The list of a campaign's people with one outcome at a time.
 */
import { get } from '../shared/api/api.js';
import { csvButton } from '../shared/lists/csv.js';
import { fill, h } from '../shared/dom.js';
import { time } from '../shared/format.js';
import { list } from '../shared/lists/list.js';
import { under } from '../shared/navigation/route.js';
import { settling } from './settle.js';
import { became, OUTCOMES, outcome as outcomeWord } from '../shared/words.js';

/**
 * @param {Object} options
 * @param {string} options.path of the campaign
 * @param {() => Object} options.current the campaign as last fetched
 * @param {() => void} options.look fetches the campaign at once
 * @param {AbortSignal} options.signal
 */
export function campaignPeople({ path, current, look, signal }) {
  const element = h('div', { id: 'panel', class: 'view' });
  let shown = { end: new AbortController() };
  signal.addEventListener('abort', () => shown.end.abort());

  /** Opens the list of one outcome: of the failed, who need attention, unless another was chosen. */
  function open(chosen) {
    shown.end.abort();
    const end = new AbortController();
    const outcome = Object.hasOwn(OUTCOMES, chosen ?? '') ? chosen : 'failed';
    const { campaignId, filter: { division }, outcomes, timeZone } = current();
    const settle = outcome === 'unconfirmed'
      ? settling({ path, count: () => current().outcomes.unconfirmed, settled, signal: end.signal })
      : null;
    const people = list({
      title: outcomeWord(outcome), columns: [...columns(division, timeZone), ...(settle ? [settle.column] : [])], empty: 'Nobody.', signal: end.signal,
      load: (cursor, limit) => get(`${path}/recipients`, { query: { outcome, ...(cursor && { cursor }), ...(limit && { limit }) }, signal: end.signal }),
      tools: [csvButton({
        label: 'Download all results as CSV', path: `${path}/recipients`, query: {}, name: `campaign-${campaignId}.csv`,
        total: () => current().audience, signal: end.signal,
      })],
    });
    shown = { end, outcome, people, settle, count: outcomes[outcome] };
    settle?.show(current());
    fill(element, settle?.element, people.element);
    if (chosen) people.focus();
  }

  function settled(count, row) {
    // A person who was settled alone leaves the list at once.
    if (row) {
      shown.count -= count;
      shown.people.drop(row);
    }
    look();
  }

  /** Fetches the list again if its length has changed. */
  function follow({ outcomes }) {
    shown.settle?.show(current());
    if (outcomes[shown.outcome] === shown.count) return;
    shown.count = outcomes[shown.outcome];
    shown.people.refresh();
  }

  return { element, open, follow, refresh: () => shown.people.refresh() };
}

function columns(division, timeZone) {
  return [
    {
      label: 'Name', by: row => row.name,
      cell: row => h('a', { id: `person-${row.recipientId}`, href: under({ division }, 'people', row.recipientId) }, row.name || 'No name'),
    },
    { label: 'E-mail address', cell: row => row.email, kind: 'email', by: row => row.email },
    { label: 'Outcome', cell: row => outcomeWord(row.outcome) },
    { label: 'Why', cell: became, by: became },
    { label: 'When', cell: row => time(row.updatedAt, timeZone), kind: 'time', by: row => row.updatedAt },
  ];
}
