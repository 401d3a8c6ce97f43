/**
 * Erases a person on request. This can't be undone.
 */
import { post } from '../shared/api/api.js';
import { askReason } from './ask-reason.js';
import { announce, h } from '../shared/dom.js';
import { countsAreStale } from '../invite/loaded.js';
import { go, to } from '../shared/navigation/route.js';
import { mayErase } from '../shared/api/session.js';

const TEXT = 'Their address, name, status, passwords and history are deleted, on all accounts of this division. What became of them in campaigns stays, '
  + 'without saying whose it was, and a hash of the address, so that no import brings them back. This can\'t be undone. Take them out of the billing system too, '
  + 'and don\'t name them in the reason.';

/** The button; null for an operator who may not erase people of this division. */
export function eraseButton({ recipientId, division }) {
  if (!mayErase(division)) return null;

  async function work() {
    let erased = null;
    const act = async reason => { erased = await post(`v1/recipients/${encodeURIComponent(recipientId)}/erase`, { reason }); };
    if (!await askReason({ title: 'Erase this person?', text: TEXT, yes: 'Erase for good', act })) return;
    announce(erased.state === 'erased' ? 'Erased.' : 'Being erased. This goes on by itself.');
    countsAreStale();
    go(to(), { replace: true });
  }

  return h('button', { id: 'erase', type: 'button', onclick: work }, 'Erase this person…');
}
