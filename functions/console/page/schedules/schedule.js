/**
 * One schedule: its fields beside a preview, its commands, and its occurrences.
 */
import { get, post, put, tagOf, unlessChanged } from '../shared/api/api.js';
import { getCatalog } from '../shared/api/catalog.js';
import { auditTrail } from '../shared/audit-trail.js';
import { button, facts, fill, h, heading } from '../shared/dom.js';
import { keepDraft, keptDraft } from '../shared/navigation/draft.js';
import { readFilter } from '../shared/filter.js';
import { time } from '../shared/format.js';
import { lastInShort, occurrenceList } from './occurrences.js';
import { NEW_SCHEDULE, answered, refused, repeatable } from '../shared/api/idempotency.js';
import { problemBox } from '../shared/problem-box.js';
import { go, to } from '../shared/navigation/route.js';
import { scheduleInWords } from './rule/rule-words.js';
import { scheduleControls } from './schedule-controls.js';
import { entriesOf, missingForSave, newEntries, scheduleOf } from './schedule-entries.js';
import { scheduleForm } from './schedule-form.js';
import { schedulePreview } from './schedule-preview.js';
import { whyIdle } from './schedule-words.js';
import { nextRun, stateBadge } from './schedules.js';
import { unsavedChanges } from '../shared/navigation/unsaved.js';

const NEW = 'new';

/** Warns about a schedule that was saved before reminders needed limits. */
const WITHOUT_END = 'It reminds people who are pending again and again, without end. Choose both limits below and save it, or let it '
  + 'invite only who was never invited.';

