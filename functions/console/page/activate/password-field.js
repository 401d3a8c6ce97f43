/**
 * The field for a new password: it can be shown, pasted and filled by a password manager, and says how strong it looks.
 */
import { announce, fill, h } from '../shared/dom.js';
import { FEWEST, strength } from './strength.js';

/** A screen reader reads the strength only after a pause in typing. */
const PAUSE_MS = 900;

/**
 * @param {() => string[]} about words that others connect with the person
 * @returns {{element: HTMLElement, input: HTMLInputElement, fault: (text: string) => void, hide: () => void}} `fault`
 *   shows a fault, and removes it if the text is empty; `hide` turns the field back into a password field
 */
export function passwordField(about) {
  const input = h('input', {
    id: 'newPassword', name: 'newPassword', type: 'password', autocomplete: 'new-password', required: true, spellcheck: 'false',
    autocapitalize: 'off', 'aria-describedby': 'newPassword-rule newPassword-strength newPassword-fault', oninput: typed,
  });
  const meter = h('meter', { id: 'newPassword-meter', min: 0, max: 4, low: 2, high: 3, optimum: 4, value: 0, 'aria-hidden': 'true' });
  const word = h('span', { id: 'newPassword-strength' });
  const wrong = h('p', { id: 'newPassword-fault', class: 'fault', role: 'alert' });
  const show = h('button', { id: 'show-password', type: 'button', 'aria-pressed': 'false', onclick: toggle }, 'Show');
  let pause;

  function typed() {
    const { level, word: said } = strength(input.value, about());
    meter.value = level;
    meter.className = `level-${level}`;
    fill(word, said);
    fault('');
    clearTimeout(pause);
    pause = setTimeout(() => announce(said && `Password: ${said}`), PAUSE_MS);
  }

  function reveal(shown) {
    input.type = shown ? 'text' : 'password';
    show.setAttribute('aria-pressed', String(shown));
  }

  function toggle() {
    reveal(input.type === 'password');
    input.focus();
  }

  function fault(text) {
    fill(wrong, text);
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }

  const element = h('div', { class: 'field' },
    h('label', { for: 'newPassword' }, 'Choose a password'),
    h('div', { class: 'with-button' }, input, show),
    h('div', { class: 'strength' }, meter, word),
    wrong,
    h('p', { id: 'newPassword-rule', class: 'quiet' },
      `At least ${FEWEST} characters, whichever you like. A few words that don't belong together are easy to remember and hard to guess.`));
  return { element, input, fault, hide: () => reveal(false) };
}
