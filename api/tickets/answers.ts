import type { Answer } from '../middleware/idempotency.js';
import type { Created } from './create.js';
import type { Written } from './engine.js';

/** The answer to a command on a ticket. */
export function ticketAnswer(written: Written, done: 200 | 201 = 200): Answer {
  const location = `/v1/tickets/${written.id}`;
  if (written.kind === 'accepted') {
    return {
      status: 202,
      body: { id: written.id, commandId: written.commandId },
      headers: { location, 'preference-applied': 'respond-async' },
    };
  }
  const etag = `"${written.version}"`;
  if (written.kind === 'pending') {
    return { status: 202, body: written.view, headers: { location, etag, 'usher-projection': 'pending', 'retry-after': '2' } };
  }
  return { status: done, body: written.view, headers: { etag, ...(done === 201 ? { location } : {}) } };
}

/** The answer to a create, with where the announced files go. */
export function createdAnswer({ written, attachments }: Created): Answer {
  const { body, ...answer } = ticketAnswer(written, 201);
  return { ...answer, body: attachments.length === 0 ? body : Object.assign({}, body, { attachments }) };
}
