/**
 * The view Audit: who exported, imported, deleted or changed what, in all divisions that the operator may see.
 */
import { get } from '../shared/api/api.js';
import { fill, h, heading } from '../shared/dom.js';
import { clockNote, count, number, time } from '../shared/format.js';
import { list } from '../shared/lists/list.js';
import { go, to } from '../shared/navigation/route.js';
import { operator } from '../shared/api/session.js';
import * as words from '../shared/words.js';

/** The time zone of the days in the filter. */
const CLOCK = 'UTC';

const COLUMNS = [
  { label: 'What', cell: entry => [`${words.deed(entry.deed)} `, subject(entry)], by: ({ deed }) => words.deed(deed) },
  { label: 'When', cell: entry => time(entry.at, CLOCK), kind: 'time', by: ({ at }) => at },
  { label: 'Who', cell: entry => h('a', { href: narrowed({ actor: entry.person?.sub ?? entry.by }) }, entry.by), by: ({ by }) => by },
  { label: 'Division', cell: entry => entry.division ?? 'All', by: ({ division }) => division },
  { label: 'What changed', cell: changes, kind: 'wide' },
  { label: 'How it ended', cell: ending },
];

/** The view that shows the subject of an entry, by the beginning of the entry's deed. */
const VIEWS = { ledgerExported: 'campaigns', template: 'templates', schedule: 'schedules' };

const FIELDS = [
  { name: 'division', label: 'Division' },
  { name: 'actor', label: 'Who (address, user name or id)' },
  { name: 'from', label: 'From day (UTC)', type: 'date' },
  { name: 'to', label: 'To day (UTC)', type: 'date' },
];

export async function auditView(root, place, signal) {
  const wanted = Object.fromEntries(new URLSearchParams(place.path[1] ?? ''));
  const inputs = FIELDS.map(({ name, type = 'text' }) => h('input', { id: `audit-${name}`, type, autocomplete: 'off', value: wanted[name] ?? '' }));
  const show = event => {
    event.preventDefault();
    go(narrowed(Object.fromEntries(FIELDS.map(({ name }, index) => [name, inputs[index].value.trim()]))));
  };
  const form = h('form', { id: 'audit-filter', class: 'card', novalidate: true, onsubmit: show },
    h('div', { class: 'grid five' }, FIELDS.map(({ label }, index) =>
      h('div', { class: 'field' }, h('label', { for: inputs[index].id }, label), inputs[index]))),
    h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Show'), h('a', { href: to('audit') }, 'Show all')));
  const load = cursor => get('v1/audit', { query: cursor ? { ...wanted, cursor } : wanted, signal });
  const entries = list({ title: 'Newest first', columns: COLUMNS, load, empty: 'There is nothing.', signal });
  entries.element.id = 'entries';
  fill(root, heading(1, {}, 'Audit'), form, entries.element, clockNote(CLOCK));
}

/** The link to the entries narrowed in this way. */
function narrowed(wanted) {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  return query.size ? to('audit', query.toString()) : to('audit');
}

/**
 * The subject of an entry, by its name if it has one. It is a link if a view shows it and the operator may open that
 * view.
 */
function subject({ deed, subject: id, before, after }) {
  const view = operator().permitted && deed !== 'scheduleDeleted' && VIEWS[Object.keys(VIEWS).find(start => deed.startsWith(start))];
  const { plan, name } = after ?? before ?? {};
  const label = plan?.name ?? name ?? id;
  return id && (view ? h('a', { href: to(view, id) }, label) : h('span', { class: 'quiet' }, label));
}

function ending({ ending: how }) {
  return { done: 'Done', refused: 'Refused, nothing changed' }[how] ?? 'Not known: done, or in part, or not at all';
}

/** `portalUrl: https://a.example → https://b.example`, or how many accounts and rows. */
function changes({ deed, rows, before, after }) {
  if (deed === 'accountsImported') {
    const failed = after?.failed.length ?? 0;
    return [`${number(after?.stored.length ?? 0)} of ${count(rows, 'account', 'accounts')} stored`, failed > 0 && `, ${number(failed)} not`].filter(Boolean).join('');
  }
  if (rows !== null) return count(rows, 'row', 'rows');
  const flat = [before, after].map(side => new Map(leaves(side ?? {})));
  const names = [...new Set(flat.flatMap(side => [...side.keys()]))];
  const changed = names.filter(name => flat[0].get(name) !== flat[1].get(name));
  return changed.length > 0 && h('details', {}, h('summary', {}, changed.slice(0, 3).map(lastPart).join(', '), changed.length > 3 && ' …'),
    h('ul', {}, changed.map(name => h('li', {}, h('b', {}, name), `: ${flat[0].get(name) ?? '–'} → ${flat[1].get(name) ?? '–'}`))));
}

/** Every value in an object, with its path. */
function leaves(object, path = '') {
  return Object.entries(object).flatMap(([name, value]) => {
    const place = path ? `${path}.${name}` : name;
    return value !== null && typeof value === 'object' ? leaves(value, place) : [[place, value === null ? '–' : String(value)]];
  });
}

function lastPart(path) {
  return path.split('.').at(-1);
}
