/**
 * One template: its text with a live preview, its state, its versions.
 */
import { get, post, put, tagOf, unlessChanged } from '../shared/api/api.js';
import { ask } from '../shared/ask.js';
import { forgetCatalog, getCatalog, sharedZone } from '../shared/api/catalog.js';
import { button, fill, h, heading } from '../shared/dom.js';
import { keepDraft, keptDraft } from '../shared/navigation/draft.js';
import { clockNote } from '../shared/format.js';
import { livePreview } from './live-preview.js';
import { problemBox } from '../shared/problem-box.js';
import { go, to } from '../shared/navigation/route.js';
import { sourceFields } from './source-fields.js';
import { templateHelp } from './template-help.js';
import { versionList } from './template-versions.js';
import { operator } from '../shared/api/session.js';
import { activeBadge, onlyEverywhere } from './templates.js';
import { unsavedChanges } from '../shared/navigation/unsaved.js';

const NEW = 'new';

const path = (templateId, ...more) => ['v1/templates', encodeURIComponent(templateId), ...more].join('/');

export async function templateView(root, place, signal) {
  const [, templateId, copied] = place.path;
  const isNew = templateId === NEW;
  const [stored, catalog] = await Promise.all([isNew ? blank(copied, signal) : get(path(templateId), { signal }), getCatalog()]);
  let saved = textOf(stored);
  let tag = tagOf(stored);
  const timeZone = sharedZone(catalog);
  const { everywhere } = operator();
  const fixed = stored.builtIn || !everywhere;

  const fields = sourceFields({ languages: catalog.languages, readOnly: fixed, onInput: edited });
  const failed = h('div', { id: 'save-problem' });
  const saveButton = button({ id: 'save-template', class: 'primary' }, isNew ? 'Create' : 'Save', 'Saving…', save);
  const status = h('span', { id: 'save-status', class: 'quiet', role: 'status' });
  const title = heading(1, {});
  const unsaved = unsavedChanges({ draftId: templateId, what: 'template', isDirty, draft: () => ({ text: fields.read(), tag }) });
  const activation = h('div');
  const versions = h('div');
  fields.write(saved);
  // Read back from the fields, which normalise line ends.
  saved = fields.read();
  const draft = fixed ? null : keptDraft(templateId);
  if (draft) fields.write(draft.text);
  if (draft && !isNew) ({ tag } = draft);
  const preview = livePreview({
    divisions: catalog.divisions, division: place.query.get('division'), read: fields.read, signal,
    onFaults: faults => fields.showFaults(faults, { focus: false }),
  });

  fill(root,
    h('div', { class: 'view-head' },
      title, h('a', { href: to('templates') }, 'All templates')),
    !everywhere && onlyEverywhere(),
    stored.builtIn && everywhere && h('p', { class: 'note' }, 'This template is built in and cannot be changed. ',
      h('a', { id: 'copy-template', href: to('templates', NEW, templateId) }, 'Make a copy'), ' to change that.'),
    unsaved.note,
    h('div', { class: 'editor' },
      h('section', { class: 'card', 'aria-label': 'Text of the template' },
        fields.element, templateHelp(), failed,
        h('div', { class: 'buttons' }, !fixed && saveButton, activation, status)),
      preview.element),
    versions, !isNew && clockNote(timeZone));
  if (isNew) fill(title, 'New template');
  else showStored(stored);
  if (draft) unsaved.showKept();
  if (isDirty()) unsaved.guard();

  /** Shows everything about the stored template but the text in the editor, which stays as it is. */
  function showStored(template) {
    fill(title, `${template.name} `, activeBadge(template));
    if (!fixed) fill(activation, activationButton(template.active));
    fill(versions, versionList({ path: path(templateId, 'versions'), shown: template.version, take: fixed ? null : takeVersion, timeZone, signal }));
  }

  function isDirty() {
    return JSON.stringify(fields.read()) !== JSON.stringify(saved);
  }

  function edited() {
    fill(status);
    preview.changed();
    unsaved.edited();
  }

  async function save() {
    fill(failed);
    const text = fields.read();
    try {
      const template = isNew ? await post('v1/templates', text, { signal }) : await put(path(templateId), text, { signal, ...unlessChanged(tag) });
      forgetCatalog();
      saved = text;
      tag = tagOf(template);
      fields.showFaults([], { focus: false });
      // Changes made during the save are not in it.
      const typed = isDirty();
      unsaved.settle();
      if (isNew && typed) keepDraft(template.templateId, { text: fields.read(), tag });
      if (isNew) return go(to('templates', template.templateId), { replace: true });
      if (typed) edited();
      showStored(template);
      fill(status, `Saved as version ${template.version}.`);
    } catch (error) {
      if (!signal.aborted) refused(error);
    }
  }

  function refused(error) {
    if (error.is?.('changed')) return fill(failed, changedMeanwhile(error));
    fields.showFaults(error.errors ?? [], { focus: true });
    const known = error.errors?.length > 0;
    fill(failed, known ? h('p', { class: 'problem', role: 'alert' }, 'Not saved: see the faults at the fields.') : problemBox(error, { retry: save }));
  }

  function changedMeanwhile(error) {
    const theirs = error.members;
    const text = `Not saved: this template has changed meanwhile. The newest is version ${theirs.version}, by ${theirs.updatedBy}. Your text is still here.`;
    return problemBox(new Error(text), {
      more: [h('div', { class: 'buttons' },
        h('a', { id: 'see-theirs', href: to('templates', templateId), target: '_blank', rel: 'noopener' }, 'Look at theirs in a new tab'),
        button({ id: 'save-over' }, 'Save mine as the newest', 'Saving…', () => { tag = theirs.etag; return save(); }),
        button({ id: 'take-theirs' }, 'Discard mine, and take theirs', 'Loading…', unsaved.discard))],
    });
  }

  function activationButton(active) {
    const [label, busy, verb] = active ? ['Deactivate', 'Deactivating…', 'deactivate'] : ['Activate', 'Activating…', 'activate'];
    return button({ id: 'template-activation' }, label, busy, async () => {
      fill(failed);
      try {
        const template = await post(path(templateId, verb), {}, { signal, ...unlessChanged(tag) });
        forgetCatalog();
        tag = tagOf(template);
        // The draft now builds on this state.
        if (isDirty()) unsaved.edited();
        showStored(template);
        activation.querySelector('button').focus();
        fill(status, template.active ? 'Offered for sending again.' : 'No longer offered for sending.');
      } catch (error) {
        if (!signal.aborted) fill(failed, problemBox(error));
      }
    });
  }

  /** Puts the text of another version into the editor, where it can be saved as the newest. */
  async function takeVersion(number) {
    const agreed = !isDirty() || await ask({
      title: 'Replace your changes?', text: `Your changes are not saved. The text of version ${number} would replace them.`,
      yes: 'Replace them', no: 'Keep them',
    });
    if (!agreed) return;
    fields.write(textOf(await get(path(templateId), { query: { version: number }, signal })));
    edited();
    fill(status, `This is the text of version ${number}. Save makes it the newest.`);
    root.querySelector('h1').focus();
  }
}

/** The initial text of a new template. */
async function blank(copied, signal) {
  if (!copied) return { name: '', language: 'en', subject: '', html: '', text: '', builtIn: false };
  const template = await get(path(copied), { signal });
  return { ...template, name: `Copy of ${template.name}`, builtIn: false };
}

function textOf({ name, language, subject, html, text }) {
  return { name, language, subject, html, text };
}
