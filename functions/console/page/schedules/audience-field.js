/**
 * The fields for which people of its selection a schedule addresses.
 */
import { h } from '../shared/dom.js';
import { AUDIENCES } from './schedule-words.js';

/** @param {{onInput: () => void}} options */
export function audienceField({ onInput }) {
  const status = h('select', { id: 'audience-status', onchange: () => { showReminders(); onInput(); } },
    Object.entries(AUDIENCES).map(([value, label]) => h('option', { value }, label)));
  const pendingDays = number('audience-pending-days', { min: 0, max: 3650 });
  const maxReminders = number('audience-max-reminders', { min: 1, max: 100 });
  const reminders = h('div', { class: 'grid two' },
    field('Only if invited at least so many days ago', pendingDays, '0: however lately.'),
    field('At most so many reminders each', maxReminders, 'All reminders count, whatever sent them.'));
  const element = h('div', { id: 'audience', class: 'stack' }, h('div', { class: 'grid halves' }, field('Who of them', status)), reminders);

  function number(id, limits) {
    return h('input', { id, type: 'number', step: 1, autocomplete: 'off', 'aria-describedby': `${id}-hint`, ...limits, oninput: onInput });
  }

  function showReminders() {
    reminders.hidden = status.value === 'notSent';
  }

  return {
    element,
    controls: { status, pendingDays, maxReminders },
    read: () => ({ status: status.value, pendingDays: pendingDays.value, maxReminders: maxReminders.value }),
    write(audience) {
      status.value = audience.status;
      pendingDays.value = audience.pendingDays;
      maxReminders.value = audience.maxReminders;
      showReminders();
    },
  };
}

function field(label, control, hint) {
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control,
    hint && h('p', { id: `${control.id}-hint`, class: 'quiet' }, hint));
}
