/**
 * Asks for a new e-mail. The answer is the same for everybody, so that nobody learns here who is a customer.
 */
import { askForMail } from './activation-calls.js';
import { button, fill, h } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';

/**
 * @param {() => {division: string, email: string}|null} who null if the address is missing; `who` then says so at its
 *   field
 */
export function askAgain(who) {
  const answer = h('div', { class: 'asked', role: 'status' });
  const ask = button({ class: 'ask-again' }, 'Send me a new e-mail', 'Asking…', work);

  async function work() {
    const asker = who();
    if (!asker) return;
    fill(answer);
    try {
      await askForMail(asker);
      fill(answer, h('p', { class: 'note good' },
        `If there is an open invitation for ${asker.email}, an e-mail is on its way. It may take a few minutes. `,
        'Each invitation can be renewed once, and an e-mail that you have keeps working until it expires. If none comes, ask us for a new invitation.'));
    } catch (error) {
      fill(answer, problemBox(error));
    }
  }

  return h('div', { class: 'stack' }, h('div', { class: 'buttons' }, ask), answer);
}
