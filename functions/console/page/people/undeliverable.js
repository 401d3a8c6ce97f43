/**
 * Why a person gets no e-mails any more, after a bounce or a complaint, and the way to undo that.
 */
import { remove } from '../shared/api/api.js';
import { announce, button, fill, h } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';
import { again } from '../shared/navigation/route.js';
import { undeliverable } from '../shared/words.js';

export function undeliverableNote({ recipientId, undeliverable: why }, signal) {
  const failed = h('div');
  const clear = button({ id: 'clear-undeliverable' }, 'May be mailed again', 'Saving…', work);

  async function work() {
    fill(failed);
    try {
      await remove(`v1/recipients/${encodeURIComponent(recipientId)}/undeliverable`, { signal });
      announce('May be mailed again.');
      again();
    } catch (error) {
      if (!signal.aborted) fill(failed, problemBox(error, { retry: work }));
    }
  }

  return h('div', { id: 'undeliverable', class: 'note warning-note stack' }, h('p', {}, undeliverable(why)),
    why !== 'erased' && h('div', { class: 'buttons' }, clear), failed);
}
