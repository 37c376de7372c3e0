/** What the owner of an endpoint reads when it was disabled. */
import { toIso } from '../time.js';
import type { Instant } from '../time.js';

export interface DisabledEndpoint {
  readonly id: string;
  readonly cause: 'admin' | 'gone' | 'failing';
  readonly description: string;
  readonly url: string;
  readonly disabledAt: Instant;
}

const reasons: Readonly<Record<DisabledEndpoint['cause'], string>> = {
  gone: 'It answered with 410 Gone, which says that nobody is there any more.',
  failing: 'Nothing has arrived there for three days, although each event was tried ten times.',
  admin: 'An administrator wanted it so.',
};

export const disabledSubject = ({ description }: DisabledEndpoint): string =>
  `Webhook endpoint disabled${description === '' ? '' : `: ${description}`}`;

/** Of the address only what names the place: the rest of it may hold a secret. */
export const disabledText = ({ id, cause, description, url, disabledAt }: DisabledEndpoint): string =>
  [
    `Usher sends no more events to a webhook endpoint of yours since ${toIso(disabledAt)}.`,
    reasons[cause],
    '',
    `Endpoint: ${id}`,
    ...(description === '' ? [] : [`Description: ${description}`]),
    `Place: ${/^https?:\/\/[^/?#]*/.exec(url)?.[0] ?? 'unknown'}`,
    '',
    'Once it answers again, enable it, and let Usher send again what it has missed:',
    `  POST /v1/webhook-endpoints/${id}/enable`,
    `  POST /v1/webhook-endpoints/${id}/replay  {"from": "…", "until": "…"}`,
    '',
  ].join('\n');
