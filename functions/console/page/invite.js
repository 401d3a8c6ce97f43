/**
 * The view Invite: choose, Load, read the lists behind the counts, Send.
 */
import { get } from './api.js';
import { getCatalog } from './catalog.js';
import { countTiles } from './counts.js';
import { announce, button, fill, h, heading, whileBusy } from './dom.js';
import { readFilter, sameFilter } from './filter.js';
import { filterForm } from './filters.js';
import { people } from './format.js';
import { countsAreStale, loaded, setLoaded } from './loaded.js';
import { foundPeople, LISTS, peopleList } from './people-list.js';
import { problemBox } from './problem-box.js';
import * as route from './route.js';
import { openSendDialog } from './send.js';
import { PERMISSION } from './words.js';

export async function inviteView(root, place, signal) {
  const catalog = await getCatalog();
  let loading = null;
  let panelEnd = new AbortController();
  signal.addEventListener('abort', () => { loading?.abort(); panelEnd.abort(); });

  const filters = filterForm(catalog, { onFilter, onMessage, onLoad: load });
  const counts = countTiles();
  const failed = h('div', { id: 'load-problem' });
  const loadButton = button({ id: 'load', class: 'primary' }, 'Load', 'Loading…', loadNow);
  const sendButton = h('button', { id: 'send', type: 'button', class: 'primary', 'aria-describedby': 'send-why', onclick: send }, 'Send Email');
  const sendWhy = h('span', { id: 'send-why', class: 'quiet' });
  const panel = h('div', { id: 'panel' });
  const search = searchForm();

  fill(root,
    h('div', { class: 'view-head' }, heading(1, { class: 'screen-title' }, 'Bulk Account Portal Invites'), search.element),
    h('div', { class: 'card' },
      filters.element, counts.tiles, failed,
      h('div', { class: 'actions' }, h('div', { class: 'buttons' }, loadButton, sendButton, sendWhy), counts.summary),
      h('p', { class: 'quiet permission' }, `Permission needed: ${PERMISSION.title}`)),
    panel);

  function update(place) {
    const filter = readFilter(place.query);
    const only = catalog.divisions.length === 1 ? catalog.divisions[0].division : null;
    if (!filter.division && only) return route.go(location.hash || '#/', { query: { ...filter, division: only }, replace: true });
    filters.write(filter);
    filters.writeMessage({ emailFrom: place.query.get('emailFrom'), templateId: place.query.get('templateId') });
    if (loaded && !sameFilter(loaded.filter, filter)) countsAreStale();
    render();
    showPanel(place.path, filter)?.focus();
  }

  function render() {
    const fresh = loaded?.fresh ?? false;
    const busy = loading !== null;
    counts.show(loaded?.counts ?? null, { stale: loaded !== null && !fresh, busy });
    const why = !fresh ? 'Press Load first.' : loaded.counts.willEmail === 0 ? 'Nobody in this selection is to be e-mailed.' : '';
    sendButton.disabled = busy || why !== '' || catalog.templates.length === 0;
    fill(sendWhy, busy ? '' : why);
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
    openSendDialog({
      filter: loaded.filter, expected: loaded.counts.willEmail, message: filters.message(), loadAgain: load, chooseSender: filters.focusSender,
    });
  }

  /** The list that the address names, if any; one that was shared opens before anything is loaded. */
  function showPanel([kind, name], filter) {
    panelEnd.abort();
    panelEnd = new AbortController();
    const { signal } = panelEnd;
    const counts = loaded?.fresh ? loaded.counts : null;
    let list = null;
    if (filter.division && kind === 'search' && name) list = foundPeople(name, filter.division, signal);
    if (filter.division && kind === 'lists' && name in LISTS) list = peopleList(name, filter, counts, signal);
    fill(panel, list?.element);
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
