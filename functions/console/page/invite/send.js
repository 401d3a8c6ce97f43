/**
 * The dialog that confirms a Send.
 */
import { post } from '../shared/api/api.js';
import { fill, h, heading } from '../shared/dom.js';
import { describeFilter } from '../shared/filter.js';
import { number, people } from '../shared/format.js';
import { SEND, answered, refused, repeatable } from '../shared/api/idempotency.js';
import { countsAreStale } from './loaded.js';
import { paceField } from '../shared/pace-field.js';
import { go, to } from '../shared/navigation/route.js';
import { sendPreview } from './send-preview.js';
import { refusal } from './send-refusal.js';

/** Above this number the operator has to type the number, so that a wrong click sends nothing. */
const TYPED_ABOVE = 500;

/**
 * @param {Object} request
 * @param {Object} request.filter the filter that was loaded
 * @param {number} request.expected how many people Load said will be e-mailed
 * @param {{emailFrom: string, templateId: string, templateName: string}} request.message
 * @param {{recipientId: string, name: string, email: string}} [request.person] the only person to invite
 * @param {boolean} [request.includeRecentlyInvited]
 * @param {() => void} request.loadAgain called if the selection has changed
 * @param {() => void} request.chooseSender called if the sender was refused
 */
export function openSendDialog({ filter, expected, message, person, includeRecentlyInvited, loadAgain, chooseSender }) {
  const end = new AbortController();
  const { emailFrom, templateId, templateName } = message;
  const wanted = { filter, templateId, emailFrom, expectedRecipients: expected };
  if (person) wanted.recipientId = person.recipientId;
  if (includeRecentlyInvited) wanted.includeRecentlyInvited = true;
  const pace = person ? null : paceField();

  const typed = expected > TYPED_ABOVE
    ? h('input', { id: 'confirm-number', inputmode: 'numeric', autocomplete: 'off', required: true, oninput: checkNumber })
    : null;
  const confirmButton = h('button', { id: 'confirm-send', type: 'submit', class: 'primary' }, `Send to ${people(expected)}`);
  const cancelButton = h('button', { id: 'cancel-send', type: 'button', onclick: remove }, 'Cancel');
  const failed = h('div', { id: 'send-problem' });
  let sending = false;

  const dialog = h('dialog', { id: 'send-dialog', 'aria-labelledby': 'send-title', oncancel: cancelled, onclose: remove },
    h('form', { onsubmit: confirm },
      heading(2, { id: 'send-title', autofocus: true }, 'Send Email'),
      h('dl', { class: 'facts' },
        fact('People', h('b', { id: 'send-people' }, person ? `${person.name || 'No name'}, ${person.email}` : number(expected))),
        fact('From', emailFrom), fact('Template', templateName), fact('Selection', describeFilter(filter))),
      sendPreview({ filter, message, person, signal: end.signal }),
      pace?.element,
      failed,
      h('div', { class: 'dialog-foot' },
        typed && h('div', { class: 'field' }, h('label', { for: 'confirm-number' }, `Type ${number(expected)} to confirm`), typed),
        h('div', { class: 'buttons' }, confirmButton, cancelButton))));

  checkNumber();
  document.body.append(dialog);
  dialog.showModal();

  /** Accepts the number with any grouping of digits. */
  function checkNumber() {
    confirmButton.disabled = typed !== null && typed.value.replace(/[\s.,'’]/g, '') !== String(expected);
  }

  function cancelled(event) {
    event.preventDefault();
    if (!sending) remove();
  }

  /**
   * Removes the dialog at once: the event `close` comes later, and a quick key press may have opened the next dialog by
   * then.
   */
  function remove() {
    end.abort();
    dialog.close();
    dialog.remove();
  }

  async function confirm(event) {
    event.preventDefault();
    if (sending) return;
    sending = true;
    confirmButton.setAttribute('aria-busy', 'true');
    cancelButton.disabled = true;
    fill(confirmButton, 'Sending…');
    fill(failed);
    const body = { ...wanted, ...pace?.read() };
    try {
      started(await post('v1/campaigns', body, repeatable(SEND, body)));
    } catch (problem) {
      refused(SEND, problem);
      fill(failed, refusal(problem, expected, { loadAgain: leaveTo(loadAgain), chooseSender: leaveTo(chooseSender), close: remove }));
      fill(confirmButton, problem.unanswered || problem.turnedAway ? 'Try again' : `Send to ${people(expected)}`);
      // The number is outdated, and would be refused again.
      confirmButton.disabled = problem.is('drift');
      failed.scrollIntoView({ block: 'nearest' });
    } finally {
      sending = false;
      confirmButton.removeAttribute('aria-busy');
      cancelButton.disabled = false;
    }
  }

  function started(campaign) {
    answered(SEND);
    countsAreStale();
    remove();
    go(to('campaigns', campaign.campaignId), { state: { warnings: campaign.warnings ?? [] } });
  }

  function leaveTo(next) {
    return () => {
      remove();
      next();
    };
  }
}

function fact(term, value) {
  return h('div', {}, h('dt', {}, term), h('dd', {}, value));
}
