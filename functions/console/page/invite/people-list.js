/**
 * The lists behind the counts: the API call and the columns of each.
 */
import { get } from '../shared/api/api.js';
import { csvButton } from '../shared/lists/csv.js';
import { h } from '../shared/dom.js';
import { number, time } from '../shared/format.js';
import { list } from '../shared/lists/list.js';
import { to } from '../shared/navigation/route.js';
import * as words from '../shared/words.js';

const SHOWN_ACCOUNTS = 3;

/** The lists by their name in the address. `count` takes the length from the counts, where it is known. */
export const LISTS = {
  total: { title: 'All people in this selection', query: {}, count: counts => counts.total },
  activeServices: { title: 'People on accounts with active services', query: { onActiveServices: 'true' }, columns: 'services' },
  accepted: { title: 'Portal Invite Accepted', query: { status: 'accepted' }, count: counts => counts.accepted },
  pending: { title: 'Invite Acceptance Pending', query: { status: 'pending' }, count: counts => counts.pending },
  notSent: { title: 'Portal Invite Not Sent', query: { status: 'notSent' }, count: counts => counts.notSent },
  recentlyInvited: {
    title: 'Invited in the last 24 hours', query: { excluded: 'recentlyInvited' }, count: counts => counts.excluded.recentlyInvited,
  },
  undeliverable: {
    title: 'Undeliverable: mail bounced, or its owner complained', query: { excluded: 'undeliverable' },
    count: counts => counts.excluded.undeliverable,
  },
  unreachable: {
    title: 'Contacts without a usable e-mail address', path: 'v1/unreachable', query: {}, columns: 'contacts', count: counts => counts.unreachable,
  },
};

const person = {
  label: 'Name', by: item => item.name,
  cell: item => h('a', { id: `person-${item.recipientId}`, href: to('people', item.recipientId) }, item.name || 'No name'),
};
const email = { label: 'E-mail address', cell: item => item.email, kind: 'email', by: item => item.email };

/** The columns of each kind of list; times are in the given time zone. */
const COLUMNS = {
  people: timeZone => [
    person,
    email,
    { label: 'Accounts', cell: accounts, by: item => item.accountCount },
    { label: 'Status', cell: statusBadge, by: item => words.status(item.status) },
    { label: 'Last invited', cell: item => time(item.lastInvitedAt, timeZone), kind: 'time', by: item => item.lastInvitedAt },
    { label: 'Expires', cell: item => expiry(item, timeZone) ?? '–', kind: 'time', by: item => (waits(item) ? item.expiresAt : null) },
  ],
  services: () => [person, email, { label: 'Accounts with active services', cell: services, by: item => item.activeServicesAccounts }],
  contacts: () => [
    { label: 'Name', cell: item => item.name || 'No name', by: item => item.name },
    { label: 'Why', cell: item => words.reason(item.reason), by: item => words.reason(item.reason) },
    { label: 'Account', cell: item => [item.accountId, item.accountName && ` ${item.accountName}`], by: item => item.accountId },
    { label: 'Site', cell: item => item.siteId ?? 'Account level', by: item => item.siteId },
    { label: 'Contact', cell: item => item.contactId, by: item => item.contactId },
  ],
};

/** The list with this name, for a filter. */
export function peopleList(name, filter, counts, { timeZone, signal }) {
  const { title, query, path = 'v1/recipients', columns = 'people', count } = LISTS[name];
  const total = counts && count ? count(counts) : null;
  return show({ title, path, query: { ...filter, ...query }, columns: COLUMNS[columns](timeZone), total, file: name, signal });
}

/** The list of a division's people whose name or address contains `text`. */
export function foundPeople(text, division, { timeZone, signal }) {
  const query = { division, search: text };
  const empty = `Nobody in ${division} has this in their name or address.`;
  const columns = COLUMNS.people(timeZone);
  return show({ title: `Found for “${text}”`, path: 'v1/recipients', query, columns, total: null, file: 'found', empty, signal });
}

function show({ title, path, query, columns, total, file, empty = undefined, signal }) {
  const load = (cursor, limit) => get(path, { query: { ...query, ...(cursor && { cursor }), ...(limit && { limit }) }, signal });
  const csv = csvButton({ path, query, name: `${query.division}-${file}.csv`, total: () => total, signal });
  return list({ title, columns, load, total, empty, tools: [csv], signal });
}

/** The person's portal access, and whether e-mails reach them. */
export function statusBadge(item) {
  return [
    h('span', { class: `badge status-${item.status}` }, words.status(item.status)),
    item.undeliverable && h('span', { class: 'badge warning' }, words.standing(item.undeliverable)),
  ];
}

/** Whether the person has an invitation that can expire. */
function waits({ status, undeliverable }) {
  return status !== 'accepted' && !undeliverable;
}

/** When the person's invitation expires or expired, or why they get no e-mail; null if neither applies. */
export function expiry(item, timeZone) {
  if (item.undeliverable) return h('span', { class: 'no-mail' }, words.noMail(item.undeliverable));
  if (!waits(item) || !item.expiresAt) return null;
  const at = time(item.expiresAt, timeZone);
  return Date.parse(item.expiresAt) <= Date.now() ? ['Expired ', at] : at;
}

function accounts({ accountIds, accountCount: all }) {
  const named = accountIds.slice(0, SHOWN_ACCOUNTS);
  return named.join(', ') + andMore(all - named.length);
}

function services({ activeServices, activeServicesAccounts }) {
  return [
    h('ul', { class: 'plain' }, activeServices.map(({ accountId, accountName, activeServices: services }) =>
      h('li', {}, `${accountId} ${accountName ?? ''}: `, h('b', {}, number(services))))),
    andMore(activeServicesAccounts - activeServices.length),
  ];
}

function andMore(rest) {
  return rest > 0 ? ` and ${number(rest)} more` : '';
}
