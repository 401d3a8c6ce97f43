/**
 * Asks for the reason of an action, which the audit keeps.
 */
import { fill, h, heading, whileBusy } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';

/** Most characters that the API accepts. */
const MOST_CHARACTERS = 500;

/**
 * @param {{title: string, text: string, yes: string, act: (text: string) => Promise<any>}} question `act` gets the
 *   reason. If it fails, the dialog shows the problem and stays open. The dialog can't be closed while `act` runs, so
 *   that nobody takes a finished action for a cancelled one
 * @returns {Promise<boolean>} whether it was done
 */
export function askReason({ title, text, yes, act }) {
  return new Promise(resolve => {
    let saving = false;
    let done = false;
    const reason = h('input', {
      id: 'reason', required: true, maxlength: MOST_CHARACTERS, autocomplete: 'off', autofocus: true, oninput: () => reason.setCustomValidity(''),
    });
    const failed = h('div');
    const confirm = h('button', { id: 'reason-yes', type: 'submit' }, yes);
    const cancel = h('button', { id: 'reason-no', type: 'button', onclick: settle }, 'Cancel');
    const dialog = h('dialog', { id: 'ask-reason', class: 'ask', 'aria-labelledby': 'reason-title', oncancel: cancelled, onclose: settle },
      h('form', { method: 'dialog', onsubmit: submit },
        heading(2, { id: 'reason-title' }, title), h('p', {}, text),
        h('div', { class: 'field' }, h('label', { for: 'reason' }, 'Why? It is kept in the history.'), reason), failed,
        h('div', { class: 'dialog-foot' }, h('div', { class: 'buttons' }, confirm, cancel))));

    async function submit(event) {
      event.preventDefault();
      if (saving) return;
      if (!reason.value.trim()) {
        reason.setCustomValidity('Say why.');
        reason.reportValidity();
        return;
      }
      fill(failed);
      saving = true;
      cancel.disabled = true;
      await whileBusy(confirm, 'Saving…', save);
      saving = false;
      cancel.disabled = false;
      // Browsers close a dialog at the second Escape, even if `cancel` was prevented.
      if (!done && !dialog.open) dialog.showModal();
      if (done) settle();
    }

    async function save() {
      try {
        await act(reason.value.trim());
        done = true;
      } catch (error) {
        fill(failed, problemBox(error));
      }
    }

    function cancelled(event) {
      event.preventDefault();
      settle();
    }

    /**
     * Removes the dialog at once: the event `close` comes later, and a quick key press may have opened the next dialog
     * by then.
     */
    function settle() {
      if (saving) return;
      dialog.close();
      dialog.remove();
      resolve(done);
    }

    document.body.append(dialog);
    dialog.showModal();
  });
}
