/**
 * Saves what was downloaded as a file.
 */
import { h } from './dom.js';

/** @param {string[]} parts of the file, in order */
export function saveFile(parts, name, type) {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  h('a', { href: address, download: name }).click();
  // The browser has to have started reading before the address goes.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
