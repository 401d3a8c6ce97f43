/**
 * The values in the link of the e-mail. They stand in the fragment, which browsers never send to a server. Mail
 * gateways change links on the way, and this module undoes that as far as it can: the e-mail writes the link so that
 * only its own `#`, `&` and `=` are unescaped.
 */

const NAMES = ['division', 'email', 'temporaryPassword'];

/** How many extra layers of escapes are removed at most. */
const MOST_TIMES = 4;

/** What may stand in place of the `#`, escaped or not. */
const LEADING = /^(?:[\s/#?&>]|%(?:25)*(?:20|23|26|2f|3e|3f))+/i;

/**
 * Reads the link and removes e-mail address and temporary password from the address bar, so that no bookmark,
 * screenshot or restored tab contains them. The division stays, so that a reload still knows whose page it is.
 * @returns {{division: string, email: string, temporaryPassword: string}} missing values are empty
 */
export function takeLink() {
  const link = readLink(location.search ? `${location.search}&${location.hash.replace(LEADING, '')}` : location.hash);
  keepDivision(link.division);
  return link;
}

/** Replaces the fragment by the division alone. */
export function keepDivision(division) {
  history.replaceState(null, '', location.pathname + (division ? `#division=${encodeURIComponent(division)}` : ''));
}

function readLink(text) {
  const said = Object.fromEntries(pairs(mended(text)));
  const values = NAMES.map(name => said[name.toLowerCase()] ?? '');
  // `=3D` is how quoted-printable writes `=`. A single value may begin with `3D` by chance; all of them do so only if
  // the source of the e-mail was copied.
  const present = values.filter(value => value !== '');
  const leftover = present.length > 1 && present.every(value => /^3D/i.test(value));
  const [division, email, temporaryPassword] = values.map(value => decoded(leftover ? value.slice(2) : value).trim());
  return { division, email, temporaryPassword };
}

/** The link with its own `#`, `&` and `=` unescaped. */
function mended(text) {
  let link = text;
  for (let times = 0; times < MOST_TIMES && isEscapedAnew(link); times++) link = decoded(link);
  return link.replace(LEADING, '').replace(/&(?:(?:amp|#38|#x26);)+/gi, '&');
}

/** Whether the whole link is escaped once more: its own `=` are escaped, or each escape in it is. */
function isEscapedAnew(link) {
  const escapes = link.replace(LEADING, '').match(/%../g) ?? [];
  return !link.includes('=') ? /%(?:25)*3d/i.test(link) : escapes.length > 0 && escapes.every(escape => escape === '%25');
}

function pairs(link) {
  return link.split('&').map(part => {
    const [name, ...value] = part.split('=');
    // An `=` in a value is a soft line break of quoted-printable, left by copying the source of the e-mail.
    return [decoded(name).replace(/[^a-z]/gi, '').toLowerCase(), value.join('')];
  });
}

/**
 * The text without escapes; an incomplete escape stays. A `+` is itself and no space, since the e-mail escapes spaces.
 */
function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    return text;
  }
}
