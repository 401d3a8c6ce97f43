/**
 * Makes elements. Text always becomes text nodes, so that a customer's name is never parsed as HTML.
 */

/** Set as properties: the attribute of the same name is only the first value. */
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'readOnly', 'selected', 'open']);

/**
 * Makes an element: `h('a', {href: '#/', onclick: handler}, 'Back')`. Properties that are false, null or undefined are
 * left out.
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

/** Replaces the children of `element`. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat().filter(child => child !== null && child !== false && child !== undefined);
}

/** Lets a screen reader read the text at its next pause. */
export function announce(text) {
  document.getElementById('live').textContent = text;
}

/**
 * Runs `work` while the button shows `label`; pressing it again meanwhile does nothing. The button is not disabled,
 * since it would lose the focus.
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
 * A heading that can be focused by script, so that a screen reader continues from a new view.
 * @param {1|2|3} level
 * @param {Object<string, any>} props
 * @param {...any} children
 */
export function heading(level, props, ...children) {
  return h(/** @type {'h1'|'h2'|'h3'} */ (`h${level}`), { tabindex: -1, ...props }, ...children);
}

/** A description list; entries without a value are left out. */
export function facts(entries) {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return h('dl', { class: 'facts' }, shown.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));
}
