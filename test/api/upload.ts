import type { App } from '../../api/app.js';

/** Sends the bytes of an announced file where the announcement said. */
export async function upload(app: App, url: string, fields: Readonly<Record<string, string>>, bytes: Buffer): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('file', new Blob([Uint8Array.from(bytes)]));
  return app.request(new URL(url).pathname, { method: 'POST', body: form });
}
