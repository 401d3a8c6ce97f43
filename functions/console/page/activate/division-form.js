/**
 * Asks the customer which company invited them, if the link names no division or one that does not exist.
 */
import { brandOf } from './activation-calls.js';
import { textField } from './activation-form.js';
import { fill, h, heading, whileBusy } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';

/**
 * @param {string} said the division that the link names
 * @param {(brand: Object) => void} done called with the brand of the division
 */
export function divisionForm(said, done) {
  const company = textField('company', 'Company that invited you', { type: 'text', autocomplete: 'organization', maxlength: 200, value: said });
  const trouble = h('div', { id: 'trouble' });
  const press = h('button', { id: 'find-company', type: 'submit', class: 'primary' }, 'Continue');
  if (said) company.fault(unknown());

  async function submit(event) {
    event.preventDefault();
    company.fault('');
    fill(trouble);
    await whileBusy(press, 'Looking…', async () => {
      try {
        done(await brandOf(company.input.value));
      } catch (problem) {
        if (![400, 404].includes(problem.status)) return fill(trouble, problemBox(problem));
        company.fault(unknown());
        company.input.focus();
      }
    });
  }

  return h('form', { id: 'incomplete', class: 'card', method: 'post', onsubmit: submit },
    heading(1, {}, 'Part of your link is missing'),
    h('p', {}, 'Open the e-mail again and press its button, or copy the whole link into the address bar. ',
      'If that leads here again, type the name of the company as it stands in the e-mail.'),
    company.element, trouble,
    h('div', { class: 'buttons' }, press));
}

function unknown() {
  return 'There is no company of this name here. Type it as it stands in the e-mail that invites you.';
}
