/**
 * The versions of a template: who saved them, and when.
 */
import { get } from '../shared/api/api.js';
import { button } from '../shared/dom.js';
import { number, time } from '../shared/format.js';
import { list } from '../shared/lists/list.js';

/**
 * @param {{path: string, shown: number, take: ?((version: number) => Promise<any>), timeZone: string, signal:
 *   AbortSignal}} options `take` puts a version into the editor; null if there is no editor
 */
export function versionList({ path, shown, take, timeZone, signal }) {
  /** @type {import('../shared/lists/list.js').Column[]} */
  const columns = [
    { label: 'Version', cell: ({ version }) => (version === shown ? `${number(version)}, the newest` : number(version)), by: ({ version }) => version },
    { label: 'Name', cell: ({ name }) => name, by: ({ name }) => name },
    { label: 'Saved', cell: ({ updatedAt }) => time(updatedAt, timeZone), kind: 'time', by: ({ updatedAt }) => updatedAt },
    { label: 'By', cell: ({ updatedBy }) => updatedBy ?? '–', by: ({ updatedBy }) => updatedBy },
  ];
  const show = ({ version }) =>
    button({ class: 'take-version', 'aria-label': `Show the text of version ${version}` }, 'Show', 'Loading…', () => take(version));
  if (take) columns.push({ label: 'Text', cell: show });
  const load = async () => ({ ...await get(path, { signal }), nextCursor: null });
  const versions = list({ title: 'Versions', columns, load, empty: 'There is no other version.', signal });
  versions.element.id = 'versions';
  return versions.element;
}
