/**
 * A preview of an e-mail: subject, HTML in a frame of its own origin, and text.
 */
import { fill, h } from '../shared/dom.js';

/** @returns {{element: HTMLElement, show: (options: {subject: string, html: string, text: string}) => void}} */
export function mailPreview() {
  const subject = h('p', { class: 'mail-subject' });
  const frame = h('iframe', { src: 'mail-frame', sandbox: 'allow-scripts', title: 'The e-mail as HTML', class: 'mail-frame' });
  const text = h('pre', { class: 'mail-text', tabindex: 0, 'aria-label': 'The e-mail as text' });
  let html = null;
  let ready = false;

  frame.addEventListener('load', () => {
    ready = true;
    post();
  });

  function post() {
    // The sandboxed frame has an opaque origin, which can't be named as the target.
    if (ready && html !== null) frame.contentWindow.postMessage({ html }, '*');
  }

  return {
    element: h('div', { class: 'mail' }, subject, frame, h('details', {}, h('summary', {}, 'Text version'), text)),
    show(mail) {
      fill(subject, h('span', { class: 'quiet' }, 'Subject: '), h('b', { id: 'preview-subject' }, mail.subject));
      fill(text, mail.text);
      html = mail.html;
      post();
    },
  };
}
