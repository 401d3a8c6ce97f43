/**
 * The five counts, and how many people get an e-mail or are left out.
 */
import { fill, h } from '../shared/dom.js';
import { number, people, time } from '../shared/format.js';
import { to } from '../shared/navigation/route.js';

const TILES = [
  ['total', 'Total Count'],
  ['activeServices', 'Active Services Count'],
  ['accepted', 'Portal Invite Accepted'],
  ['pending', 'Invite Acceptance Pending'],
  ['notSent', 'Portal Invite Not Sent'],
];

/**
 * The words for one person, the words for several, and their number.
 * @type {[string, string, string, (counts: Object) => number][]}
 */
const LEFT_OUT = [
  ['accepted', 'has accepted an invitation before', 'have accepted an invitation before', counts => counts.accepted],
  ['recentlyInvited', 'was invited in the last 24 hours', 'were invited in the last 24 hours', counts => counts.excluded.recentlyInvited],
  ['undeliverable', 'cannot be reached: mail bounced, or its owner complained', 'cannot be reached: mail bounced, or its owner complained',
    counts => counts.excluded.undeliverable],
  ['unreachable', 'contact has no usable e-mail address', 'contacts have no usable e-mail address', counts => counts.unreachable],
];

/**
 * @returns {{tiles: HTMLElement, summary: HTMLElement, show: (counts: ?Object, state: {stale: boolean, busy: boolean,
 *   timeZone: string}) => void}}
 */
export function countTiles() {
  const numbers = TILES.map(([name, label]) => ({
    name, number: h('a', { id: `count-${name}`, 'aria-labelledby': `label-${name} count-${name}` }, '–'), label,
  }));
  const tiles = h('ul', { class: 'tiles', id: 'counts' },
    numbers.map(({ name, number, label }) => h('li', {}, h('span', { id: `label-${name}`, class: 'tile-label' }, label), number)));
  const summary = h('div', { id: 'summary' });

  function show(counts, { stale, busy, timeZone }) {
    tiles.classList.toggle('stale', stale);
    tiles.setAttribute('aria-busy', busy);
    for (const tile of numbers) {
      fill(tile.number, counts ? number(counts[tile.name]) : '–');
      // The lists use the filter that is chosen now, so counts of an earlier filter are no links.
      link(tile.number, counts && !stale ? to('lists', tile.name) : null);
    }
    fill(summary, ...told(counts, { stale, busy, timeZone }));
  }

  return { tiles, summary, show };
}

function told(counts, { stale, busy, timeZone }) {
  if (busy) return [h('p', { class: 'quiet' }, 'Counting…')];
  if (!counts) return [h('p', { class: 'quiet' }, 'Choose a division, and press Load to count.')];
  if (stale) return [h('p', { id: 'stale', class: 'note' }, 'The filter has changed since these numbers were counted. Press Load to count again.')];
  const left = LEFT_OUT.map(([name, one, many, of]) => ({ name, words: of(counts) === 1 ? one : many, left: of(counts) })).filter(({ left }) => left > 0);
  return [
    h('p', { class: 'will-email' },
      h('b', { id: 'willEmail' }, number(counts.willEmail)), ` of ${people(counts.total)} will be e-mailed.`),
    left.length > 0 && h('ul', { id: 'excluded', class: 'plain' }, left.map(({ name, words, left }) =>
      h('li', {}, h('a', { id: `excluded-${name}`, href: to('lists', name) }, number(left)), ` ${words}`))),
    counts.ageSeconds > 0 ? h('p', { id: 'old', class: 'note' },
      `These numbers are ${number(counts.ageSeconds)} seconds old: changes since `, time(counts.asOf, timeZone), ' are still being counted.')
      : h('p', { class: 'quiet' }, 'As of ', time(counts.asOf, timeZone)),
  ];
}

function link(anchor, address) {
  if (address) anchor.setAttribute('href', address);
  else anchor.removeAttribute('href');
}
