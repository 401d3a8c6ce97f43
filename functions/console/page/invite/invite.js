/**
 * The view Invite: choose, Load, read the lists behind the counts, Send.
 */
import { get } from '../shared/api/api.js';
import { getCatalog, zoneOf } from '../shared/api/catalog.js';
import { countTiles } from './counts.js';
import { announce, button, fill, h, heading, whileBusy } from '../shared/dom.js';
import { readFilter, sameFilter } from '../shared/filter.js';
import { filterForm } from '../shared/filters.js';
import { clockNote, people } from '../shared/format.js';
import { later } from '../shared/navigation/later.js';
import { countsAreStale, loaded as lastLoaded, setLoaded } from './loaded.js';
import { foundPeople, LISTS, peopleList } from './people-list.js';
import { problemBox } from '../shared/problem-box.js';
import * as route from '../shared/navigation/route.js';
import { PERMISSION } from '../shared/words.js';

const followBusy = later(() => import('./busy-note.js'), 'followBusy');
const openSendDialog = later(() => import('./send.js'), 'openSendDialog');

export async function inviteView(root, place, signal) {
  const catalog = await getCatalog();
  let loading = null;
  let panelEnd = new AbortController();
  signal.addEventListener('abort', () => { loading?.abort(); panelEnd.abort(); busy.end.abort(); });

  const filters = filterForm(catalog, { onFilter, onMessage, onLoad: load });
  const counts = countTiles();
  const failed = h('div', { id: 'load-problem' });
  const loadButton = button({ id: 'load', class: 'primary' }, 'Load', 'Loading…', loadNow);
  const sendButton = h('button', { id: 'send', type: 'button', class: 'primary', 'aria-describedby': 'send-why', onclick: send }, 'Send Email');
  const sendWhy = h('span', { id: 'send-why', class: 'quiet' });
  const busyNote = h('div', { id: 'division-busy' });
  let busy = { campaignId: null, end: new AbortController() };
  const panel = h('div', { id: 'panel', class: 'view' });
  const search = searchForm();

  fill(root,
    h('div', { class: 'view-head' }, heading(1, { class: 'screen-title' }, 'Bulk Account Portal Invites'), search.element),
    h('div', { class: 'card' },
      filters.element, counts.tiles, failed,
      h('div', { class: 'actions' }, h('div', { class: 'buttons' }, loadButton, sendButton, sendWhy), counts.summary),
      busyNote,
      h('p', { class: 'quiet permission' }, `Permission needed: ${PERMISSION.title}`)),
    panel);

  function update(place) {
    const filter = readFilter(place.query);
    const only = catalog.divisions.length === 1 ? catalog.divisions[0].division : null;
    if (!filter.division && only) return route.go(location.hash || '#/', { query: { ...filter, division: only }, replace: true });
    filters.write(filter);
    filters.writeMessage({ emailFrom: place.query.get('emailFrom'), templateId: place.query.get('templateId') });
    const loaded = lastLoaded();
    if (loaded && !sameFilter(loaded.filter, filter)) countsAreStale();
    render();
    showPanel(place.path, filter)?.focus();
  }

  function render() {
    const loaded = lastLoaded();
    const fresh = loaded?.fresh ?? false;
    const counting = loading !== null;
    counts.show(loaded?.counts ?? null, { stale: loaded !== null && !fresh, busy: counting, timeZone: zoneOf(catalog, loaded?.filter.division) });
    showBusy(fresh && !counting ? loaded.counts.activeCampaign : null);
    const why = !fresh ? 'Press Load first.' : loaded.counts.willEmail === 0 ? 'No one here needs an e-mail right now.' : '';
    sendButton.disabled = counting || why !== '' || catalog.templates.length === 0;
    fill(sendWhy, counting ? '' : why);
  }

  /** Shows the campaign that keeps the division busy, until it has ended. */
  function showBusy(campaign) {
    const campaignId = campaign?.campaignId ?? null;
    if (campaignId === busy.campaignId) return;
    busy.end.abort();
    busy = { campaignId, end: new AbortController() };
    fill(busyNote);
    if (campaign) followBusy(busyNote, campaign, busy.end.signal);
  }

  function onFilter(filter) {
    countsAreStale();
    loading?.abort();
    const { query } = route.current();
    const kept = query.get('division') === filter.division ? ['emailFrom', 'templateId'] : ['templateId'];
    const message = kept.filter(name => query.get(name)).map(name => [name, query.get(name)]);
    route.go('#/', { query: { ...filter, ...Object.fromEntries(message) } });
  }

  function onMessage() {
    const { emailFrom, templateId } = filters.message();
    route.note('emailFrom', emailFrom);
    route.note('templateId', templateId);
  }

  function load() {
    return whileBusy(loadButton, 'Loading…', loadNow);
  }

  async function loadNow() {
    if (!filters.canLoad()) return;
    const filter = filters.read();
    const mine = new AbortController();
    loading = mine;
    fill(failed);
    render();
    try {
      const answer = await get('v1/counts', { query: filter, signal: mine.signal });
      if (mine.signal.aborted) return;
      setLoaded(filter, answer);
      announce(`${people(answer.total)} in this selection, ${people(answer.willEmail)} will be e-mailed.`);
    } catch (error) {
      if (!mine.signal.aborted) fill(failed, problemBox(error, { retry: load }));
    } finally {
      loading = null;
      render();
    }
    if (!mine.signal.aborted) showPanel(route.current().path, filter);
  }

  function send() {
    if (!filters.canSend()) return;
    const loaded = lastLoaded();
    whileBusy(sendButton, 'Opening…', () => openSendDialog({
      filter: loaded.filter, expected: loaded.counts.willEmail, message: filters.message(), loadAgain: load, chooseSender: filters.focusSender,
    }));
  }

  /**
   * Shows the list that the address names, if any. A shared link opens its list before counts are loaded.
   * @param {string[]} path
   * @param {Object} filter
   */
  function showPanel([kind, name], filter) {
    panelEnd.abort();
    panelEnd = new AbortController();
    const options = { timeZone: zoneOf(catalog, filter.division), signal: panelEnd.signal };
    const loaded = lastLoaded();
    const counts = loaded?.fresh ? loaded.counts : null;
    let list = null;
    if (filter.division && kind === 'search' && name) list = foundPeople(name, filter.division, options);
    if (filter.division && kind === 'lists' && name in LISTS) list = peopleList(name, filter, counts, options);
    fill(panel, list?.element, list && clockNote(options.timeZone));
    return list;
  }

  function searchForm() {
    const text = h('input', {
      id: 'person-search', type: 'search', minlength: 2, maxlength: 100, required: true, autocomplete: 'off', placeholder: 'Name or e-mail address',
      value: place.path[0] === 'search' ? place.path[1] : '',
    });
    const element = h('form', { class: 'search', role: 'search', onsubmit: find },
      h('label', { for: 'person-search' }, 'Find a person'), text, h('button', { type: 'submit', id: 'person-find' }, 'Find'));
    function find(event) {
      event.preventDefault();
      if (filters.canLoad()) route.go(route.to('search', text.value.trim()));
    }
    return { element };
  }

  update(place);
  return update;
}
