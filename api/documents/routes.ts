import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { Env } from '../caller.js';
import { contract, inputHook } from '../contract.js';
import { Refusal } from '../errors.js';
import { contentPolicy } from '../middleware/request.js';
import { isProblemCode, problems } from '../problems.js';
import { readAsset } from './assets.js';
import type { OpenApiDocument } from './openapi.js';
import { html, page } from './page.js';
import type { DocsSignIn } from './sign-in.js';

const textHtml = { 200: { description: 'A page', content: { 'text/html': { schema: z.string() } } } };
const terms = { permission: 'public' } as const;

const document = contract(terms, {
  method: 'get',
  path: '/v1/openapi.json',
  operationId: 'getOpenApi',
  summary: 'This document',
  tags: ['Documents'],
  responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: z.looseObject({}) } } } },
});

const docs = contract(terms, {
  method: 'get',
  path: '/docs',
  operationId: 'docsPage',
  summary: 'The reference page',
  tags: ['Documents'],
  responses: textHtml,
});

const signedIn = contract(terms, {
  method: 'get',
  path: '/docs/signed-in',
  operationId: 'docsSignedInPage',
  summary: 'Where an identity provider sends readers of the reference page back to',
  tags: ['Documents'],
  responses: textHtml,
});

const asset = contract(
  { ...terms, problems: ['not_found'] },
  {
    method: 'get',
    path: '/docs/assets/{file}',
    operationId: 'docsAsset',
    summary: 'Files of our pages',
    tags: ['Documents'],
    request: { params: z.object({ file: z.string() }) },
    responses: { 200: { description: 'A file' } },
  },
);

const problemIndex = contract(terms, {
  method: 'get',
  path: '/problems',
  operationId: 'problemsPage',
  summary: 'All problems',
  tags: ['Documents'],
  responses: textHtml,
});

const problem = contract(
  { ...terms, problems: ['not_found'] },
  {
    method: 'get',
    path: '/problems/{code}',
    operationId: 'problemPage',
    summary: 'One problem, explained',
    tags: ['Documents'],
    request: { params: z.object({ code: z.string() }) },
    responses: textHtml,
  },
);

/**
 * @param read the document; asked for when it is first wanted, because it describes these routes too
 * @param signIn where readers may sign in
 */
export const documentRoutes = (read: () => OpenApiDocument, signIn: () => Promise<DocsSignIn | null>) => {
  // Written once: it is more than a megabyte.
  let written: string | undefined;
  return new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(document, (c) => c.body((written ??= JSON.stringify(read())), 200, { 'content-type': 'application/json' }))
    .openapi(docs, async (c) => {
      const { clientId = '', authorizationUrl = '', tokenUrl = '' }: Partial<DocsSignIn> = (await signIn()) ?? {};
      // The page itself trades the code for a token.
      if (tokenUrl !== '') c.header('content-security-policy', contentPolicy([new URL(tokenUrl).origin]));
      return c.html(
        page(
          'API',
          html`<link rel="stylesheet" href="/docs/assets/swagger-ui.css" />
            <div
              id="reference"
              data-client-id="${clientId}"
              data-authorization-url="${authorizationUrl}"
              data-token-url="${tokenUrl}"
            ></div>
            <script src="/docs/assets/swagger-ui-bundle.js"></script>
            <script src="/docs/assets/usher-docs.js"></script>
            <noscript
              ><p>The reference needs script; the document itself is <a href="/v1/openapi.json">openapi.json</a>.</p></noscript
            >`,
        ),
        200,
      );
    })
    .openapi(signedIn, (c) =>
      c.html(
        page(
          'Signed in',
          html`<p>You can close this window.</p>
            <script src="/docs/assets/oauth2-redirect.js"></script>`,
        ),
        200,
      ),
    )
    .openapi(asset, async (c) => {
      const found = await readAsset(c.req.valid('param').file);
      if (found === undefined) throw new Refusal('not_found');
      return c.body(found.bytes, 200, { 'content-type': found.type, 'cache-control': 'public, max-age=3600' });
    })
    .openapi(problemIndex, (c) => {
      const rows = Object.entries(problems).map(
        ([code, { status, title }]) =>
          html` <tr>
            <td>${status}</td>
            <th scope="row">
              <a href="/problems/${code}"><code>${code}</code></a>
            </th>
            <td>${title}</td>
          </tr>`,
      );
      return c.html(
        page(
          'Problems',
          html`<div class="wide">
            <table>
              <thead>
                <tr>
                  <th>Status</th>
                  <th>Code</th>
                  <th>Title</th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>`,
        ),
        200,
      );
    })
    .openapi(problem, (c) => {
      const { code } = c.req.valid('param');
      if (!isProblemCode(code)) throw new Refusal('not_found');
      const { status, title, text } = problems[code];
      return c.html(
        page(
          title,
          html`<p><code>${code}</code> · status ${status}</p>
            <p>${text.split('`').map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`))}</p>`,
        ),
        200,
      );
    });
};
