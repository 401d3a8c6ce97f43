/**
 * A list that fetches its next page as one scrolls.
 */
import { announce, button, fill, h, heading, whileBusy } from './dom.js';
import { number } from './format.js';
import { problemBox } from './problem-box.js';

/**
 * @typedef {{label: string, cell: function(Object): (Node|string|Array), kind?: string}} Column
 *
 * @param {Object} list
 * @param {string} list.title
 * @param {Column[]} list.columns the first names the row
 * @param {function(?string): Promise<{items: Object[], nextCursor: ?string}>} list.load the page at a cursor
 * @param {AbortSignal} list.signal ends the list
 * @param {?number} [list.total] how many there are, where that is known
 * @param {string} [list.empty] what to say where there is nobody
 * @param {Node[]} [list.tools] buttons beside the title
 * @returns {{element: Element, focus: function(), refresh: function(), drop: function(Element)}}
 */
export function list({ title, columns, load, signal, total = null, empty = 'Nobody.', tools = [] }) {
  let cursor = null;
  let shown = 0;
  let loading = false;
  let ended = false;

  const name = heading(2, {}, title);
  const extent = h('p', { class: 'quiet extent' }, 'Loading…');
  const body = h('tbody', { role: 'rowgroup' });
  const table = h('table', { role: 'table', hidden: true },
    h('caption', { class: 'unseen' }, title),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, columns.map(headerCell))),
    body);
  const failed = h('div');
  const moreButton = button({ class: 'load-more', hidden: true }, 'Load more', 'Loading…', more);
  const element = h('section', { class: 'list card' }, h('div', { class: 'list-head' }, name, extent, tools), table, failed, moreButton);

  // Starts a little before the end comes into view.
  const watcher = new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) whileBusy(moreButton, 'Loading…', more);
  }, { rootMargin: '400px' });
  signal.addEventListener('abort', () => watcher.disconnect());

  async function more() {
    if (loading || ended) return;
    loading = true;
    fill(failed);
    try {
      take(await load(cursor));
    } catch (error) {
      // Watching goes on only after a press on the button, so that a broken network isn't asked again and again.
      watcher.unobserve(moreButton);
      if (!signal.aborted) fill(failed, problemBox(error, { retry: more }));
    } finally {
      loading = false;
    }
  }

  function take(page) {
    if (signal.aborted) return;
    body.append(...page.items.map(row));
    shown += page.items.length;
    cursor = page.nextCursor;
    ended = !cursor;
    table.hidden = shown === 0;
    moreButton.hidden = ended;
    tell();
    // Observing anew reports where the button is now: it may still be in view, after a short page.
    watcher.unobserve(moreButton);
    if (!ended) watcher.observe(moreButton);
  }

  function tell() {
    const extentNow = ended ? (shown === 0 ? empty : `${number(shown)} shown, that is all`)
      : total === null ? `${number(shown)} shown` : `${number(shown)} of ${number(total)} shown`;
    fill(extent, extentNow);
    announce(`${title}: ${extentNow}`);
  }

  function headerCell({ label, kind }) {
    return h('th', { role: 'columnheader', scope: 'col', class: kind }, label);
  }

  function row(item) {
    return h('tr', { role: 'row' }, columns.map(({ label, cell, kind }, index) =>
      h(index === 0 ? 'th' : 'td',
        { role: index === 0 ? 'rowheader' : 'cell', scope: index === 0 && 'row', class: kind, 'data-label': label }, cell(item))));
  }

  /** Takes away a row whose item is no longer in the list. The keyboard goes on at the next. */
  function drop(row) {
    if (!row.isConnected) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const focused = row.contains(document.activeElement);
    row.remove();
    shown -= 1;
    table.hidden = shown === 0;
    tell();
    if (focused) (next?.querySelector('button') ?? name).focus();
  }

  /** Fetches the first page anew, unless the operator has gone on from there. What has the keyboard's focus keeps it by its id. */
  async function refresh() {
    if (loading || body.rows.length > 100) return;
    loading = true;
    try {
      const page = await load(null);
      const focused = body.contains(document.activeElement) ? document.activeElement.id : null;
      body.replaceChildren();
      shown = 0;
      take(page);
      if (focused !== null) (document.getElementById(focused) ?? name).focus();
    } catch {
      // What is shown stays; the next refresh comes by itself.
    } finally {
      loading = false;
    }
  }

  more();
  return { element, focus: () => name.focus(), refresh, drop };
}
