/**
 * Modules that are fetched when they are first needed, so that the first view comes sooner.
 */

/**
 * A function of a module that is fetched first.
 * @param {() => Promise<Object>} fetched such as `() => import('../../campaigns/campaign.js')`
 * @param {string} name what the module exports the function as
 */
export const later = (fetched, name) => async (...given) => (await fetched().catch(outdated))[name](...given);

/**
 * The files of this page are gone once another version is published: then the page is loaded anew, which comes back to
 * the same view.
 */
async function outdated(error) {
  const page = await fetch(location.pathname, { cache: 'no-cache' }).then(response => response.text());
  if (page.includes(new URL('.', import.meta.url).pathname.split('/').at(-2))) throw error;
  location.reload();
  return new Promise(() => {});
}
