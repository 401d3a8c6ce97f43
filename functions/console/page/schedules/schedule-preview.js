/**
 * When a schedule would run and whom it would e-mail today, updated shortly after each change.
 */
import { post } from '../shared/api/api.js';
import { announce, fill, h } from '../shared/dom.js';
import { clockTime, localTime, number, people } from '../shared/format.js';
import { problemBox } from '../shared/problem-box.js';
import { missingForPreview, scheduleOf } from './schedule-entries.js';
import { leftOut } from './schedule-words.js';

/** The pause in typing after which the preview is updated. */
const PAUSE_MS = 500;

const NEVER = 'It would never run: that time is over.';
const WAITS = 'The preview waits until the faults at the fields are mended.';

/**
 * @param {{scheduleId?: string, read: () => Object, isIdle: () => boolean, onFaults: (faults: Object[]) => void,
 *   signal: AbortSignal}} options `scheduleId` is that of a stored schedule; `read` returns the entries; `isIdle` tells
 *   whether the schedule starts nothing at the moment; `onFaults` gets the faults of the entries, empty if there are
 *   none
 * @returns {{element: HTMLElement, changed: () => void, saved: () => void, show: () => void}}
 */
export function schedulePreview({ scheduleId, read, isIdle, onFaults, signal }) {
  const status = h('div', { id: 'preview-status' });
  const runs = h('div', { id: 'preview-runs', class: 'stack' });
  const who = h('div', { id: 'preview-people', class: 'stack' });
  const element = h('section', { class: 'card beside', 'aria-labelledby': 'preview-title' },
    h('h2', { id: 'preview-title' }, 'Preview'), status, who, runs);
  let timer;
  let said = '';
  let running = new AbortController();
  let last = { asked: '' };
  signal.addEventListener('abort', () => { clearTimeout(timer); running.abort(); });

  async function show() {
    clearTimeout(timer);
    running.abort();
    const mine = new AbortController();
    running = mine;
    const entries = read();
    const [missing] = missingForPreview(entries);
    if (missing) {
      onFaults([]);
      fill(runs);
      fill(who);
      return fill(status, h('p', { class: 'quiet' }, `${missing.message} Then you see here when it runs, and for how many people.`));
    }
    const { filter, rule, from, until, audience, quietHours } = scheduleOf(entries);
    const body = { scheduleId, filter, rule, from, until, audience, quietHours };
    element.setAttribute('aria-busy', 'true');
    try {
      // The API counts a whole division for an answer, and neither the name nor the limit changes it.
      const asked = JSON.stringify(body);
      if (asked !== last.asked) last = { asked, told: await post('v1/schedules/preview', body, { signal: mine.signal }) };
      if (mine.signal.aborted) return;
      fill(status);
      onFaults([]);
      const [runsNow, peopleNow] = [showRuns(last.told), showPeople(last.told.counts, Number(entries.maxRecipients))];
      say(`${peopleNow} ${runsNow}`);
    } catch (error) {
      if (!mine.signal.aborted) refused(error);
    } finally {
      if (running === mine) element.removeAttribute('aria-busy');
    }
  }

  /** Tells screen readers if the text is new. */
  function say(text) {
    if (text !== said) announce(text);
    said = text;
  }

  /** Shows the next runs, and returns the first in words. */
  function showRuns({ nextRuns, timeZone }) {
    if (nextRuns.length === 0) {
      fill(runs, h('p', { class: 'note warning-note' }, NEVER));
      return NEVER;
    }
    fill(runs, h('h3', {}, nextRuns.length === 1 ? 'The only run' : `The next ${number(nextRuns.length)} runs`),
      isIdle() && h('p', { class: 'note warning-note' }, 'None of them while the schedule is not active.'),
      h('ol', { class: 'runs' }, nextRuns.map(run => h('li', {}, localTime(run, timeZone)))),
      h('p', { class: 'quiet' }, `On the clock of the division, ${timeZone}.`));
    return `Next run: ${clockTime(nextRuns[0], timeZone)}.`;
  }

  /** Shows who would be e-mailed, and returns the text for screen readers. */
  function showPeople(counts, limit) {
    const { willEmail, total } = counts;
    const reasons = leftOut(counts);
    const tooMany = limit > 0 && willEmail > limit && `That is over its limit of ${number(limit)}: today it would be skipped, and nobody e-mailed.`;
    fill(who, h('p', { class: 'will-email' }, 'Today it would e-mail ', h('b', { id: 'preview-will-email' }, number(willEmail)),
      ` of ${people(total)} in the selection.`),
    reasons.length > 0 && h('ul', { id: 'preview-left-out', class: 'plain quiet' }, reasons.map(reason => h('li', {}, reason))),
    tooMany && h('p', { id: 'preview-too-many', class: 'note warning-note' }, tooMany));
    return [`Today it would e-mail ${number(willEmail)} of ${people(total)}.`, ...reasons, tooMany].filter(Boolean).join(' ');
  }

  /** The last good preview stays visible. */
  function refused(error) {
    onFaults(error.errors ?? []);
    if (error.errors?.length > 0) {
      fill(status, h('p', { class: 'note warning-note' }, WAITS));
      say(`${WAITS} ${error.errors.map(({ message }) => message).join('; ')}`);
    } else fill(status, problemBox(error, { retry: show }));
  }

  function changed() {
    clearTimeout(timer);
    // A pending answer is about the entries before the change.
    running.abort();
    timer = setTimeout(show, PAUSE_MS);
  }

  return {
    element,
    show,
    changed,
    /** Asks again after a save, since the answer depends on the stored schedule. */
    saved() {
      last = { asked: '' };
      changed();
    },
  };
}
