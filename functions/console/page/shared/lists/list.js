/**
 * A list that fetches its next page during scrolling, and can be sorted if it is not too long.
 */
import { announce, button, fill, h, heading, whileBusy } from '../dom.js';
import { number } from '../format.js';
import { place as currentPlace, restore } from '../navigation/place.js';
import { problemBox } from '../problem-box.js';
import { sorting } from './sorting.js';

/** Most rows that are fetched for sorting; also the most in one page. */
const MOST_SORTED = 1_000;

/**
 * @typedef {{label: string, cell: (row: Object) => (Node|string|any[]|false|null|undefined), kind?: string, by?: (row:
 *   Object) => any}} Column `by` returns the sort key, if the list can be sorted by the column
 *
 * @param {Object} list
 * @param {string} list.title
 * @param {Column[]} list.columns the first names the row
 * @param {(text: ?string, number?: number) => Promise<{items: Object[], nextCursor: ?string}>} list.load fetches the
 *   page at a cursor, with the given number of rows if possible
 * @param {AbortSignal} list.signal ends the list
 * @param {?number} [list.total] number of rows, if known
 * @param {string} [list.empty] text for an empty list
 * @param {Node[]} [list.tools] buttons beside the title
 * @returns {{element: HTMLElement, focus: () => void, refresh: () => Promise<void>, drop: (element: Element) => void}}
 */
export function list({ title, columns, load, signal, total = null, empty = 'Nobody.', tools = [] }) {
  const place = currentPlace();
  place.awaited = true;
  let cursor = null;
  let shown = [];
  let running = null;
  let ended = false;

  const name = heading(2, {}, title);
  const extent = h('p', { class: 'quiet extent' }, 'Loading…');
  const body = h('tbody', { role: 'rowgroup' });
  const order = sorting(columns, sortBy);
  const table = h('table', { role: 'table', hidden: true },
    h('caption', { class: 'unseen' }, title),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, order.headers)),
    body);
  const failed = h('div');
  const moreButton = button({ class: 'load-more', hidden: true }, 'Load more', 'Loading…', () => more());
  const element = h('section', { class: 'list card' }, h('div', { class: 'list-head' }, name, extent, tools), table, failed, moreButton);

  // Fetches the next page a little before the end is visible.
  const watcher = new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) whileBusy(moreButton, 'Loading…', () => more());
  }, { rootMargin: '400px' });
  signal.addEventListener('abort', () => watcher.disconnect());

  /** Restores the list for an operator who comes back: the number of rows, their order, and the position. */
  async function begin() {
    const before = place.rows ?? 0;
    do {
      if (!await more(before - shown.length)) return;
    } while (!ended && shown.length < before);
    if (place.sort) await sortBy(place.sort);
    if (!signal.aborted) restore();
  }

  /** Fetches the next page, once for concurrent callers; answers whether that worked. */
  function more(rows = 0) {
    running ??= fetchPage(rows).finally(() => { running = null; });
    return running;
  }

  async function fetchPage(rows) {
    if (ended) return false;
    fill(failed);
    try {
      const page = await load(cursor, rows > 0 ? Math.min(rows, MOST_SORTED) : undefined);
      if (signal.aborted) return false;
      take(page);
      return true;
    } catch (error) {
      // Only a press on the button starts observing again, so that a broken network is not called again and again.
      watcher.unobserve(moreButton);
      if (!signal.aborted) fill(failed, problemBox(error, { retry: () => more() }));
      return false;
    }
  }

  function take(page) {
    const rows = page.items.map(item => ({ item, row: row(item) }));
    body.append(...rows.map(({ row: element }) => element));
    shown = [...shown, ...rows];
    cursor = page.nextCursor;
    ended = !cursor;
    table.hidden = shown.length === 0;
    moreButton.hidden = ended;
    tell();
    // Observing again reports where the button is now: after a short page it may still be visible.
    watcher.unobserve(moreButton);
    if (!ended) watcher.observe(moreButton);
  }

  function tell() {
    place.rows = shown.length;
    const extentNow = ended ? (shown.length === 0 ? empty : `${number(shown.length)} shown, that is all`)
      : total === null ? `${number(shown.length)} shown` : `${number(shown.length)} of ${number(total)} shown`;
    fill(extent, extentNow);
    announce(`${title}: ${extentNow}`);
  }

  /** Fetches the whole list, and sorts it. */
  async function sortBy(wanted) {
    if (!(total > MOST_SORTED)) {
      while (!ended && shown.length <= MOST_SORTED) {
        if (!await more(MOST_SORTED)) return;
      }
    }
    if (!ended || shown.length > MOST_SORTED) return fill(failed, h('p', { class: 'note', role: 'status' }, tooLong()));
    place.sort = wanted;
    arrange();
    return announce(`${title}: sorted by ${order.inWords(wanted)}`);
  }

  /** Sorts the rows in the chosen order, if all of them are loaded. */
  function arrange() {
    if (!place.sort || !ended) return;
    shown = order.sorted(shown, place.sort);
    const focused = body.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    body.append(...shown.map(({ row: element }) => element));
    focused?.focus({ preventScroll: true });
  }

  function row(item) {
    return h('tr', { role: 'row' }, columns.map(({ label, cell, kind }, index) =>
      h(index === 0 ? 'th' : 'td',
        { role: index === 0 ? 'rowheader' : 'cell', scope: index === 0 && 'row', class: kind, 'data-label': label }, cell(item))));
  }

  /** Removes a row whose item has left the list, and moves the focus to the next row. */
  function drop(gone) {
    if (!gone.isConnected) return;
    const next = gone.nextElementSibling ?? gone.previousElementSibling;
    const focused = gone.contains(document.activeElement);
    gone.remove();
    shown = shown.filter(({ row: element }) => element !== gone);
    table.hidden = shown.length === 0;
    tell();
    if (focused) (next?.querySelector('button') ?? name).focus();
  }

  /**
   * Fetches the first page again, unless the operator has loaded more. The focused element is found again by its id.
   */
  async function refresh() {
    if (running || shown.length > 100) return;
    running = load(null).then(page => {
      const focused = body.contains(document.activeElement) ? document.activeElement.id : null;
      body.replaceChildren();
      shown = [];
      take(page);
      arrange();
      if (focused !== null) (document.getElementById(focused) ?? name).focus();
    }).catch(() => {
      // The rows stay as they are; the next refresh comes by itself.
    }).finally(() => { running = null; });
    await running;
  }

  begin();
  return { element, focus: () => name.focus(), refresh, drop };
}

function tooLong() {
  return `A list of more than ${number(MOST_SORTED)} rows cannot be sorted. Narrow the filter, or search.`;
}
