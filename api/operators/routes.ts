import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { Env } from '../caller.js';
import { answer, contract, inputHook } from '../contract.js';
import { html, page } from '../documents/page.js';
import { onRole } from '../tickets/guard.js';
import { operatorViews } from './views.js';

const Views = z
  .strictObject({
    data: z.array(
      z
        .strictObject({ name: z.string(), title: z.string(), query: z.string(), open: z.string(), keep: z.string() })
        .meta({ id: 'OperatorView' }),
    ),
  })
  .meta({ id: 'OperatorViews' });

const views = contract(
  { permission: 'operator.read', guards: [onRole('operator.read')], problems: ['forbidden'] },
  {
    method: 'get',
    path: '/v1/operators/views',
    operationId: 'listOperatorViews',
    summary: 'Links that open ready-made views in the Web UI',
    tags: ['Operators'],
    responses: { 200: answer(Views, 'The views') },
  },
);

const operators = contract(
  { permission: 'public' },
  {
    method: 'get',
    path: '/operators',
    operationId: 'operatorsPage',
    summary: 'The same links as a page',
    tags: ['Operators'],
    responses: { 200: { description: 'A page', content: { 'text/html': { schema: z.string() } } } },
  },
);

export const operatorRoutes = (webUi: { readonly url: string; readonly namespace: string }) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(views, (c) => c.json({ data: operatorViews(webUi) }, 200))
    .openapi(operators, (c) => {
      const rows = operatorViews(webUi).map(
        ({ title, query, open, keep }) =>
          html` <tr>
            <th scope="row">${title}</th>
            <td><a href="${open}">open</a></td>
            <td><a href="${keep}">keep</a></td>
            <td><code>${query}</code></td>
          </tr>`,
      );
      return c.html(
        page(
          'Operators',
          html`<p>
              Each link opens a view of the running workflows. <b>Open</b> shows it once; <b>keep</b> also saves it among the views of your
              browser, one more copy each time.
            </p>
            <div class="wide">
              <table>
                <thead>
                  <tr>
                    <th>View</th>
                    <th></th>
                    <th></th>
                    <th>Query</th>
                  </tr>
                </thead>
                <tbody>
                  ${rows}
                </tbody>
              </table>
            </div>
            <p><a href="${webUi.url}">Temporal Web UI</a></p>`,
        ),
        200,
      );
    });
