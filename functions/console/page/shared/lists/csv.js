/**
 * Downloads a whole list as CSV, page by page.
 */
import { body, call } from '../api/api.js';
import { button, fill, h } from '../dom.js';
import { count, number } from '../format.js';
import { problemBox } from '../problem-box.js';
import { saveFile } from '../save-file.js';

/**
 * A button that saves a list as a file. If a page fails, the earlier pages are kept and the next attempt continues
 * there.
 * @param {{label?: string, path: string, query: Object, name: string, total: () => ?number, signal: AbortSignal}} list
 */
export function csvButton({ label = 'Download CSV', path, query, name, total, signal }) {
  const status = h('span', { class: 'csv-status', role: 'status' });
  const failed = h('div');
  let download = null;

  async function work() {
    download ??= { parts: [], rows: 0, cursor: null };
    fill(failed);
    try {
      do {
        await nextPage(download, path, query, signal);
        fill(status, total() === null ? count(download.rows, 'row', 'rows') : `${number(download.rows)} of ${count(total(), 'row', 'rows')}`);
      } while (download.cursor);
      // Reading an answer as text removes the byte-order mark, by which Excel recognises UTF-8.
      saveFile(['\uFEFF', ...download.parts], name, 'text/csv;charset=utf-8');
      download = null;
    } catch (error) {
      if (!signal.aborted) fill(failed, problemBox(error, { more: kept(download, label) }));
    }
  }

  return h('div', { class: 'csv' }, button({ class: 'download-csv' }, label, 'Downloading…', work), status, failed);
}

function kept({ rows }, label) {
  const are = count(rows, 'row is', 'rows are');
  return rows > 0 ? [h('p', {}, `${are} here already. “${label}” goes on from there.`)] : [];
}

async function nextPage(download, path, query, signal) {
  const page = { ...query, columns: 'words', ...(download.cursor && { cursor: download.cursor }) };
  const response = await call('GET', path, { query: page, headers: { Accept: 'text/csv' }, signal });
  const text = await body(response, 'text', signal);
  // Every page begins with the names of the columns; only the first page keeps them.
  const rows = text.slice(text.indexOf('\n') + 1);
  download.parts.push(download.parts.length === 0 ? text : rows);
  download.rows += rows.split('\n').length - 1;
  download.cursor = nextCursor(response.headers.get('Link'));
}

/** The cursor in `<?…&cursor=…>; rel="next"`. */
function nextCursor(link) {
  const next = link?.match(/<([^>]*)>\s*;\s*rel="?next"?/);
  return next ? new URL(next[1], document.baseURI).searchParams.get('cursor') : null;
}
