/**
 * What the link in the e-mail says. It stands behind the #, which browsers send to nobody. What gateways of mail do to
 * links on the way is undone, as far as it can be told: the link is written so that no other than its own signs stand
 * in it unescaped.
 */

const NAMES = ['division', 'email', 'temporaryPassword'];

/** How often a link is escaped anew at most. */
const MOST_TIMES = 4;

/** What may stand where the # was, escaped or not. */
const LEADING = /^(?:[\s/#?&>]|%(?:25)*(?:20|23|26|2f|3e|3f))+/i;

/**
 * Takes address and temporary password out of the page's address, so that they are in no bookmark, picture of the
 * screen or tab that is brought back. The division stays: a reload still knows whose page it is.
 * @returns {{division: string, email: string, temporaryPassword: string}} what is missing is empty
 */
export function takeLink() {
  const link = readLink(location.search ? `${location.search}&${location.hash.replace(LEADING, '')}` : location.hash);
  keepDivision(link.division);
  return link;
}

/** Puts nothing but the division into the page's address. */
export function keepDivision(division) {
  history.replaceState(null, '', location.pathname + (division ? `#division=${encodeURIComponent(division)}` : ''));
}

function readLink(text) {
  const said = Object.fromEntries(pairs(mended(text)));
  const values = NAMES.map(name => said[name.toLowerCase()] ?? '');
  // `=3D` is an `=` of an e-mail's source. One value might begin so by itself, but not all of them.
  const present = values.filter(value => value !== '');
  const leftover = present.length > 1 && present.every(value => /^3D/i.test(value));
  const [division, email, temporaryPassword] = values.map(value => decoded(leftover ? value.slice(2) : value).trim());
  return { division, email, temporaryPassword };
}

/** The link with its own signs unescaped. */
function mended(text) {
  let link = text;
  for (let times = 0; times < MOST_TIMES && isEscapedAnew(link); times++) link = decoded(link);
  return link.replace(LEADING, '').replace(/&(?:(?:amp|#38|#x26);)+/gi, '&');
}

/** Whether the whole is escaped once more: its signs are, or each escape in it is. */
function isEscapedAnew(link) {
  const escapes = link.replace(LEADING, '').match(/%../g) ?? [];
  return !link.includes('=') ? /%(?:25)*3d/i.test(link) : escapes.length > 0 && escapes.every(escape => escape === '%25');
}

function pairs(link) {
  return link.split('&').map(part => {
    const [name, ...value] = part.split('=');
    // An `=` in a value is where a line of an e-mail's source was broken.
    return [decoded(name).replace(/[^a-z]/gi, '').toLowerCase(), value.join('')];
  });
}

/** The text without escapes; one that is cut off stays. A plus stands for itself, as the e-mail writes it. */
function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    return text;
  }
}
