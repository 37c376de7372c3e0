import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventOrigin, ToldEvent } from '../../../domain/event/cloud-event.js';
import { asTenantId } from '../../../domain/ids.js';
import { webhookBody } from '../../../domain/webhook/body.js';

const tenant = asTenantId('018f3b1e-0000-7000-8000-000000000001');
const event: ToldEvent & EventOrigin = {
  id: '018f3b1e-0000-7000-8000-0000000000e1',
  type: 'message.received',
  subject: 'ticket/TKT-7K3M2Q9A',
  seq: 4,
  at: Date.UTC(2026, 0, 15, 12),
  commandId: 'k-1',
  journeyId: null,
  entity: null,
  product: 'demo',
  actor: 'customer/c',
  role: 'customer',
  source: 'mail',
  content: '018f3b1e-0000-7000-8000-0000000000c1',
  data: { receivedAt: Date.UTC(2026, 0, 15, 11), at: 0, until: Date.UTC(2026, 0, 16), cycle: 2, atAll: 'no', openedAt: null },
};

test('the body is the event as the stream gives it, without a word of its text', () => {
  expect(JSON.parse(webhookBody(tenant, event, undefined))).toEqual({
    specversion: '1.0',
    id: event.id,
    source: 'usher',
    type: 'message.received',
    subject: 'ticket/TKT-7K3M2Q9A',
    time: '2026-01-15T12:00:00.000Z',
    datacontenttype: 'application/json',
    tenant,
    product: 'demo',
    seq: 4,
    causationid: 'k-1',
    correlationid: 'ticket/TKT-7K3M2Q9A',
    version: 4,
    actor: 'customer/c',
    role: 'customer',
    via: 'mail',
    content: event.content,
    data: {
      receivedAt: '2026-01-15T11:00:00.000Z',
      at: '1970-01-01T00:00:00.000Z',
      until: '2026-01-16T00:00:00.000Z',
      cycle: 2,
      atAll: 'no',
      openedAt: null,
      version: 4,
    },
  });
});

test('of a journey it names the journey', () => {
  const told = JSON.parse(webhookBody(tenant, { ...event, journeyId: 'JRN-1', entity: 'customer/c' }, undefined));
  expect(told).toMatchObject({ correlationid: 'journey/JRN-1', journeyid: 'JRN-1', entityid: 'customer/c' });
});

test('with the text, where it was asked for; null where there is none', () => {
  const text = { subject: 'Broken', body: 'Since “Monday” 🙂' };
  expect(JSON.parse(webhookBody(tenant, event, text)).text).toEqual({ ...text, truncated: false });
  expect(JSON.parse(webhookBody(tenant, event, null)).text).toBeNull();
  expect(JSON.parse(webhookBody(tenant, event, { subject: 's', body: null })).text).toEqual({ subject: 's', body: null, truncated: false });
});

test('a body stays under 20 kB, whatever its text is made of, and is well-formed', () => {
  const characters = fc.constantFrom('a', 'é', '€', '🙂', '"', '\n', '\u0001');
  fc.assert(
    fc.property(characters, fc.integer({ min: 0, max: 60_000 }), (character, times) => {
      const body = webhookBody(tenant, event, { subject: null, body: character.repeat(times) });
      expect(Buffer.byteLength(body)).toBeLessThan(20_000);
      const { text } = JSON.parse(body);
      expect(character.repeat(times).startsWith(text.body)).toBe(true);
      expect(text.truncated).toBe(text.body.length < character.length * times);
      expect(text.body.isWellFormed()).toBe(true);
      if (text.truncated) expect(Buffer.byteLength(body)).toBeGreaterThan(15_000);
    }),
    { numRuns: 60 },
  );
});
