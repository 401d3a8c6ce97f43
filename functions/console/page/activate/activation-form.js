/**
 * The form with which a customer accepts the invitation. It calls nothing before its button is pressed.
 */
import { accept } from './activation-calls.js';
import { askAgain } from './ask-again.js';
import { fill, h, heading, whileBusy } from '../shared/dom.js';
import { passwordField } from './password-field.js';
import { problemBox } from '../shared/problem-box.js';

/** The fields that show the API's faults about them. All other faults are shown above the button. */
const FIELDS = ['email', 'temporaryPassword', 'newPassword'];

/**
 * @param {{division: string, email: string, temporaryPassword: string}} link
 * @param {{name: string, portalUrl: string}} brand
 * @param {() => void} done called once the invitation is accepted
 */
export function activationForm(link, brand, done) {
  const email = textField('email', 'E-mail address', { type: 'text', inputmode: 'email', autocapitalize: 'off', autocomplete: 'username', value: link.email });
  const temporary = textField('temporaryPassword', 'Temporary password, from the e-mail', {
    type: 'text', autocomplete: 'off', autocapitalize: 'characters', value: link.temporaryPassword,
  });
  const password = passwordField(() => [email.input.value, brand.name]);
  const fields = { email, temporaryPassword: temporary, newPassword: password };
  const trouble = h('div', { id: 'trouble' });
  const press = h('button', { id: 'activate', type: 'submit', class: 'primary' }, 'Activate my account');
  const expired = h('details', { id: 'expired' },
    h('summary', {}, 'Has your e-mail expired, or is it gone?'), h('div', { class: 'stack' }, askAgain(who)));
  temporary.element.hidden = Boolean(link.temporaryPassword);

  async function submit(event) {
    event.preventDefault();
    clear();
    // Browsers remember what is submitted in a text field, so the password field hides its text first.
    password.hide();
    await whileBusy(press, 'Activating…', async () => {
      try {
        await accept({
          email: email.input.value, division: link.division, temporaryPassword: temporary.input.value.trim(), newPassword: password.input.value,
        });
        done();
      } catch (error) {
        show(error);
      }
    });
  }

  function clear() {
    fill(trouble);
    expired.hidden = false;
    for (const field of Object.values(fields)) field.fault('');
  }

  function show(problem) {
    const faults = problem.errors?.filter(({ field }) => FIELDS.includes(field)) ?? [];
    for (const { field, message } of faults) {
      fields[field].element.hidden = false;
      fields[field].fault(`It ${message}.`);
    }
    if (faults.length > 0) return fields[faults[0].field].input.focus();
    if (!problem.is?.('not-activated')) return fill(trouble, problemBox(problem));
    temporary.element.hidden = false;
    // The refusal contains the same offer.
    expired.hidden = true;
    return fill(trouble, refusal());
  }

  function refusal() {
    return h('div', { id: 'refused', class: 'problem', role: 'alert' },
      heading(2, {}, 'That did not work'),
      h('p', {}, 'The address or the temporary password is not right, or the password has expired or was used before. ',
        'If you have activated your account already, sign in to the ', portalLink(brand), '.'),
      askAgain(who));
  }

  /** The person who asks for a new e-mail; undefined while the address is missing. */
  function who() {
    if (email.input.checkValidity()) return { division: link.division, email: email.input.value.trim() };
    email.input.reportValidity();
    return null;
  }

  return h('form', { id: 'activation', class: 'card', method: 'post', onsubmit: submit },
    heading(1, {}, 'Activate your account'),
    h('p', {}, `${brand.name} invites you to the customer portal. Choose a password, and you are in.`),
    email.element, temporary.element, password.element, trouble,
    h('div', { class: 'buttons' }, press),
    expired);
}

/** A text field with its label and its fault. */
export function textField(id, label, props) {
  const wrong = h('p', { id: `${id}-fault`, class: 'fault', role: 'alert' });
  const input = h('input', { id, name: id, required: true, spellcheck: 'false', 'aria-describedby': `${id}-fault`, ...props });
  function fault(text) {
    fill(wrong, text);
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
  return { element: h('div', { class: 'field' }, h('label', { for: id }, label), input, wrong), input, fault };
}

/** A link to the company's own portal. */
export function portalLink({ portalUrl }) {
  return h('a', { href: portalUrl, rel: 'noreferrer' }, 'customer portal');
}
