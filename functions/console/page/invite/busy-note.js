/**
 * Says that a division is busy before the operator presses Send: with which campaign, and how far that has come.
 */
import { get } from '../shared/api/api.js';
import { busyWith } from '../shared/busy.js';
import { fill, h } from '../shared/dom.js';
import { number, people, time } from '../shared/format.js';
import { poll } from '../shared/api/poll.js';
import { stateInShort } from '../shared/words.js';

/** Describes the campaign `first` in `element`, and polls it until it has ended. */
export function followBusy(element, first, signal) {
  let now = first;

  function say() {
    if (signal.aborted) return;
    const ended = Boolean(now.completedAt);
    fill(element, !ended && h('div', { class: 'note warning-note', role: 'status' },
      h('p', {}, h('b', {}, 'This division is busy. '), inTheWay(now)), busyWith(now, { id: 'in-the-way' })));
  }

  async function ask() {
    const before = now;
    now = await get(`v1/campaigns/${encodeURIComponent(first.campaignId)}`, { signal });
    say();
    if (now.completedAt) return 'done';
    return JSON.stringify(before.outcomes) === JSON.stringify(now.outcomes) ? 'still' : 'moved';
  }

  say();
  poll(ask, { signal, onFailure: error => error.unanswered || error.status === 429 });
}

/**
 * `“Portal Invitation”, started by ann on Dec 7, 9:00 AM EST, has not ended yet (Sending): 300 of 1,200 people done.`
 */
function inTheWay(campaign) {
  const { templateName, createdBy, schedule, createdAt, timeZone, outcomes, audience, state, expectedRecipients } = campaign;
  const { sent, failed, skipped, unconfirmed } = outcomes;
  const ended = sent + failed + skipped + unconfirmed;
  const whole = state === 'preparing' ? Math.max(audience, expectedRecipients) : audience;
  return [
    `“${templateName}”, started by ${schedule ? `the schedule “${schedule.name}”` : createdBy} on `, time(createdAt, timeZone),
    `, has not ended yet (${stateInShort(campaign)}): ${number(ended)} of ${people(whole)} done. Nothing else can be sent here before it has.`,
  ];
}
