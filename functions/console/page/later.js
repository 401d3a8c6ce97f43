/**
 * Modules that are fetched when they are first needed, so that the first view comes sooner.
 */

/** What a module exports under a name, as a function that fetches the module first. */
export const later = (module, name) => async (...given) => (await import(module).catch(outdated))[name](...given);

/**
 * The files of this page are gone once another version is published: then the page is loaded anew, which comes back to the
 * same view.
 */
async function outdated(error) {
  const page = await fetch(location.pathname, { cache: 'no-cache' }).then(response => response.text());
  if (page.includes(new URL('.', import.meta.url).pathname.split('/').at(-2))) throw error;
  location.reload();
  return new Promise(() => {});
}