export async function scheduleView(root, place, signal) {
  const [, scheduleId] = place.path;
  const isNew = scheduleId === NEW;
  const path = `v1/schedules/${encodeURIComponent(scheduleId)}`;
  const draftId = `schedule.${scheduleId}`;
  const [stored, catalog] = await Promise.all([isNew ? null : get(path, { signal }), getCatalog()]);
  const readOnly = stored?.inTemplate === true;
  let now = stored;
  let tag = stored && tagOf(stored);

  const form = scheduleForm(catalog, { readOnly, onInput: edited });
  const asked = { emailFrom: place.query.get('emailFrom'), templateId: place.query.get('templateId') };
  let saved = show(isNew ? newEntries(readFilter(place.query), asked) : entriesOf(stored));
  const draft = readOnly ? null : keptDraft(draftId);
  if (draft) form.write(draft.entries);
  if (draft && !isNew) ({ tag } = draft);

  const preview = schedulePreview({
    scheduleId: stored?.scheduleId, read: form.read, isIdle: () => ['paused', 'off'].includes(now?.state), onFaults: form.faults.notice, signal,
  });
  const controls = isNew ? null : scheduleControls({ path, current: () => now, obeyed, deleted, signal });
  const failed = h('div', { id: 'save-problem' });
  const saveButton = button({ id: 'save-schedule', class: 'primary' }, isNew ? 'Create' : 'Save', 'Saving…', save);
  const status = h('span', { id: 'save-status', class: 'quiet', role: 'status' });
  const title = heading(1, {});
  const audit = isNew ? null : auditTrail(stored.timeZone);
  const unsaved = unsavedChanges({ draftId, what: 'schedule', isDirty, draft: () => ({ entries: form.read(), tag }) });
  const summary = h('div', { class: 'stack' });

  fill(root,
    h('div', { class: 'view-head' }, title, h('a', { href: to('schedules') }, 'All schedules')),
    !isNew && h('div', { class: 'card' }, summary, controls.element),
    unsaved.note,
    h('div', { class: 'editor schedule-editor' },
      h('section', { class: 'card', 'aria-label': 'Fields of the schedule' },
        form.element, failed,
        !readOnly && h('div', { class: 'buttons' }, saveButton, status),
        !readOnly && h('p', { class: 'quiet' }, 'Whoever saves a schedule owns it: its campaigns are started in their name, as long as they have the permission to send.')),
      preview.element),
    !isNew && occurrenceList({ path: `${path}/occurrences`, timeZone: () => now.timeZone, signal }),
    !isNew && audit.element);
  if (isNew) fill(title, 'New schedule');
  else showStored();
  if (draft) unsaved.showKept();
  if (isDirty()) unsaved.guard();
  preview.show();

  /** Shows entries, and returns them as the fields normalise them. */
  function show(entries) {
    form.write(entries);
    return form.read();
  }

  /** Shows everything about the stored schedule but the fields, which stay as they are. */
  function showStored() {
    const idle = whyIdle(now);
    fill(title, `${now.name} `, stateBadge(now));
    fill(summary,
      readOnly && h('p', { id: 'in-template', class: 'note' },
        'This schedule is written in the template of the stack, and is changed there. Here it can be paused and resumed, and deleted when it is no longer in the template.'),
      now.warnings?.length > 0 && h('p', { id: 'schedule-without-end', class: 'note warning-note' }, WITHOUT_END),
      idle && h('p', { id: 'why-idle', class: `note stopped-${now.state === 'off' ? 'halted' : 'paused'}` }, idle),
      facts([['Runs', scheduleInWords(now)], ['Time zone', now.timeZone], ['Next run', nextRun(now)], ['Last time', lastInShort(now)],
        ['Owner', now.owner], ['Changed', now.updatedBy && [time(now.updatedAt, now.timeZone), `, by ${now.updatedBy}`]]]));
    controls.show(now);
    audit.show(now);
  }

  function isDirty() {
    return JSON.stringify(form.read()) !== JSON.stringify(saved);
  }

  function edited() {
    fill(status);
    preview.changed();
    unsaved.edited();
  }

  async function save() {
    // The pressed button may be in the box that is emptied next.
    if (failed.contains(document.activeElement)) saveButton.focus();
    fill(failed);
    const entries = form.read();
    const half = form.incomplete();
    const missing = [...half, ...missingForSave(entries).filter(({ field }) => !half.some(fault => fault.field === field))];
    if (missing.length > 0) return refuse(missing);
    try {
      const body = scheduleOf(entries);
      now = isNew ? await create(body) : await put(path, body, { signal, ...unlessChanged(tag) });
      saved = entries;
      tag = tagOf(now);
      form.faults.refuse([]);
      // Changes made during the save are not in it.
      const typed = isDirty();
      unsaved.settle();
      if (isNew && typed) keepDraft(`schedule.${now.scheduleId}`, { entries: form.read(), tag });
      if (isNew) return go(to('schedules', now.scheduleId), { replace: true });
      if (typed) edited();
      else saved = show(entriesOf(now));
      showStored();
      preview.saved();
      return fill(status, 'Saved. You are its owner now.');
    } catch (error) {
      if (signal.aborted) return null;
      if (error.is?.('changed')) return fill(failed, changedMeanwhile(error));
      if (error.errors?.length > 0) return refuse(error.errors);
      return fill(failed, problemBox(error, { retry: save }));
    }
  }

  async function create(body) {
    try {
      const made = await post('v1/schedules', body, { signal, ...repeatable(NEW_SCHEDULE, body) });
      answered(NEW_SCHEDULE);
      return made;
    } catch (error) {
      if (!signal.aborted) refused(NEW_SCHEDULE, error);
      throw error;
    }
  }

  function refuse(faults) {
    form.faults.refuse(faults);
    fill(failed, h('p', { class: 'problem', role: 'alert' }, 'Not saved: see the faults at the fields.'));
  }

  function changedMeanwhile({ members: theirs }) {
    const text = ['Not saved: ', theirs.updatedBy, ' has changed this schedule meanwhile. Your changes are still here.'].join('');
    return problemBox(new Error(text), {
      more: [h('div', { class: 'buttons' },
        h('a', { id: 'see-theirs', href: to('schedules', scheduleId), target: '_blank', rel: 'noopener' }, 'Look at theirs in a new tab'),
        button({ id: 'save-over' }, 'Save mine in place of theirs', 'Saving…', () => { tag = theirs.etag; return save(); }),
        button({ id: 'take-theirs' }, 'Discard mine, and take theirs', 'Loading…', unsaved.discard))],
    });
  }

  /**
   * Takes the schedule after a command. A command changes no field, so if fields differ, somebody else changed them:
   * keeping the old tag makes the next save report that.
   */
  function obeyed(schedule) {
    const fields = ({ name, filter, templateId, emailFrom, audience, maxRecipients, maxPerMinute, rule, from, until, quietHours }) =>
      JSON.stringify([name, filter, templateId, emailFrom, audience, maxRecipients, maxPerMinute, rule, from, until, quietHours]);
    if (tag === tagOf(now) && fields(schedule) === fields(now)) tag = tagOf(schedule);
    now = schedule;
    // The draft now builds on the new tag.
    unsaved.edited();
    showStored();
    preview.changed();
  }

  function deleted() {
    unsaved.settle();
    go(to('schedules'));
  }
}
