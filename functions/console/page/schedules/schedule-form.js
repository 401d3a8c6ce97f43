/**
 * The fields of a schedule: which people, when, and how.
 */
import { audienceField } from './audience-field.js';
import { fill, h } from '../shared/dom.js';
import { fieldFaults } from './field-faults.js';
import { CHOICES } from '../shared/filter.js';
import { filterForm } from '../shared/filters.js';
import { momentField } from './rule/moment-field.js';
import { paceField } from '../shared/pace-field.js';
import { quietHoursField } from './quiet-hours-field.js';
import { ruleField } from './rule/rule-field.js';

/** Most people that the API accepts. */
const MOST_RECIPIENTS = 10_000_000;

/**
 * @param {Object} catalog answer of `GET v1/filters`
 * @param {{readOnly: boolean, onInput: () => void}} options
 */
export function scheduleForm(catalog, { readOnly, onInput }) {
  const edited = () => { showZone(); onInput(); };
  const name = h('input', { id: 'schedule-name', maxlength: 100, autocomplete: 'off', oninput: onInput });
  const filters = filterForm(catalog, { onFilter: edited, onMessage: edited, onLoad: edited });
  const audience = audienceField({ onInput });
  const maxRecipients = h('input', {
    id: 'max-recipients', type: 'number', min: 1, max: MOST_RECIPIENTS, step: 1, autocomplete: 'off', 'aria-describedby': 'max-recipients-hint', oninput: onInput,
  });
  const pace = paceField({ onInput });
  const rule = ruleField({ onInput });
  const zone = h('p', { id: 'schedule-zone', class: 'quiet' });
  const from = momentField({ id: 'schedule-from', label: 'From', hint: 'Left empty: from now on.', onInput });
  const until = momentField({ id: 'schedule-until', label: 'Until', hint: 'Left empty: for as long as nobody ends it.', onInput });
  const quietHours = quietHoursField({ onInput });

  const element = h('fieldset', { class: 'stack schedule-form', disabled: readOnly },
    h('div', { class: 'field' }, h('label', { for: name.id }, 'Name'), name),
    group('Who, and which e-mail', filters.element, audience.element),
    group('When', zone, rule.element, h('div', { class: 'grid two' }, from.element, until.element)),
    group('How many, and how fast',
      h('div', { class: 'grid halves' },
        h('div', { class: 'field' }, h('label', { for: maxRecipients.id }, 'At most so many people each time'), maxRecipients,
          h('p', { id: 'max-recipients-hint', class: 'quiet' }, 'If there would be more, nobody is e-mailed, and the occurrence says so.'))),
      pace.element, quietHours.element));

  /** @returns {HTMLInputElement|HTMLSelectElement} */
  const at = id => filters.element.querySelector(`#${id}`);
  const places = [
    { field: 'name', controls: [name] },
    { field: 'filter', controls: [at('division')] },
    ...CHOICES.map(choice => ({ field: `filter.${choice.name}`, controls: [at(choice.name)] })),
    { field: 'emailFrom', controls: [at('emailFrom'), at('emailFromOther')] },
    { field: 'templateId', controls: [at('templateId')] },
    { field: 'audience', controls: [audience.controls.status] },
    { field: 'audience.pendingDays', controls: [audience.controls.pendingDays] },
    { field: 'audience.maxReminders', controls: [audience.controls.maxReminders] },
    { field: 'rule', controls: rule.controls, box: rule.element },
    { field: 'from', controls: from.controls },
    { field: 'until', controls: until.controls },
    { field: 'maxRecipients', controls: [maxRecipients] },
    { field: 'maxPerMinute', controls: [pace.input] },
    { field: 'quietHours', controls: [quietHours.controls.sendFrom] },
    { field: 'quietHours.sendUntil', controls: [quietHours.controls.sendUntil] },
    { field: 'quietHours.weekdays', controls: quietHours.controls.weekdays },
  ];
  const faults = fieldFaults(element, places);
  element.append(faults.others);

  /** The time zone of all times in the form. */
  function timeZone() {
    return catalog.divisions.find(({ division }) => division === filters.read().division)?.timeZone;
  }

  function showZone() {
    const known = timeZone();
    fill(zone, known ? ['All times are those of the division: ', h('b', {}, known), '.'] : 'All times are those of the division.');
  }

  return {
    element,
    faults,
    /**
     * Faults of incomplete dates, times and numbers, whose value a browser leaves empty. Hidden fields may be
     * incomplete.
     */
    incomplete: () => places.filter(({ controls }) => controls.some(control => control.validity.badInput && !control.closest('[hidden]')))
      .map(({ field }) => ({ field, message: 'This is not complete.' })),
    read() {
      const { emailFrom, templateId } = filters.message();
      return {
        name: name.value, filter: filters.read(), emailFrom, templateId, audience: audience.read(), maxRecipients: maxRecipients.value,
        maxPerMinute: pace.input.value, rule: rule.read(), from: from.read(), until: until.read(), quietHours: quietHours.read(),
      };
    },
    write(entries) {
      name.value = entries.name;
      filters.write(entries.filter);
      filters.writeMessage(entries, { keep: true });
      audience.write(entries.audience);
      maxRecipients.value = entries.maxRecipients;
      pace.input.value = entries.maxPerMinute;
      pace.element.open = entries.maxPerMinute !== '';
      rule.write(entries.rule);
      from.write(entries.from);
      until.write(entries.until);
      quietHours.write(entries.quietHours);
      showZone();
    },
  };
}

function group(title, ...fields) {
  return h('div', { class: 'group stack' }, h('h2', {}, title), fields);
}
