/**
 * The fields of a template's sources, with each fault at its field.
 */
import { fill, h } from '../shared/dom.js';

const FIELDS = [
  { name: 'name', label: 'Name', control: props => h('input', { maxlength: 100, ...props }) },
  { name: 'language', label: 'Language of the e-mail: dates and numbers follow it', control: languageControl },
  { name: 'subject', label: 'Subject', control: props => h('input', props) },
  { name: 'html', label: 'HTML', control: props => h('textarea', { rows: 18, wrap: 'off', ...props }) },
  { name: 'text', label: 'Text', control: props => h('textarea', { rows: 12, ...props }) },
];

const NAMES = new Intl.DisplayNames(['en'], { type: 'language', languageDisplay: 'standard' });

const languageOption = tag => h('option', { value: tag }, NAMES.of(tag));

function languageControl({ languages, readOnly, ...props }) {
  return h('select', { disabled: readOnly, ...props }, languages.map(languageOption));
}

/** Chooses a language, even one that is not on offer: the API accepts any region. */
function choose(control, tag) {
  if (![...control.options].some(({ value }) => value === tag)) control.append(languageOption(tag));
  control.value = tag;
}

/**
 * @param {{languages: string[], readOnly: boolean, onInput: () => void}} options
 * @returns {{element: HTMLElement, read: () => Object, write: (entries: Object) => void, showFaults: (faults: Object[],
 *   options: {focus: boolean}) => void}}
 */
export function sourceFields({ languages, readOnly, onInput }) {
  const fields = FIELDS.map(({ name, label, control }) => {
    const id = `template-${name}`;
    return {
      name, label,
      control: control({
        id, languages: name === 'language' ? languages : null, spellcheck: name === 'html' ? 'false' : null, autocomplete: 'off', readOnly, 'aria-describedby': `${id}-faults`, oninput: onInput,
      }),
      faults: h('ul', { id: `${id}-faults`, class: 'faults' }),
    };
  });
  const others = h('ul', { class: 'faults' });
  const element = h('div', { class: 'stack' },
    fields.map(({ label, control, faults }) => h('div', { class: 'field' }, h('label', { for: control.id }, label), control, faults)), others);

  function fault(control, { message, line, column }) {
    if (!line) return h('li', {}, message);
    const go = () => moveCaret(control, line, column);
    return h('li', {}, h('button', { type: 'button', onclick: go }, `Line ${line}, column ${column}: ${message}`));
  }

  return {
    element,
    read: () => Object.fromEntries(fields.map(({ name, control }) => [name, control.value])),
    write(source) {
      for (const { name, control } of fields) {
        if (name === 'language') choose(control, source[name] ?? 'en');
        else control.value = source[name] ?? '';
      }
    },
    /** Replaces the faults shown; `focus` moves the caret to the first of them. */
    showFaults(errors, { focus }) {
      for (const { name, control, faults } of fields) {
        const mine = errors.filter(error => error.field === name);
        fill(faults, mine.map(error => fault(control, error)));
        if (mine.length > 0) control.setAttribute('aria-invalid', 'true');
        else control.removeAttribute('aria-invalid');
      }
      const elsewhere = errors.filter(error => !fields.some(({ name }) => name === error.field));
      fill(others, elsewhere.map(({ field, message }) => h('li', {}, `${field === 'templateId' ? 'This template' : field} ${message}`)));
      const first = focus && fields.find(({ name }) => errors.some(error => error.field === name));
      if (!first) return;
      const { line = 1, column = 1 } = errors.find(error => error.field === first.name);
      moveCaret(first.control, line, column);
    },
  };
}

/** Lines and columns count from 1. Columns count characters, some of which are two units of a JavaScript string. */
function moveCaret(control, line, column) {
  if (control.tagName === 'SELECT') {
    control.focus();
    return;
  }
  const lines = control.value.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const within = [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length;
  control.focus();
  control.setSelectionRange(before + within, before + within);
  if (control.tagName !== 'TEXTAREA') return;
  // Browsers don't scroll to a caret that a script has set, so this brings its line to the middle.
  const lineHeight = parseFloat(getComputedStyle(control).lineHeight);
  control.scrollTop = Math.max(0, (line - 1) * lineHeight - control.clientHeight / 2);
}
