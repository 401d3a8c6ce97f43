/*
 * Shows the e-mail that the page around this frame posts to it. This is the only place where HTML of a template is
 * parsed as HTML: the frame is sandboxed in its own origin, and its policy allows only the e-mail's styles and
 * pictures.
 */
'use strict';

addEventListener('message', event => {
  if (event.source !== parent || typeof event.data?.html !== 'string') return;
  const mail = new DOMParser().parseFromString(event.data.html, 'text/html');
  // A redirect would replace the frame with an error page.
  for (const meta of mail.querySelectorAll('meta[http-equiv], base')) meta.remove();
  document.documentElement.replaceWith(document.adoptNode(mail.documentElement));
  fit();
});

// Pictures load later, and can change the width.
addEventListener('load', fit, true);
addEventListener('resize', fit);

/** Scales down an e-mail that is wider than its frame, as mail programs on phones do. */
function fit() {
  const { style } = document.documentElement;
  style.zoom = '';
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) style.zoom = String(innerWidth / wide);
}

// Links can be seen but not followed: the frame must not navigate.
addEventListener('click', event => event.preventDefault(), true);
addEventListener('submit', event => event.preventDefault(), true);
