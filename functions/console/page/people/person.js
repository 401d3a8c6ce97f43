/**
 * One person: what was sent to them, with which outcome, and whether a Send would e-mail them now.
 */
import { get } from '../shared/api/api.js';
import { auditTrail } from '../shared/audit-trail.js';
import { followBusy } from '../invite/busy-note.js';
import { startedBy } from '../campaigns/campaigns.js';
import { getCatalog, zoneOf } from '../shared/api/catalog.js';
import { facts, fill, h, heading } from '../shared/dom.js';
import { eraseButton } from './erase.js';
import { describeFilter, readFilter } from '../shared/filter.js';
import { clockNote, number, time } from '../shared/format.js';
import { expiry, statusBadge } from '../invite/people-list.js';
import { personDataButton } from './person-data.js';
import { cameFrom } from '../shared/navigation/place.js';
import * as route from '../shared/navigation/route.js';
import { openSendDialog } from '../invite/send.js';
import { setBackButton } from './set-back.js';
import { undeliverableNote } from './undeliverable.js';
import { became, outcome, reason } from '../shared/words.js';

const SHOWN_ACCOUNTS = 20;

export async function personView(root, place, signal) {
  const filter = readFilter(place.query);
  if (!filter.division) {
    fill(root, heading(1, {}, 'Person'),
      h('p', { class: 'note' }, 'The address names no division. ', h('a', { href: route.to() }, 'Choose one, and search again.')));
    return;
  }
  const path = `v1/recipients/${encodeURIComponent(place.path[1])}`;
  const [person, catalog] = await Promise.all([get(path, { query: filter, signal }), getCatalog()]);
  const timeZone = zoneOf(catalog, filter.division);

  fill(root,
    h('div', { class: 'view-head' }, heading(1, { class: 'person-name' }, person.name || 'No name'), backLink()),
    h('div', { class: 'card', id: 'person' },
      facts([['E-mail address', person.email], ['Division', person.division], ['Portal', statusBadge(person)],
        ['Last invited', time(person.lastInvitedAt, timeZone)], [person.undeliverable ? 'E-mails' : 'Expires', expiry(person, timeZone)],
        ['Accepted', person.acceptedAt && time(person.acceptedAt, timeZone)], ['Accounts', accounts(person)]]),
      decision(person, filter),
      person.undeliverable && undeliverableNote(person, signal),
      h('div', { class: 'buttons' }, setBackButton(person), personDataButton(person, signal), eraseButton(person))),
    canBeInvited(person) && inviteCard(person, filter, catalog, { query: place.query, signal }),
    h('section', { class: 'card list', id: 'history' }, h('h2', {}, 'What was sent'), history(person, timeZone)),
    person.audit?.length > 0 && personHistory(person, timeZone), clockNote(timeZone));
}

/** A link back to where the operator came from, at the same place in a list. */
function backLink() {
  const from = cameFrom();
  if (!from) return h('a', { id: 'back', href: route.to() }, 'Back to Invite');
  const back = event => {
    if (!from.behind || !route.isPlain(event)) return;
    event.preventDefault();
    window.history.back();
  };
  const where = [['#/lists/', 'Back to the list'], ['#/search/', 'Back to the list'], ['#/campaigns/', 'Back to the campaign']];
  const label = where.find(([view]) => from.href.includes(view))?.[1] ?? 'Back';
  return h('a', { id: 'back', href: from.href, onclick: back }, label);
}

function accounts({ accountIds, accountCount: all }) {
  const named = accountIds.slice(0, SHOWN_ACCOUNTS);
  return named.join(', ') + (all > named.length ? ` and ${number(all - named.length)} more` : '');
}

