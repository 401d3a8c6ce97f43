/*
 * Shows the e-mail that the page around this frame posts to it. The one place where HTML from a template is taken as
 * HTML: the frame is sandboxed into an origin of its own, and its policy allows the mail's styles and pictures, nothing
 * else.
 */
'use strict';

addEventListener('message', event => {
  if (event.source !== parent || typeof event.data?.html !== 'string') return;
  const mail = new DOMParser().parseFromString(event.data.html, 'text/html');
  // A redirect would replace the frame by an error page.
  for (const meta of mail.querySelectorAll('meta[http-equiv], base')) meta.remove();
  document.documentElement.replaceWith(document.adoptNode(mail.documentElement));
  fit();
});

// Pictures come later, and have their own width.
addEventListener('load', fit, true);
addEventListener('resize', fit);

/** An e-mail that is wider than its frame is shown smaller, as mail programs on phones do. */
function fit() {
  const { style } = document.documentElement;
  style.zoom = '';
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) style.zoom = String(innerWidth / wide);
}

// Links are there to be seen, not followed: the frame may go nowhere.
addEventListener('click', event => event.preventDefault(), true);
addEventListener('submit', event => event.preventDefault(), true);
