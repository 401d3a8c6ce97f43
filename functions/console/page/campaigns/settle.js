/**
 * Settles unconfirmed people: an operator decides whether their e-mail was sent.
 */
import { post } from '../shared/api/api.js';
import { ask } from '../shared/ask.js';
import { announce, button, fill, h, whileBusy } from '../shared/dom.js';
import { number } from '../shared/format.js';
import { problemBox } from '../shared/problem-box.js';

/** The possible decisions, with the outcome that each sets. */
const DECISIONS = [
  { outcome: 'sent', one: 'Sent', all: 'All were sent', word: 'sent', then: 'They count as e-mailed.' },
  { outcome: 'failed', one: 'Not sent', all: 'None was sent', word: 'not sent', then: 'They count as failed, and can be tried again.' },
];

/**
 * @param {Object} options
 * @param {string} options.path of the campaign
 * @param {() => number} options.count how many people are unconfirmed now
 * @param {(number: number, element: ?Element) => void} options.settled called with how many were settled, and with the
 *   row of the list if it was one person
 * @param {AbortSignal} options.signal
 * @returns {{element: HTMLElement, column: Object, show: (campaign: Object) => void}} `column` has the buttons for one
 *   person
 */
export function settling({ path, count, settled, signal }) {
  const status = h('p', { id: 'settle-status', role: 'status', tabindex: -1 });
  const failed = h('div', { id: 'settle-problem' });
  const buttons = h('div', { class: 'buttons' }, DECISIONS.map(decision =>
    h('button', { id: `settle-all-${decision.outcome}`, type: 'button', onclick: event => pressAll(decision, event.target) }, decision.all)));
  const offer = h('div', { class: 'stack' },
    h('p', {}, 'Whether these e-mails left is not known, so nobody is e-mailed again by itself. If you know, for instance because somebody has '
      + 'answered or asked, say so here. It can’t be taken back.'),
    buttons);
  const element = h('div', { id: 'settle', class: 'card' }, h('div', {}, offer, status), failed);
  const send = body => post(`${path}/settle`, body, { signal });

  async function pressAll(decision, pressed) {
    const agreed = await ask({
      title: `Mark all ${number(count())} as ${decision.word}?`, text: `${decision.then} This can’t be taken back.`,
      yes: `Mark all as ${decision.word}`, no: 'Go back',
    });
    if (!agreed) return;
    const others = [...buttons.querySelectorAll('button')].filter(other => other !== pressed);
    for (const other of others) other.disabled = true;
    await whileBusy(pressed, 'Marking…', () => markAll(decision));
    for (const other of others) other.disabled = false;
  }

  /** Calls the API until all are marked: one call marks as many people as it has time for. */
  async function markAll({ outcome, word }, before = 0) {
    let marked = before;
    fill(failed);
    try {
      for (;;) {
        const answer = await send({ outcome, all: true });
        marked += answer.settled;
        fill(status, `${number(marked)} marked as ${word}, ${number(answer.remaining)} still unconfirmed.`);
        if (answer.remaining === 0) break;
        if (answer.settled === 0) throw new Error('Some could not be marked just now: they are changing, or the list of them is a moment late.');
      }
    } catch (error) {
      if (signal.aborted) return;
      fill(failed, problemBox(error, { retry: () => markAll({ outcome, word }, marked) }));
    }
    settled(marked - before, null);
  }

  function cell(person) {
    const who = person.name || person.email;
    const problem = h('div');
    const made = DECISIONS.map(decision => button({
      id: `settle-${decision.outcome}-${person.recipientId}`, 'aria-label': `${decision.one}: ${who}`,
    }, decision.one, 'Marking…', () => markOne(person, decision, { who, made, problem })));
    return [h('div', { class: 'buttons' }, made), problem];
  }

  async function markOne(person, { outcome, word }, { who, made, problem }) {
    const row = problem.closest('tr');
    const other = made.find(element => !element.hasAttribute('aria-busy'));
    other.disabled = true;
    fill(problem);
    try {
      const answer = await send({ outcome, recipientIds: [person.recipientId] });
      settled(answer.settled, row);
      announce(answer.settled > 0 ? `${who} is marked as ${word}.` : `${who} was settled before.`);
    } catch (error) {
      if (!signal.aborted) fill(problem, problemBox(error));
    } finally {
      other.disabled = false;
    }
  }

  return {
    element,
    column: { label: 'Decide', cell },
    /** Offers the decisions that are left. The last result stays visible. */
    show(campaign) {
      const focused = offer.contains(document.activeElement);
      offer.hidden = !campaign.actions.includes('settle');
      if (focused && offer.hidden) status.focus();
      element.hidden = offer.hidden && !status.hasChildNodes() && !failed.hasChildNodes();
    },
  };
}
