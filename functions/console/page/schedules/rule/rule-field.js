/**
 * The fields for when a schedule runs. The form writes the rule from them.
 */
import { fill, h } from '../../shared/dom.js';
import { momentField } from './moment-field.js';
import { KEPT, NEW_RULE } from './rule.js';
import { ruleInWords } from './rule-words.js';
import { weekdayBoxes } from './weekdays.js';

const KINDS = [
  ['once', 'Once'], ['daily', 'Every day'], ['weekly', 'On days of the week'], ['monthly', 'On a day of the month'],
  ['interval', 'Every so many days or hours'],
];

/** The last day that every month has. */
const ALWAYS_THERE = 28;

/** @param {{onInput: () => void}} options */
export function ruleField({ onInput }) {
  let stored = NEW_RULE.stored;
  const changed = () => { showKind(); onInput(); };
  const kind = h('select', { id: 'rule-kind', onchange: changed });
  const moment = momentField({ id: 'rule-at', label: 'Day and time', onInput });
  const weekdays = weekdayBoxes({ id: 'rule-weekdays', label: 'Days', onInput });
  const dates = Array.from({ length: 31 }, (_, index) => h('option', { value: index + 1 }, index + 1));
  const day = h('select', { id: 'rule-day', onchange: changed }, dates, h('option', { value: 'L' }, 'Last day of the month'));
  const rare = h('p', { class: 'quiet' });
  const time = h('input', { id: 'rule-time', type: 'time', oninput: onInput });
  const every = h('input', { id: 'rule-every', type: 'number', min: 1, step: 1, autocomplete: 'off', oninput: onInput });
  const unit = h('select', { id: 'rule-unit', 'aria-label': 'Days or hours', onchange: onInput },
    h('option', { value: 'days' }, 'days'), h('option', { value: 'hours' }, 'hours'));
  const kept = h('p', { id: 'rule-kept', class: 'quiet' });

  const parts = {
    at: moment.element,
    weekdays: weekdays.element,
    day: h('div', { class: 'field' }, h('label', { for: day.id }, 'Day of the month'), day, rare),
    time: h('div', { class: 'field' }, h('label', { for: time.id }, 'At'), time),
    every: h('div', { class: 'field' }, h('label', { for: every.id }, 'Every'), h('div', { class: 'pair' }, every, unit),
      h('p', { class: 'quiet' }, 'Counted from the start below. A day is 24 hours here: for the same time of day also when the clocks change, choose “Every day”.')),
    kept,
  };
  const shownFor = {
    once: ['at'], daily: ['time'], weekly: ['weekdays', 'time'], monthly: ['day', 'time'], interval: ['every'], [KEPT]: ['kept'],
  };
  const element = h('div', { id: 'rule', class: 'field stack' },
    h('div', { class: 'grid halves' }, h('div', { class: 'field' }, h('label', { for: kind.id }, 'Runs'), kind),
      parts.at, parts.day, parts.time, parts.every),
    parts.weekdays, kept);

  function showKind() {
    for (const [name, part] of Object.entries(parts)) part.hidden = !shownFor[kind.value].includes(name);
    fill(rare, Number(day.value) > ALWAYS_THERE && `Months without a day ${day.value} are left out.`);
  }

  return {
    element,
    controls: [kind, ...moment.controls, ...weekdays.controls, day, time, every, unit],
    read: () => ({
      kind: kind.value, ...moment.read(), ...(kind.value !== 'once' && { time: time.value }), weekdays: weekdays.read(), day: day.value,
      every: every.value, unit: unit.value, stored,
    }),
    write(choice) {
      ({ stored } = choice);
      // A rule that the form can't write can be kept, but not chosen.
      fill(kind, KINDS.map(([value, label]) => h('option', { value }, label)),
        choice.kind === KEPT && h('option', { value: KEPT }, 'As it is now'));
      kind.value = choice.kind;
      moment.write(choice);
      weekdays.write(choice.weekdays);
      day.value = choice.day;
      time.value = choice.time;
      every.value = choice.every;
      unit.value = choice.unit;
      fill(kept, stored && `${ruleInWords(stored)}. It was not made with this form, and stays as it is until you choose something else.`);
      showKind();
    },
  };
}
