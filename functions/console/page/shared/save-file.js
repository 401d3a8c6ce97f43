/**
 * Saves downloaded content as a file.
 */
import { h } from './dom.js';

/** @param {string[]} parts content of the file, in order */
export function saveFile(parts, name, type) {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  h('a', { href: address, download: name }).click();
  // The browser must have started to read the content before its address is revoked.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
