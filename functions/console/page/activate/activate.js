/**
 * The page behind the link in an invitation.
 */
import { brandOf } from './activation-calls.js';
import { activationForm } from './activation-form.js';
import { keepDivision, takeLink } from './activation-link.js';
import { divisionForm } from './division-form.js';
import { fill, h, heading } from '../shared/dom.js';
import { problemBox } from '../shared/problem-box.js';

const main = document.getElementById('main');
const link = takeLink();

async function start() {
  if (!link.division) return incomplete();
  try {
    return activate(await brandOf(link.division));
  } catch (problem) {
    // The API answers 400 if the text can't be the name of a division.
    return [400, 404].includes(problem.status) ? incomplete() : fill(main, problemBox(problem, { retry: start }));
  }
}

function activate(brand) {
  document.title = `Your invitation – ${brand.name}`;
  keepDivision(brand.division);
  fill(main, header(brand), activationForm({ ...link, division: brand.division }, brand, () => welcome(brand)));
}

function header({ name, logoUrl }) {
  // Without a logo, the name stands alone.
  const logo = logoUrl && h('img', { src: logoUrl, alt: '', referrerpolicy: 'no-referrer', onerror: event => event.target.remove() });
  return h('header', { class: 'brand' }, logo, h('p', {}, name));
}

/** Replaces the form, so that nothing that was typed stays on the page. */
function welcome(brand) {
  const title = heading(1, {}, 'Your account is activated');
  fill(main, header(brand),
    h('div', { id: 'activated', class: 'card' }, title,
      h('p', {}, 'From now on you sign in with your e-mail address and the password that you have just chosen.'),
      h('div', { class: 'buttons' }, h('a', { class: 'button primary', href: brand.portalUrl, rel: 'noreferrer' }, 'Go to the customer portal'))));
  title.focus();
}

function incomplete() {
  fill(main, divisionForm(link.division, brand => {
    activate(brand);
    main.querySelector('h1').focus();
  }));
}

// Opening another link in the same tab changes only the fragment, which loads nothing by itself.
addEventListener('hashchange', () => location.reload());
start();
