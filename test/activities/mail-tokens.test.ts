import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createMailTokens } from '../../activities/mail-tokens.js';
import { parseSigningKeys } from '../../domain/access/signing-key.js';
import { asCustomerId, asTenantId, asTicketId } from '../../domain/ids.js';
import { uuid } from '../support/builders.js';

const tenant = asTenantId(uuid(1));
const ticket = asTicketId('TKT-3V7K9M2Q');
const participant = asCustomerId(uuid(0x30));
const outbound = uuid(0x500);
const of = (keys: string, domain = 'desk.example') => createMailTokens(parseSigningKeys(keys), domain);
const tokens = of('k1:secret');

test('at least one key is needed', () => {
  expect(() => createMailTokens([], 'x')).toThrow('at least one');
});

describe('reply tokens', () => {
  test('are 128 bits of HMAC-SHA256 over tenant, ticket, participant and key id in Crockford base32', () => {
    const digest = createHmac('sha256', 'secret').update(['reply', tenant, ticket, participant, 'k1'].join('\x1f')).digest();
    const bits = [...digest.subarray(0, 16)]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('')
      .padEnd(130, '0');
    const expected = (bits.match(/.{5}/g) ?? [])
      .map((five) => '0123456789abcdefghjkmnpqrstvwxyz'.charAt(Number.parseInt(five, 2)))
      .join('');
    expect(tokens.replyToken({ tenant, ticket, participant })).toBe(expected);
    expect(expected).toHaveLength(26);
    // Typed in: a change of the scheme breaks every answer address that is out there.
    expect(expected).toBe('q8za6jdat6yc85rh10s3yjsppw');
  });

  test('hold for any participant named, in any letter case, and for nothing else', () => {
    const token = tokens.replyToken({ tenant, ticket, participant });
    const other = asCustomerId(uuid(0x31));
    expect(tokens.isReplyToken(token, tenant, ticket, [other, participant])).toBe(true);
    expect(tokens.isReplyToken(token.toUpperCase(), tenant, ticket, [participant])).toBe(true);
    expect(tokens.isReplyToken(token, tenant, ticket, [other])).toBe(false);
    expect(tokens.isReplyToken(token, tenant, ticket, [])).toBe(false);
    expect(tokens.isReplyToken(token, asTenantId(uuid(2)), ticket, [participant])).toBe(false);
    expect(tokens.isReplyToken(token, tenant, asTicketId('TKT-3V7K9M2R'), [participant])).toBe(false);
    expect(tokens.isReplyToken(token.slice(1), tenant, ticket, [participant])).toBe(false);
    expect(tokens.isReplyToken('', tenant, ticket, [participant])).toBe(false);
    for (let index = 0; index < token.length; index += 1) {
      const changed = token.slice(0, index) + (token[index] === '0' ? '1' : '0') + token.slice(index + 1);
      expect(tokens.isReplyToken(changed, tenant, ticket, [participant])).toBe(false);
    }
  });

  test('of an old key hold while it is listed; a secret under another id does not count', () => {
    const token = tokens.replyToken({ tenant, ticket, participant });
    expect(of('k2:new,k1:secret').isReplyToken(token, tenant, ticket, [participant])).toBe(true);
    expect(of('k2:new,k1:secret').replyToken({ tenant, ticket, participant })).not.toBe(token);
    expect(of('k2:new').isReplyToken(token, tenant, ticket, [participant])).toBe(false);
    expect(of('k2:secret').isReplyToken(token, tenant, ticket, [participant])).toBe(false);
  });
});

describe('Message-IDs', () => {
  const messageId = tokens.messageId({ tenant, ticket, outbound });

  test('carry ticket and ledger row, and are read back in any letter case', () => {
    expect(messageId).toMatch(/^<tkt-3v7k9m2q\.018f3b1e000070008000000000000500\.[0-9a-z]{26}@desk\.example>$/);
    expect(tokens.readMessageId(tenant, messageId)).toEqual({ ticket, outbound });
    expect(tokens.readMessageId(tenant, messageId.toUpperCase())).toEqual({ ticket, outbound });
  });

  test('hold after the domain changed, and for an old key', () => {
    expect(of('k1:secret', 'new.example').readMessageId(tenant, messageId)).toEqual({ ticket, outbound });
    expect(of('k2:new,k1:secret').readMessageId(tenant, messageId)).toEqual({ ticket, outbound });
    expect(of('k2:new').readMessageId(tenant, messageId)).toBeNull();
  });

  test.each([
    ['another tenant', asTenantId(uuid(2)), messageId],
    ['another ticket', tenant, messageId.replace('3v7k9m2q', '3v7k9m2r')],
    ['another row', tenant, messageId.replace('0500.', '0501.')],
    ['a reply token in its place', tenant, messageId.replace(/\.[0-9a-z]{26}@/, `.${tokens.replyToken({ tenant, ticket, participant })}@`)],
    ['no brackets', tenant, messageId.slice(1, -1)],
    ['more behind it', tenant, `${messageId}x`],
    ['a line break', tenant, messageId.replace('@', '@\r\n')],
    ['a foreign one', tenant, '<CAF=abc@mail.example.org>'],
    ['nothing', tenant, ''],
  ])('with %s are not ours', (_, by, changed) => {
    expect(tokens.readMessageId(by, changed)).toBeNull();
  });
});
