/**
 * Downloads everything that is stored about a person, as one file.
 */
import { get } from '../shared/api/api.js';
import { button, fill, h } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';
import { saveFile } from '../shared/save-file.js';

export function personDataButton({ recipientId }, signal) {
  const failed = h('div');

  async function work() {
    fill(failed);
    try {
      const data = await everything(recipientId, signal);
      saveFile([JSON.stringify(data, null, 2)], `person-${recipientId}.json`, 'application/json');
    } catch (error) {
      if (!signal.aborted) fill(failed, problemBox(error));
    }
  }

  return [button({ id: 'download-data' }, 'Download what is stored', 'Downloading…', work), failed];
}

/** All pages as one object: a person may be a contact of very many accounts. */
async function everything(recipientId, signal) {
  const path = `v1/recipients/${encodeURIComponent(recipientId)}/data`;
  const data = await get(path, { signal });
  while (data.nextCursor) {
    const page = await get(path, { query: { cursor: data.nextCursor }, signal });
    data.accounts.push(...page.accounts);
    data.nextCursor = page.nextCursor;
  }
  return data;
}
