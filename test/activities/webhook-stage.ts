/** Endpoints, events and the relay of webhooks on a real database, with workflows that a test begins by hand. */
import { randomUUID } from 'node:crypto';
import type { DueDelivery } from '../../db/queries/webhook-relay.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { publishEvents } from '../../db/queries/stream-relay.js';
import { listDeliveries } from '../../db/queries/webhook-deliveries.js';
import type { DeliveryRecord } from '../../db/queries/webhook-deliveries.js';
import { insertEndpoint } from '../../db/queries/webhook-endpoints.js';
import type { NewEndpoint } from '../../db/queries/webhook-endpoints.js';
import { fanOut, markStarted, releaseDeliveries } from '../../db/queries/webhook-relay.js';
import { createSecretBox } from '../../db/secret-box.js';
import { demo } from '../../db/seed.js';
import { secretOwner } from '../../domain/webhook/signature.js';
import { openTestDesk, tenant } from './desk.js';
import type { TestDesk } from './desk.js';

export const box = createSecretBox('k1:secret of the tests');
export const secret = Buffer.from('a secret of exactly 32 bytes, ok');

export interface WebhookStage extends AsyncDisposable {
  readonly desk: TestDesk;
  /** Its id. */
  endpoint(fields?: Partial<NewEndpoint>): Promise<string>;
  /** An event of the log. @returns its id */
  event(subject: string, type?: string, data?: Record<string, unknown>): Promise<string>;
  /** What the relays of stream and webhooks do in one round each. */
  bring(): Promise<void>;
  /** Deliveries whose turn has come; their workflows count as started. */
  due(): Promise<readonly DueDelivery[]>;
  /** Oldest first. */
  deliveries(endpoint: string): Promise<readonly DeliveryRecord[]>;
}

export async function openWebhookStage(): Promise<WebhookStage> {
  const desk = await openTestDesk();
  const { relay } = desk.database;
  const doer = { tenant, actor: 'system/test', role: 'system', commandId: 'test' };
  return {
    desk,
    async endpoint(fields = {}) {
      const id = fields.id ?? randomUUID();
      const standard = {
        url: 'https://hooks.example.com/',
        types: ['*'],
        product: null,
        description: 'The warehouse',
        includeText: false,
        createdBy: `user/${demo.lead}`,
        secret: box.seal(secretOwner(tenant, id), secret),
      };
      await desk.see((tx) => insertEndpoint(tx, tenant, { id, ...standard, ...fields }));
      return id;
    },
    event: async (subject, type = 'customer.told', data = {}) =>
      (await desk.see((tx) => recordAdminEvent(tx, doer, { subject: `customer/${subject}`, type, data }))).id,
    async bring() {
      await publishEvents(relay, 500);
      for (let seen = 200; seen === 200;) seen = (await desk.see((tx) => fanOut(tx, tenant, 200)))?.seen ?? 0;
    },
    async due() {
      const due = (await releaseDeliveries(relay, { leaseMs: 30_000, limit: 64 })) ?? [];
      await markStarted(relay, due);
      return due;
    },
    deliveries: async (endpoint) => (await desk.see((tx) => listDeliveries(tx, tenant, endpoint, {}, { limit: 1_000 }))).toReversed(),
    [Symbol.asyncDispose]: () => desk[Symbol.asyncDispose](),
  };
}
