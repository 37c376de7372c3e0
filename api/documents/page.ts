/** The few pages the API serves: plain HTML, one style sheet, no script of their own. */
import { html } from 'hono/html';

export { html } from 'hono/html';
export type Markup = ReturnType<typeof html>;

export const page = (title: string, content: Markup): Markup =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Usher</title>
        <link rel="stylesheet" href="/docs/assets/usher.css" />
      </head>
      <body>
        <header>
          <b>Usher</b>
          <nav><a href="/docs">API</a> <a href="/problems">Problems</a> <a href="/operators">Operators</a></nav>
        </header>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>`;

export const styleSheet = `
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --line: #d8dbe0; --link: #0b57d0; --soft: #f3f4f6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e7ea; --paper: #17181b; --line: #383b41; --link: #8ab4f8; --soft: #222428; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { display: flex; gap: 1.5rem; align-items: baseline; padding: .75rem 1.25rem; border-bottom: 1px solid var(--line); }
nav { display: flex; gap: 1rem; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; }
h1 { font-size: 1.5rem; }
a { color: var(--link); }
code:not(#reference *) { font: .875em ui-monospace, monospace; background: var(--soft); padding: .1em .3em; border-radius: .2em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); }
th[scope=row] { font-weight: 500; white-space: nowrap; }
`;

/** Starts the reference page; served as a file because the policy allows no script in a page. */
export const docsScript = `
window.addEventListener('load', async () => {
  const { clientId, authorizationUrl, tokenUrl } = document.getElementById('reference').dataset;
  const spec = await (await fetch('/v1/openapi.json')).json();
  if (clientId) {
    const scopes = { openid: 'who you are', email: 'your address, by which you are known here' };
    spec.components.securitySchemes.signIn = {
      type: 'oauth2',
      description: 'Sign in as yourself; what you may is what you may in Usher.',
      flows: { authorizationCode: { authorizationUrl, tokenUrl, scopes } },
    };
    spec.security = [...spec.security, { signIn: [] }];
  }
  window.ui = SwaggerUIBundle({
    spec,
    dom_id: '#reference',
    deepLinking: true,
    docExpansion: 'none',
    validatorUrl: null,
    oauth2RedirectUrl: location.origin + '/docs/signed-in',
  });
  if (clientId) window.ui.initOAuth({ clientId, scopes: 'openid email', usePkceWithAuthorizationCodeGrant: true });
});
`;
