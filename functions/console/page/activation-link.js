/**
 * What the link in the e-mail says. It stands behind the #, which browsers send to nobody.
 */

/**
 * Takes address and temporary password out of the page's address, so that they are in no bookmark, picture of the screen or tab that is
 * brought back. The division stays: a reload still knows whose page it is.
 * @returns {{division: string, email: string, temporaryPassword: string}} what is missing is empty
 */
export function takeLink() {
  const said = new URLSearchParams(location.hash.slice(1).replaceAll('+', '%2B'));
  const [division, email, temporaryPassword] = ['division', 'email', 'temporaryPassword'].map(name => said.get(name)?.trim() ?? '');
  // Written as the e-mail writes it: a plus stands for itself above, and is no space.
  history.replaceState(null, '', division ? `#division=${encodeURIComponent(division)}` : location.pathname);
  return { division, email, temporaryPassword };
}
