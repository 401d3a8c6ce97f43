/**
 * Signs the operator in, and shows the view that the address names.
 */
import { whenSessionEnds } from '../shared/api/api.js';
import { button, fill, h, heading } from '../shared/dom.js';
import { inviteView } from '../invite/invite.js';
import { later } from '../shared/navigation/later.js';
import { place as currentPlace, restore } from '../shared/navigation/place.js';
import { problemBox } from '../shared/problem-box.js';
import * as route from '../shared/navigation/route.js';
import * as session from '../shared/api/session.js';
import { PERMISSION } from '../shared/words.js';

const TABS = [['Invite', ''], ['Campaigns', 'campaigns'], ['Schedules', 'schedules'], ['Templates', 'templates']];
const AUDIT_TAB = ['Audit', 'audit'];

const main = document.getElementById('main');
let view = { key: null, end: new AbortController() };

/**
 * The view for a path: the key that tells whether two paths are the same view, its title, and the function that shows
 * it.
 * @param {string[]} path
 */
function viewFor([kind, id, from]) {
  if (kind === 'campaigns' && id) return { key: `campaign ${id}`, tab: 'campaigns', title: 'Campaign', show: later(() => import('../campaigns/campaign.js'), 'campaignView') };
  if (kind === 'campaigns') return { key: 'campaigns', tab: 'campaigns', title: 'Campaigns', show: later(() => import('../campaigns/campaigns.js'), 'campaignsView') };
  if (kind === 'schedules' && id) return { key: `schedule ${id}`, tab: 'schedules', title: 'Schedule', show: later(() => import('../schedules/schedule.js'), 'scheduleView') };
  if (kind === 'schedules') return { key: 'schedules', tab: 'schedules', title: 'Schedules', show: later(() => import('../schedules/schedules.js'), 'schedulesView') };
  if (kind === 'templates' && id) return { key: `template ${id} ${from}`, tab: 'templates', title: 'Template', show: later(() => import('../templates/template.js'), 'templateView') };
  if (kind === 'templates') return { key: 'templates', tab: 'templates', title: 'Templates', show: later(() => import('../templates/templates.js'), 'templatesView') };
  if (kind === 'audit') return { key: `audit ${id ?? ''}`, tab: 'audit', title: 'Audit', show: later(() => import('../audit/audit.js'), 'auditView') };
  if (kind === 'people') return { key: `person ${id} ${location.search}`, tab: '', title: 'Person', show: later(() => import('../people/person.js'), 'personView') };
  return { key: 'invite', tab: '', title: 'Invite', show: inviteView };
}

/** @param {{anew?: boolean}} [how] */
async function show({ anew = false } = {}) {
  const place = route.current();
  const wanted = viewFor(place.path);
  if (wanted.key === view.key && view.update && !anew) {
    view.update(place);
    return comeBack();
  }
  const first = view.key === null;
  const isReturn = anew || currentPlace().scroll !== undefined;
  view.end.abort();
  const mine = { key: wanted.key, end: new AbortController(), update: null };
  view = mine;
  mark(wanted.tab);
  document.title = `${wanted.title} – Portal Invites`;
  main.setAttribute('aria-busy', 'true');
  // Each view fills its own box, so that a view that loads late can't overwrite the next one.
  const box = h('div', { class: 'view' }, h('p', { class: 'quiet' }, 'Loading…'));
  fill(main, box);
  try {
    mine.update = await wanted.show(box, place, mine.end.signal);
  } catch (error) {
    if (mine.end.signal.aborted) return;
    fill(box, heading(1, {}, wanted.title), problemBox(error, { retry: () => show({ anew: true }) }));
  }
  if (view !== mine) return;
  main.removeAttribute('aria-busy');
  if (!isReturn) scrollTo(0, 0);
  if (!first && !box.contains(document.activeElement)) box.querySelector('h1')?.focus();
  comeBack();
}

/** Restores the place in a view. A list does that by itself once its rows are loaded. */
function comeBack() {
  if (!currentPlace().awaited) restore();
}

function mark(tab) {
  for (const link of document.querySelectorAll('a[data-tab]')) {
    if (link.getAttribute('data-tab') === tab) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function header(operator) {
  const header = document.getElementById('header');
  const tabs = [...(operator.permitted ? TABS : []), ...(operator.audits ? [AUDIT_TAB] : [])];
  fill(header, [...header.children],
    tabs.length > 0 && h('nav', { 'aria-label': 'Views' }, tabs.map(([label, tab]) =>
      h('a', { href: route.to(...(tab ? [tab] : [])), 'data-tab': tab }, label))),
    h('p', { class: 'who' }, h('span', { id: 'operator' }, operator.name),
      h('button', { id: 'sign-out', type: 'button', onclick: session.signOut }, 'Sign out')));
}

function denied(operator) {
  document.title = 'Permission needed – Portal Invites';
  fill(main, h('section', { id: 'denied', class: 'card narrow' },
    heading(1, {}, 'You need a permission for this'),
    h('p', {}, 'Portal Invites needs the permission ', h('b', {}, PERMISSION.title), `, which ${operator.name} does not have.`),
    h('p', {}, 'Ask whoever manages your users for it. Then sign out, and sign in again.')));
}

function offerSignIn(title, ...text) {
  fill(main, h('section', { id: 'signed-out', class: 'card narrow' },
    heading(1, {}, title), text, button({ id: 'sign-in', class: 'primary' }, 'Sign in', 'Going to sign in…', session.signIn)));
}

/** Keeps the screen as it is. Signing in returns to the same address, and so to the same view. */
function sessionEnded() {
  fill(document.getElementById('session-banner'), h('div', { class: 'banner' },
    h('p', {}, 'Your session has ended. Sign in again, and you come back to this view.'),
    button({ id: 'sign-in-again', class: 'primary' }, 'Sign in again', 'Going to sign in…', async () => {
      // Unsaved changes are kept as a draft, so leaving needs no question.
      route.setGuard(null);
      await session.signIn();
    })));
}

async function start() {
  try {
    const signedIn = await session.start();
    if (!signedIn && session.wasSignedOut()) return offerSignIn('You are signed out');
    if (!signedIn) return await session.signIn();
  } catch (error) {
    if (error instanceof session.SignInError) return offerSignIn('The sign-in did not succeed', problemBox(error));
    return fill(main, problemBox(new Error('The page could not be started. Check the network connection.'), { retry: async () => location.reload() }));
  }
  const operator = session.operator();
  header(operator);
  if (!operator.permitted && !operator.audits) return denied(operator);
  if (!operator.permitted && route.current().path[0] !== 'audit') history.replaceState(history.state, '', route.to('audit'));
  whenSessionEnds(sessionEnded);
  document.querySelector('.skip').addEventListener('click', event => {
    // The hash names a view, so it can't name a place on the page.
    event.preventDefault();
    main.focus();
  });
  route.listen(show);
  show();
}

start();
