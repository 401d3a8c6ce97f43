/**
 * The form that narrows the selection and chooses sender and template.
 */
import { fill, h } from './dom.js';
import { CHOICES, FLAGS } from './filter.js';

const OTHER = 'other';

/**
 * @param {Object} catalog answer of `GET v1/filters`
 * @param {{onFilter: (filter: Object) => void, onMessage: () => void, onLoad: () => void}} handlers `onFilter` is
 *   called when the selection changes, `onMessage` when only sender or template does
 */
export function filterForm(catalog, { onFilter, onMessage, onLoad }) {
  const division = h('select', { id: 'division', required: true, onchange: () => { offer(read()); onFilter(read()); } });
  const choices = CHOICES.map(choice => ({ ...choice, select: h('select', { id: choice.name, onchange: changed }) }));
  const flags = FLAGS.map(flag => ({ ...flag, box: h('input', { id: flag.name, type: 'checkbox', onchange: changed }) }));
  const sender = h('select', { id: 'emailFrom', onchange: () => { showOther(); onMessage(); } });
  const otherSender = h('input', { id: 'emailFromOther', type: 'email', autocomplete: 'off', oninput: onMessage });
  let offeredTo = null;
  const otherField = field('Other address', otherSender);
  const template = h('select', { id: 'templateId', onchange: onMessage });

  const element = h('form', { id: 'filters', novalidate: true, onsubmit: event => { event.preventDefault(); onLoad(); } },
    h('div', { class: 'grid five' }, field('Division', division), choices.map(({ label, select }) => field(label, select))),
    h('fieldset', { class: 'flags' }, h('legend', { class: 'unseen' }, 'Only'),
      flags.map(({ label, name, box }) => h('label', { class: 'flag', for: name }, box, label))),
    h('div', { class: 'grid two' }, h('div', { class: 'stack' }, field('Email From', sender), otherField), field('Notification Template', template)));

  fill(division, h('option', { value: '' }, 'Choose a division'),
    catalog.divisions.map(({ division: id, name }) => h('option', { value: id }, name && name !== id ? `${id} – ${name}` : id)));
  fill(template, catalog.templates.map(({ templateId, name }) => h('option', { value: templateId }, name)));

  function changed() {
    onFilter(read());
  }

  function read() {
    const filter = {};
    if (division.value) filter.division = division.value;
    for (const { name, select } of choices) if (select.value) filter[name] = select.value;
    for (const { name, box } of flags) if (box.checked) filter[name] = true;
    return filter;
  }

  function write(filter) {
    setOption(division, filter.division ?? '');
    offer(filter, true);
    for (const { name, box } of flags) box.checked = filter[name] === true;
  }

  /** Offers the choices of the division. A chosen value that the division lacks is dropped, unless `keep` is set. */
  function offer(filter, keep = false) {
    const chosen = catalog.divisions.find(one => one.division === division.value);
    for (const { name, offered, select } of choices) {
      const values = chosen?.[offered] ?? [];
      fill(select, h('option', { value: '' }, chosen && values.length === 0 ? 'None in this division' : 'Any'),
        values.map(value => h('option', { value }, value)));
      const wanted = filter[name] ?? '';
      if (keep || values.includes(wanted)) setOption(select, wanted);
      select.disabled = values.length === 0 && !select.value;
    }
    offerSenders(chosen);
  }

  /**
   * Offers the division's senders. Another address is allowed only if the division has at most one sender.
   */
  function offerSenders(chosen) {
    if (offeredTo === chosen) return;
    offeredTo = chosen;
    const senders = chosen?.senders ?? [];
    fill(sender, senders.map(value => h('option', { value }, value)),
      chosen && senders.length < 2 && h('option', { value: OTHER }, 'Another address…'));
    sender.disabled = !chosen;
    chooseSender(chosen?.emailFrom);
  }

  /** Chooses the sender if the division allows it, else the division's own address. */
  function chooseSender(wanted) {
    const offered = [...sender.options].map(option => option.value);
    const known = offered.includes(wanted);
    sender.value = known ? wanted : wanted && offered.includes(OTHER) ? OTHER : offeredTo?.emailFrom ?? offered[0] ?? '';
    otherSender.value = sender.value === OTHER && wanted ? wanted : '';
    showOther();
  }

  function showOther() {
    otherField.hidden = sender.value !== OTHER;
    otherSender.required = !otherField.hidden;
  }

  return {
    element,
    read,
    write,
    /** Sender and template for the next Send. */
    message: () => ({
      emailFrom: (sender.value === OTHER ? otherSender.value : sender.value).trim(),
      templateId: template.value,
      templateName: template.selectedOptions[0]?.textContent ?? '',
    }),
    /** Restores sender and template if they are offered; with `keep` in any case. */
    writeMessage({ emailFrom, templateId }, { keep = false } = {}) {
      if (templateId && (keep || [...template.options].some(option => option.value === templateId))) setOption(template, templateId);
      chooseSender(emailFrom);
      if (keep && emailFrom && sender.value !== OTHER) setOption(sender, emailFrom);
    },
    /** Whether a division is chosen; if not, its field shows that. */
    canLoad: () => division.reportValidity(),
    /** Whether there is a sender; if not, its field shows that. */
    canSend: () => otherSender.reportValidity(),
    focusSender: () => (otherField.hidden ? sender : otherSender).focus(),
  };
}

function field(label, control) {
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control);
}

/**
 * Chooses a value even if it is not on offer (any more): a shared link must not silently change its meaning.
 */
function setOption(select, value) {
  if (![...select.options].some(option => option.value === value)) select.append(h('option', { value }, `${value} (not on offer)`));
  select.value = value;
}
