/**
 * The page behind the link in an invitation.
 */
import { brandOf } from './activation-calls.js';
import { activationForm } from './activation-form.js';
import { takeLink } from './activation-link.js';
import { fill, h, heading } from './dom.js';
import { problemBox } from './problem-box.js';

const main = document.getElementById('main');
const link = takeLink();

async function start() {
  if (!link.division) return incomplete();
  try {
    const brand = await brandOf(link.division);
    document.title = `Your invitation – ${brand.name}`;
    return fill(main, header(brand), activationForm(link, brand, () => welcome(brand)));
  } catch (problem) {
    return problem.status === 404 ? incomplete() : fill(main, problemBox(problem, { retry: start }));
  }
}

function header({ name, logoUrl }) {
  // A logo that can't be had leaves the name.
  const logo = logoUrl && h('img', { src: logoUrl, alt: '', referrerpolicy: 'no-referrer', onerror: event => event.target.remove() });
  return h('header', { class: 'brand' }, logo, h('p', {}, name));
}

/** Nothing of what was typed is left on the page. */
function welcome(brand) {
  const title = heading(1, {}, 'Your account is activated');
  fill(main, header(brand),
    h('div', { id: 'activated', class: 'card' }, title,
      h('p', {}, 'From now on you sign in with your e-mail address and the password that you have just chosen.'),
      h('div', { class: 'buttons' }, h('a', { class: 'button primary', href: brand.portalUrl, rel: 'noreferrer' }, 'Go to the customer portal'))));
  title.focus();
}

function incomplete() {
  fill(main, h('div', { id: 'incomplete', class: 'card' },
    heading(1, {}, 'Open the link in your e-mail'),
    h('p', {}, 'This page needs the whole link of your invitation. Open the e-mail again and press its button, or copy the whole link into the address bar.')));
}

// A link that is opened in a page that is open already changes only what is behind the #.
addEventListener('hashchange', () => location.reload());
start();
