/**
 * The e-mail of a Send as one of its recipients will get it, and a test e-mail to the operator.
 */
import { get, post } from '../shared/api/api.js';
import { button, fill, h } from '../shared/dom.js';
import { mailPreview } from '../templates/mail-preview.js';
import { problemBox } from '../shared/problem-box.js';

/** Send leaves out people who were invited within this time, so none of them is the example. */
const RECENTLY_MS = 24 * 3600 * 1000;

export function sendPreview({ filter, message, person, signal }) {
  const element = h('section', { class: 'send-preview', 'aria-labelledby': 'preview-title' });
  const title = h('h3', { id: 'preview-title' }, 'How it will look');
  const { templateId, emailFrom } = message;
  const path = `v1/templates/${encodeURIComponent(templateId)}`;
  let example = person ?? null;

  async function load() {
    fill(element, title, h('p', { class: 'quiet' }, 'Loading the preview…'));
    try {
      example ??= await findExample(filter, signal);
      const mail = await post(`${path}/preview`, withExample({ division: filter.division }), { signal });
      const preview = mailPreview();
      const who = example ? `${example.name || 'No name'} (${example.email})` : 'a sample person';
      fill(element, title, h('p', { class: 'quiet' }, `As ${who} will get it; the dots stand for the password.`),
        preview.element, test());
      preview.show(mail);
    } catch (error) {
      if (!signal.aborted) fill(element, title, problemBox(error, { retry: load }));
    }
  }

  function test() {
    const status = h('span', { id: 'test-status', role: 'status' });
    const failed = h('div');
    const send = button({ id: 'send-test' }, 'Send me a test', 'Sending a test…', async () => {
      fill(status);
      fill(failed);
      try {
        const { to } = await post(`${path}/test`, withExample({ division: filter.division, emailFrom }), { signal });
        fill(status, `A test is on its way to ${to}.`);
      } catch (error) {
        if (!signal.aborted) fill(failed, problemBox(error));
      }
    });
    return h('div', { class: 'test' }, send, status, failed);
  }

  function withExample(request) {
    return example ? { ...request, recipientId: example.recipientId } : request;
  }

  load();
  return element;
}

/** A person who will be e-mailed; null if none is found quickly, and then a sample person is shown. */
async function findExample(filter, signal) {
  for (const status of ['notSent', 'pending']) {
    const { items } = await get('v1/recipients', { query: { ...filter, status, limit: 20 }, signal });
    const found = items.find(item => !item.undeliverable && !(Date.now() - Date.parse(item.lastInvitedAt) < RECENTLY_MS));
    if (found) return found;
  }
  return null;
}
