/**
 * Fetches modules when they are first needed, so that the first view appears sooner.
 */

/**
 * Returns a function that fetches the module and calls a function of it.
 * @param {() => Promise<Object>} fetched imports the module: `() => import('../../campaigns/campaign.js')`
 * @param {string} name of the function in the module
 */
export const later = (fetched, name) => async (...given) => (await fetched().catch(outdated))[name](...given);

/**
 * After a new version is published, the files of this page are gone. Reloading the page then shows the same view in the
 * new version.
 */
async function outdated(error) {
  const page = await fetch(location.pathname, { cache: 'no-cache' }).then(response => response.text());
  if (page.includes(new URL('.', import.meta.url).pathname.split('/').at(-2))) throw error;
  location.reload();
  return new Promise(() => {});
}
