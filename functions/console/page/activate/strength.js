/**
 * An estimate of a password's strength, to choose by. The API alone decides which passwords are allowed: it knows the
 * ones that attackers try first.
 */

/** Fewest characters that the API accepts. */
export const FEWEST = 12;

/**
 * A well-known word counts as one character. A character that follows from the one before it (aaa, 123, cba) counts
 * less.
 */
const KNOWN_WORD = '\u0001';
const FOLLOWS = 0.25;

/** A password is worth at most this many times the number of its different characters. */
const TIMES = 1.6;

const WELL_KNOWN = ['password', 'passwort', 'qwerty', 'letmein', 'iloveyou', 'welcome', 'admin', 'changeme', 'dragon', 'monkey', 'football', 'portal'];

/** Upper limits of worth, with the level and its name. @type {[number, number, string][]} */
const LEVELS = [[8, 1, 'Weak'], [11, 2, 'Fair'], [15, 3, 'Good'], [Infinity, 4, 'Strong']];

/**
 * @param {string} password
 * @param {string[]} [about] words that others connect with the person: address, company
 * @returns {{level: number, word: string}} a level from 0 (too short) to 4
 */
export function strength(password, about = []) {
  const length = [...password].length;
  if (length < FEWEST) return { level: 0, word: length === 0 ? '' : `Too short: ${FEWEST - length} more` };
  const worth = worthOf([...withoutKnownWords(password.toLowerCase(), about)]);
  const [, level, word] = LEVELS.find(([below]) => worth < below);
  return { level, word };
}

function withoutKnownWords(text, about) {
  const words = [...WELL_KNOWN, ...about.flatMap(said => said.toLowerCase().split(/[^\p{L}\p{N}]+/u))].filter(word => word.length > 3);
  return words.reduce((rest, word) => rest.replaceAll(word, KNOWN_WORD), text);
}

function worthOf(characters) {
  const worth = characters.reduce((sum, character, index) => {
    const step = index > 0 ? Math.abs(character.codePointAt(0) - characters[index - 1].codePointAt(0)) : Infinity;
    return sum + (step <= 1 ? FOLLOWS : 1);
  }, 0);
  return Math.min(worth, new Set(characters).size * TIMES);
}
