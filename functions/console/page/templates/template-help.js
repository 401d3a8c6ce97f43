/**
 * Help for writing a template: its placeholders and blocks.
 */
import { h } from '../shared/dom.js';

const PLACEHOLDERS = [
  ['{{name}}', 'name of the person, may be empty'],
  ['{{temporaryPassword}}', 'the password; not in the subject'],
  ['{{activationLink}}', 'where access is activated; not in the subject'],
  ['{{#if earlierPasswordsEnd}}…{{/if}}', 'only if passwords that were mailed before no longer work'],
  ['{{expires}}', 'until when the password is valid'],
  ['{{division.name}}', 'name of the division'],
  ['{{division.contactAddress}}', 'address for questions'],
  ['{{division.portalUrl}}', 'address of the portal'],
  ['{{division.logoUrl}}', 'address of the logo, may be empty'],
  ['{{accountTotal}}', 'how many accounts they have'],
  ['{{#if oneAccount}}…{{/if}}', 'only if it is one'],
  ['{{#each accounts}}{{this.id}} {{this.name}}{{/each}}', 'the first 20 accounts'],
  ['{{moreAccounts}}', 'how many are not listed, may be empty'],
];

export function templateHelp() {
  return h('details', {}, h('summary', {}, 'What a template can say'),
    h('p', { class: 'quiet' },
      'Placeholders, and around them {{#if …}}, {{#unless …}}, {{else}} and {{#each …}}. In HTML they stand in text or in quoted attributes.'),
    h('p', { class: 'quiet' },
      'Password and link stand in text, with a space or a line break before and after, and the link in href. A literal link leads to what it shows, and to a server of the division.'),
    h('ul', { class: 'words plain' }, PLACEHOLDERS.map(([code, meaning]) => h('li', {}, h('code', {}, code), ` ${meaning}`))));
}
