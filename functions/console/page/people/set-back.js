/**
 * Sets a person back to "not sent": withdraws an invitation, or corrects an acceptance that was a mistake.
 */
import { call } from '../shared/api/api.js';
import { askReason } from './ask-reason.js';
import { announce, h } from '../shared/dom.js';
import { countsAreStale } from '../invite/loaded.js';
import { again } from '../shared/navigation/route.js';

const WAYS = {
  pending: {
    path: 'withdraw', label: 'Withdraw invitation…', title: 'Withdraw the invitation?', yes: 'Withdraw invitation', done: 'Invitation withdrawn.',
    text: 'The temporary passwords that were mailed open nothing any more. A campaign that is under way, or the next, may invite them again.',
  },
  accepted: {
    path: 'set-back', label: 'Set back to not sent…', title: 'Take the acceptance back?', yes: 'Set back', done: 'Set back to not sent.',
    text: 'Their password is forgotten, and your portal is told. They have no access until they are invited and accept again.',
  },
};

/** The button for a person's status; null for a person who was never invited. */
export function setBackButton({ recipientId, status }) {
  const way = WAYS[status];
  if (!way) return null;

  async function work() {
    let outdated = false;

    async function act(reason) {
      try {
        await call('POST', `v1/recipients/${encodeURIComponent(recipientId)}/${way.path}`, { body: { reason } });
      } catch (problem) {
        // Somebody else changed the status, or the answer was lost: the screen may be outdated.
        outdated ||= problem.unanswered || problem.is('recipient-status');
        throw problem;
      }
    }

    const done = await askReason({ ...way, act });
    if (!done && !outdated) return;
    if (done) announce(way.done);
    countsAreStale();
    again();
  }

  return h('button', { id: way.path, type: 'button', onclick: work }, way.label);
}
