/**
 * Making elements. Text always becomes text nodes, so that no name of a customer can ever be taken for HTML.
 */

/** What is set as a property: the attribute of the same name would only be its first value. */
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'readOnly', 'selected', 'open']);

/**
 * An element: `h('a', {href: '#/', onclick: handler}, 'Back')`. A property that is false, null or undefined is left
 * out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Object<string, any>} [props]
 * @param {...(Node|string|number|null|false|undefined|any[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else if (value !== false && value != null) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...nodes(children));
  return element;
}

/** Replaces what is in `element`. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat().filter(child => child !== null && child !== false && child !== undefined);
}

/** Tells a screen reader, politely, what changed elsewhere on the page. */
export function announce(text) {
  document.getElementById('live').textContent = text;
}

/**
 * Runs `work` while the button says that it is busy; pressing it again meanwhile does nothing. The button is not
 * disabled, since it would lose the keyboard's focus.
 */
export async function whileBusy(button, label, work) {
  if (button.getAttribute('aria-busy') === 'true') return;
  const before = [...button.childNodes];
  button.setAttribute('aria-busy', 'true');
  button.setAttribute('aria-disabled', 'true');
  fill(button, label);
  try {
    await work();
  } finally {
    button.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
    fill(button, before);
  }
}

/** A button that runs `work` and shows `busyLabel` until that is done. */
export function button(props, label, busyLabel, work) {
  const element = h('button', { type: 'button', ...props }, label);
  element.addEventListener('click', () => whileBusy(element, busyLabel, work));
  return element;
}

/**
 * A heading that can be focused by the program, so that a screen reader reads on from a new view.
 * @param {1|2|3} level
 * @param {Object<string, any>} props
 * @param {...any} children
 */
export function heading(level, props, ...children) {
  return h(/** @type {'h1'|'h2'|'h3'} */ (`h${level}`), { tabindex: -1, ...props }, ...children);
}

/** A list of terms with what they are; entries without a value are left out. */
export function facts(entries) {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return h('dl', { class: 'facts' }, shown.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));
}
