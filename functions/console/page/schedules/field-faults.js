/**
 * Shows each fault of a form at its field.
 */
import { fill, h } from '../shared/dom.js';

/**
 * @typedef {{field: string, message: string}} Fault
 *
 * @param {HTMLElement} form
 * @param {{field: string, controls: HTMLElement[], box?: HTMLElement}[]} places a fault is shown at the place with the
 *   longest `field` that its own field begins with, at the end of `box`: by default the field around the first control
 */
export function fieldFaults(form, places) {
  const slots = places.map(({ field, controls, box = controls[0].closest('.field') }) => {
    const list = h('ul', { id: `${controls[0].id}-faults`, class: 'faults' });
    box.append(list);
    for (const control of controls) describe(control, list.id);
    return { field, controls, list };
  });
  const others = h('ul', { class: 'faults' });
  let refused = [];
  let noticed = [];

  form.addEventListener('input', changed);
  form.addEventListener('change', changed);
  // Shows the faults that were held back during typing.
  form.addEventListener('focusout', () => setTimeout(render));

  /** A change may mend the fault for which a save was refused. */
  function changed({ target }) {
    const slot = slots.find(({ controls }) => controls.includes(target));
    if (!slot || !refused.some(fault => slotOf(fault) === slot)) return;
    refused = refused.filter(fault => slotOf(fault) !== slot);
    render();
  }

  function slotOf({ field }) {
    const fitting = slots.filter(slot => field === slot.field || field.startsWith(`${slot.field}.`));
    return fitting.sort((one, other) => other.field.length - one.field.length)[0];
  }

  function render() {
    for (const slot of slots) {
      const mine = refused.filter(fault => slotOf(fault) === slot);
      // A new fault of the focused field waits until the focus leaves it.
      const typing = slot.controls.some(control => control === document.activeElement);
      const seen = noticed.filter(fault => slotOf(fault) === slot && (!typing || slot.list.textContent.includes(fault.message)));
      const messages = new Set([...mine, ...seen].map(({ message }) => message));
      fill(slot.list, [...messages].map(message => h('li', {}, message)));
      for (const control of slot.controls) {
        if (messages.size > 0) control.setAttribute('aria-invalid', 'true');
        else control.removeAttribute('aria-invalid');
      }
    }
    const elsewhere = refused.filter(fault => !slotOf(fault));
    fill(others, elsewhere.map(({ field, message }) => h('li', {}, `${field} ${message}`)));
  }

  return {
    /** Faults that have no field here. */
    others,
    /** Shows the faults for which a save was refused, and focuses the first. */
    refuse(faults) {
      refused = faults;
      render();
      const first = slots.find(slot => faults.some(fault => slotOf(fault) === slot));
      if (!first) return;
      const control = first.controls.find(one => one.checkVisibility()) ?? first.controls[0];
      for (let fold = control.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true;
      control.focus();
    },
    /** Shows the faults that the preview found in a form that may still be edited. */
    notice(faults) {
      noticed = faults;
      render();
    },
  };
}

function describe(control, id) {
  control.setAttribute('aria-describedby', [control.getAttribute('aria-describedby'), id].filter(Boolean).join(' '));
}
