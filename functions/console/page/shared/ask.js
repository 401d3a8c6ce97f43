/**
 * Asks for confirmation.
 */
import { h, heading } from './dom.js';

/**
 * @param {{title: string, text: string|string[], yes: string, no: string}} question `text` may be several paragraphs
 * @returns {Promise<boolean>} whether the operator agreed; Escape and “No” are the same
 */
export function ask({ title, text, yes, no }) {
  return new Promise(resolve => {
    const dialog = h('dialog', { id: 'ask', class: 'ask', 'aria-labelledby': 'ask-title', oncancel: refuse, onclose: refuse },
      h('form', { method: 'dialog', onsubmit: agree },
        heading(2, { id: 'ask-title' }, title), [text].flat().map(paragraph => h('p', {}, paragraph)),
        h('div', { class: 'dialog-foot' }, h('div', { class: 'buttons' },
          h('button', { id: 'ask-yes', type: 'submit' }, yes),
          h('button', { id: 'ask-no', type: 'button', class: 'primary', autofocus: true, onclick: refuse }, no)))));

    function agree(event) {
      event.preventDefault();
      settle(true);
    }

    function refuse() {
      settle(false);
    }

    /**
     * Removes the dialog at once: the event `close` comes later, and a quick key press may have opened the next dialog
     * by then.
     */
    function settle(agreed) {
      dialog.close();
      dialog.remove();
      resolve(agreed);
    }

    document.body.append(dialog);
    dialog.showModal();
  });
}