function decision({ decision: { willEmail, reason: why }, undeliverable: marked, division }, filter) {
  const narrowed = Object.keys(filter).length > 1;
  // The person's own mark is more exact than the reason `undeliverable`.
  const because = why === 'undeliverable' && marked ? reason(marked) : reason(why);
  return h('div', { id: 'decision', class: willEmail ? 'note good' : 'note' },
    h('p', {}, h('b', {}, willEmail ? 'Would be e-mailed now.' : `Would not be e-mailed now: ${because}.`)),
    narrowed && h('p', {}, `Under the filter ${describeFilter(filter)}. `,
      h('a', { 'data-replace': true, href: route.under({ division }, ...route.current().path) }, 'Look without the filter')));
}

/** The audit entries about the person. */
function personHistory(person, timeZone) {
  const audit = auditTrail(timeZone);
  audit.show(person);
  return audit.element;
}

function canBeInvited({ decision: { willEmail, reason: why } }) {
  return willEmail || why === 'recentlyInvited';
}

/** Invites one person. A second invitation within 24 hours needs a ticked box. */
function inviteCard(person, filter, catalog, { query, signal }) {
  const division = catalog.divisions.find(one => one.division === filter.division);
  const recently = person.decision.reason === 'recentlyInvited';
  const evenSo = h('input', { id: 'includeRecentlyInvited', type: 'checkbox', onchange: () => { invite.disabled = !evenSo.checked; } });
  const sender = h('input', {
    id: 'emailFrom', type: 'email', required: true, value: query.get('emailFrom') ?? division?.emailFrom ?? '', list: 'senders',
  });
  const template = h('select', { id: 'templateId' }, catalog.templates.map(({ templateId, name }) =>
    h('option', { value: templateId, selected: templateId === query.get('templateId') }, name)));
  const invite = h('button', { id: 'invite-person', type: 'submit', class: 'primary', disabled: recently }, 'Invite this person');

  function open(event) {
    event.preventDefault();
    openSendDialog({
      filter, person, expected: 1, includeRecentlyInvited: evenSo.checked,
      message: { emailFrom: sender.value.trim(), templateId: template.value, templateName: template.selectedOptions[0]?.textContent ?? '' },
      loadAgain: route.again,
      chooseSender: () => sender.focus(),
    });
  }

  const busy = h('div', { id: 'division-busy' });
  if (person.activeCampaign) followBusy(busy, person.activeCampaign, signal);
  return h('form', { class: 'card', onsubmit: open },
    h('h2', {}, 'Invite this person'),
    busy,
    h('div', { class: 'grid two' },
      h('div', { class: 'field' }, h('label', { for: 'emailFrom' }, 'Email From'), sender,
        h('datalist', { id: 'senders' }, (division?.senders ?? []).map(value => h('option', { value })))),
      h('div', { class: 'field' }, h('label', { for: 'templateId' }, 'Notification Template'), template)),
    recently && h('label', { class: 'flag', for: 'includeRecentlyInvited' }, evenSo,
      'Invite again, although the last invitation is less than 24 hours old'),
    h('div', { class: 'buttons' }, invite));
}

function history({ history: entries, moreHistory }, timeZone) {
  if (entries.length === 0) return h('p', { class: 'quiet' }, 'Nothing yet.');
  const labels = ['Campaign', 'By', 'Template', 'From', 'Outcome', 'Why', 'When'];
  const row = entry => [
    h('a', { href: route.to('campaigns', entry.campaignId) }, time(entry.createdAt, timeZone)), startedBy(entry), entry.templateName, entry.emailFrom,
    outcome(entry.outcome), became(entry), time(entry.updatedAt, timeZone),
  ];
  return [
    h('table', { role: 'table' },
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, labels.map(label => h('th', { role: 'columnheader', scope: 'col' }, label)))),
      h('tbody', { role: 'rowgroup' }, entries.map(entry => h('tr', { role: 'row' }, row(entry).map((cell, index) =>
        h('td', { role: 'cell', 'data-label': labels[index] }, cell)))))),
    moreHistory && h('p', { class: 'quiet' }, `The newest ${number(entries.length)}.`),
  ];
}
