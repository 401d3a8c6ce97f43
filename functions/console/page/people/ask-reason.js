/**
 * Asks why something is done that others will want to understand later.
 */
import { fill, h, heading, whileBusy } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';

/** Most that the API takes. */
const MOST_CHARACTERS = 500;

/**
 * @param {{title: string, text: string, yes: string, act: (text: string) => Promise<any>}} question `act` gets the
 *   reason; if it fails, the dialog says why and stays. While it works the dialog can't be left, so that what was done
 *   is never taken for what was not
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
      // A browser lets nobody be kept in a dialog: a second Escape has closed it whatever was asked.
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

    /** Once settled it is gone: the event `close` comes a moment later, when a quick key may have asked again. */
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
