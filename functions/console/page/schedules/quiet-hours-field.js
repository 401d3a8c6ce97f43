/**
 * The fields for the hours in which a campaign may send. They are off by default: few schedules need them.
 */
import { h } from '../shared/dom.js';
import { weekdayBoxes } from './rule/weekdays.js';

/** @param {{onInput: () => void}} options */
export function quietHoursField({ onInput }) {
  const on = h('input', { id: 'quiet-hours-on', type: 'checkbox', 'aria-describedby': 'quiet-hours-hint', onchange: () => { showHours(); onInput(); } });
  const sendFrom = h('input', { id: 'quiet-hours-from', type: 'time', oninput: onInput });
  const sendUntil = h('input', { id: 'quiet-hours-until', type: 'time', oninput: onInput });
  const weekdays = weekdayBoxes({ id: 'quiet-hours-weekdays', label: 'On', onInput });
  const hours = h('div', { class: 'stack' },
    h('div', { class: 'grid two' },
      h('div', { class: 'field' }, h('label', { for: sendFrom.id }, 'Send from'), sendFrom),
      h('div', { class: 'field' }, h('label', { for: sendUntil.id }, 'Send until'), sendUntil)),
    weekdays.element);
  const element = h('div', { id: 'quiet-hours', class: 'stack' },
    h('label', { class: 'flag', for: on.id }, on, 'Send only at certain hours'),
    h('p', { id: 'quiet-hours-hint', class: 'quiet' },
      'A campaign that is not through by then pauses, and goes on by itself. The division stays busy meanwhile.'), hours);

  function showHours() {
    hours.hidden = !on.checked;
  }

  return {
    element,
    controls: { sendFrom, sendUntil, weekdays: weekdays.controls },
    read: () => ({ on: on.checked, sendFrom: sendFrom.value, sendUntil: sendUntil.value, weekdays: weekdays.read() }),
    write(quiet) {
      on.checked = quiet.on;
      sendFrom.value = quiet.sendFrom;
      sendUntil.value = quiet.sendUntil;
      weekdays.write(quiet.weekdays);
      showHours();
    },
  };
}
