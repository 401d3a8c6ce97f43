/**
 * The operator's session: authorization code with PKCE (RFC 7636) at the user pool's hosted page. Tokens are kept only
 * in the memory of this module. A reload signs in again, without a prompt while the hosted page's own session lasts.
 * Signing in replaces the current entry of the browser's history, so Back leads where it led before.
 */
import { AUDIT, DIRECTORY, PERMISSION } from '../words.js';

/**
 * Where the state is kept that survives the redirects. It contains no secret of use without the code that comes back.
 */
const PENDING = 'portal-invites.sign-in';

/** Set during signing out, so that the page does not sign in again at once. */
const SIGNED_OUT = 'portal-invites.signed-out';

/** A token is renewed this long before it expires, so that it is valid when it arrives. */
const MARGIN_MS = 60_000;

/** The settings of this deployment, which the server writes into the page. */
const settings = JSON.parse(document.querySelector('meta[name=settings]').getAttribute('content'));

let tokens = null;
let renewing = null;

/** Signing in failed. */
export class SignInError extends Error {}

/**
 * Completes the sign-in if this page load is the redirect back from the hosted page.
 * @returns {Promise<boolean>} whether someone is signed in now
 */
export async function start() {
  // The hosted page redirects only to the public address, and the state for the return is kept by origin.
  if (location.origin + location.pathname !== new URL(home()).href) {
    leave(home() + location.search + location.hash);
    return new Promise(() => {});
  }
  const query = new URLSearchParams(location.search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  if (!query.has('state') || !(query.has('code') || query.has('error'))) return false;
  sessionStorage.removeItem(PENDING);
  // The address is restored in any case: a code works once, and must not stay in the history.
  history.replaceState(viewOf(pending), '', pending?.address ?? location.pathname);
  if (query.get('state') !== pending?.state) throw new SignInError('This sign-in was not started here, or too long ago.');
  if (query.has('error')) throw new SignInError(query.get('error_description') ?? query.get('error'));
  await fetchTokens({ grant_type: 'authorization_code', code: query.get('code'), code_verifier: pending.verifier, redirect_uri: home() });
  return true;
}

/** The state of the view in the history. If the operator was asked for a password, Back leads to the hosted page. */
function viewOf(pending) {
  if (!pending?.view) return null;
  return history.length === pending.entries ? pending.view : { ...pending.view, behind: false };
}

/** Signs in at the hosted page, and returns to the same address. */
export async function signIn() {
  const verifier = randomText();
  const state = randomText();
  const address = location.pathname + location.search + location.hash;
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, address, view: history.state, entries: history.length }));
  const challenge = base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
  leave(settings.signIn.authorizeUrl, {
    response_type: 'code', client_id: settings.signIn.clientId, redirect_uri: home(), scope: 'openid email profile',
    state, code_challenge: challenge, code_challenge_method: 'S256',
  });
}

/** Ends the session at the hosted page. The tokens are gone with this page. */
export function signOut() {
  sessionStorage.setItem(SIGNED_OUT, 'true');
  leave(settings.signIn.logoutUrl, { client_id: settings.signIn.clientId, logout_uri: home() });
}

/** Whether this page load follows signing out. Only the first call returns true. */
export function wasSignedOut() {
  const signedOut = sessionStorage.getItem(SIGNED_OUT) !== null;
  sessionStorage.removeItem(SIGNED_OUT);
  return signedOut;
}

/**
 * The operator: their name, whether they may send in some division and in every division, and whether they may see the
 * audit.
 */
export function operator() {
  const { email, name, 'cognito:username': username, 'cognito:groups': claimed } = tokens.claims;
  const groups = Array.isArray(claimed) ? claimed : [];
  const everywhere = groups.includes(PERMISSION.group);
  const somewhere = permission => groups.some(group => group === permission.group || group.startsWith(`${permission.group}:`));
  return { name: email ?? name ?? username ?? '', permitted: somewhere(PERMISSION), everywhere, audits: somewhere(AUDIT) };
}

/**
 * Whether the operator may change what is known of customers in a division. As in the API, all but unreserved
 * characters are percent-encoded.
 */
export function mayErase(division) {
  const groups = [tokens.claims['cognito:groups'] ?? []].flat();
  const encoded = encodeURIComponent(division).replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return groups.includes(DIRECTORY.group) || groups.includes(`${DIRECTORY.group}:${encoded}`);
}

/** A token for the next call, renewed if it is about to expire; null when the session has ended. */
export async function idToken() {
  if (tokens && tokens.claims.exp * 1000 - Date.now() < MARGIN_MS) await renew(tokens.idToken);
  return tokens?.idToken ?? null;
}

/**
 * Replaces the token `refused`, once for all calls that were refused together.
 * @returns {Promise<boolean>} whether there is a new one
 */
export async function renew(refused) {
  if (tokens?.idToken !== refused) return tokens !== null;
  renewing ??= fetchTokens({ grant_type: 'refresh_token', refresh_token: tokens.refreshToken }).finally(() => { renewing = null; });
  try {
    await renewing;
    return true;
  } catch (error) {
    if (!(error instanceof SignInError)) throw error;
    tokens = null;
    return false;
  }
}

/** Only a refusal by the user pool ends the session; a network failure does not. */
async function fetchTokens(parameters) {
  const body = new URLSearchParams({ client_id: settings.signIn.clientId, ...parameters });
  const response = await fetch(settings.signIn.tokenUrl, { method: 'POST', body });
  if (response.status >= 500) throw new TypeError('The sign-in service does not answer.');
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || !answer.id_token) throw new SignInError(answer.error_description ?? answer.error ?? 'The sign-in was refused.');
  tokens = { idToken: answer.id_token, refreshToken: answer.refresh_token ?? tokens?.refreshToken, claims: claims(answer.id_token) };
}

/** The claims of a token. They are only displayed: the API verifies the signature. */
function claims(token) {
  const payload = atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, char => char.charCodeAt(0))));
}

function home() {
  return `${settings.publicUrl}/`;
}

function leave(url, query) {
  location.replace(query ? `${url}?${new URLSearchParams(query)}` : url);
}

function randomText() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}
