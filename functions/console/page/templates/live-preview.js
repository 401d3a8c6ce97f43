/**
 * A preview of a template, updated shortly after each change.
 */
import { post } from '../shared/api/api.js';
import { fill, h } from '../shared/dom.js';
import { mailPreview } from './mail-preview.js';
import { problemBox } from '../shared/problem-box.js';

/** The pause in typing after which the preview is updated. */
const PAUSE_MS = 500;

/**
 * @param {{divisions: Object[], division: ?string, read: () => Object, onFaults: (faults: Object[]) => void, signal:
 *   AbortSignal}} options `onFaults` gets the faults of the sources, empty if there are none
 * @returns {{element: HTMLElement, changed: () => void}}
 */
export function livePreview({ divisions, division, read, onFaults, signal }) {
  const chosen = h('select', { id: 'preview-division', onchange: show }, divisions.map(one =>
    h('option', { value: one.division, selected: one.division === division }, one.name || one.division)));
  const mail = mailPreview();
  const status = h('div', { id: 'preview-status' });
  const element = h('section', { class: 'card', 'aria-labelledby': 'preview-title' },
    h('h2', { id: 'preview-title' }, 'Preview'),
    h('div', { class: 'field' }, h('label', { for: 'preview-division' }, 'As a sample person of this division gets it'), chosen),
    status, mail.element);
  let timer;
  let running = new AbortController();
  signal.addEventListener('abort', () => { clearTimeout(timer); running.abort(); });

  async function show() {
    running.abort();
    const mine = new AbortController();
    running = mine;
    const { subject, html, text, language } = read();
    try {
      const rendered = await post('v1/templates/preview', { subject, html, text, language, division: chosen.value }, { signal: mine.signal });
      fill(status);
      onFaults([]);
      mail.show(rendered);
    } catch (error) {
      if (!mine.signal.aborted) refused(error);
    }
  }

  /** The last good preview stays visible. */
  function refused(error) {
    onFaults(error.errors ?? []);
    if (error.errors?.length > 0) fill(status, h('p', { class: 'note warning-note' }, 'The preview shows the last text without faults.'));
    else fill(status, problemBox(error, { retry: show }));
  }

  if (divisions.length > 0) show();
  else fill(status, h('p', { class: 'note' }, 'There is no division to show a preview for.'));
  return {
    element,
    changed() {
      clearTimeout(timer);
      if (divisions.length > 0) timer = setTimeout(show, PAUSE_MS);
    },
  };
}
