/**
 * The view Templates: the e-mails to choose from.
 */
import { get } from '../shared/api/api.js';
import { getCatalog, sharedZone } from '../shared/api/catalog.js';
import { fill, h, heading } from '../shared/dom.js';
import { clockNote, number, time } from '../shared/format.js';
import { list } from '../shared/lists/list.js';
import { to } from '../shared/navigation/route.js';
import { operator } from '../shared/api/session.js';
import { PERMISSION } from '../shared/words.js';

const columnsOn = timeZone => [
  {
    label: 'Name', by: ({ name }) => name,
    cell: ({ templateId, name }) => h('a', { id: `template-${templateId}`, href: to('templates', templateId) }, name),
  },
  { label: 'State', cell: activeBadge, by: ({ active }) => Number(!active) },
  { label: 'Version', cell: template => number(template.version), kind: 'number', by: ({ version }) => version },
  {
    label: 'Changed', kind: 'time', by: ({ updatedAt }) => updatedAt,
    cell: template => (template.builtIn ? 'Built-in' : time(template.updatedAt, timeZone)),
  },
  { label: 'By', cell: template => template.updatedBy ?? '–', by: ({ updatedBy }) => updatedBy },
];

const COPY =
  { label: 'New', cell: template => h('a', { href: to('templates', 'new', template.templateId), 'aria-label': `Copy ${template.name}` }, 'Copy') };

export async function templatesView(root, place, signal) {
  const load = async () => ({ ...await get('v1/templates', { signal }), nextCursor: null });
  const { everywhere } = operator();
  const timeZone = sharedZone(await getCatalog());
  const create = h('a', { id: 'new-template', class: 'button', href: to('templates', 'new') }, 'New template');
  const columns = [...columnsOn(timeZone), ...(everywhere ? [COPY] : [])];
  const templates = list({ title: 'All templates', columns, load, empty: 'There is no template.', tools: everywhere ? [create] : [], signal });
  templates.element.id = 'templates';
  fill(root, heading(1, {}, 'Templates'), !everywhere && onlyEverywhere(), templates.element, clockNote(timeZone));
}

/** The note for operators who may not change templates. */
export function onlyEverywhere() {
  return h('p', { class: 'note only-everywhere' },
    `All divisions share these templates: whoever changes them needs the permission ${PERMISSION.title} for every division.`);
}

/** Only active templates are offered for a Send. */
export function activeBadge({ active }) {
  return h('span', { class: `badge ${active ? 'active' : ''}` }, active ? 'Active' : 'Not active');
}
