import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asProductKey, asTicketId } from '../../../domain/ids.js';
import {
  bareSubject,
  fileName,
  manyLines,
  messageIdsIn,
  oneLine,
  ownMailbox,
  ownMailboxesOf,
  parseAddress,
  parseHeaders,
  replyAddress,
  supportAddress,
  valueOf,
  valuesOf,
} from '../../../domain/messaging/headers.js';

const domain = 'desk.example';
const ticket = asTicketId('TKT-0ABCDEFG');
const token = '0123456789abcdefghjkmnpqrs';

describe('header lines', () => {
  test('are unfolded, named in lower case and kept in order', () => {
    const headers = parseHeaders('Received: a\r\n  b\r\n\tc\nSubject : Hi: there\rX-Empty:\r\n\r\nBody: no');
    expect(headers).toEqual([
      { name: 'received', value: 'a b c' },
      { name: 'subject', value: 'Hi: there' },
      { name: 'x-empty', value: '' },
    ]);
    expect(valueOf(headers, 'subject')).toBe('Hi: there');
    expect(valueOf(headers, 'to')).toBeUndefined();
  });

  test('that are none are left out', () => {
    expect(parseHeaders('  folded before any\r\nno colon\r\n: no name\r\nbad name: x\r\nGood: 1')).toEqual([{ name: 'good', value: '1' }]);
  });

  test('are bounded in number and length', () => {
    expect(parseHeaders('A: b\n'.repeat(5_000))).toHaveLength(1_000);
    const [long] = parseHeaders(`A: ${'x'.repeat(50_000)}\n ${'y'.repeat(50_000)}`);
    expect(long?.value).toHaveLength(20_000);
    const [folded] = parseHeaders(`A: 1\n${' 23456789\n'.repeat(5_000)}`);
    expect(folded?.value).toHaveLength(20_000);
  });

  test('repeat in order', () => {
    expect(valuesOf(parseHeaders('To: a\nCc: b\nTo: c'), 'to')).toEqual(['a', 'c']);
  });
});

test('Message-IDs are what stands between angle brackets', () => {
  expect(messageIdsIn(' <a@b> junk <c d@e> <<f@g>, <h@i>')).toEqual(['<a@b>', '<f@g>', '<h@i>']);
  expect(messageIdsIn(`<${'x'.repeat(501)}@y>`)).toEqual([]);
  expect(messageIdsIn('none')).toEqual([]);
});

describe('addresses', () => {
  test.each([
    ['Ann@Example.ORG', 'ann@example.org'],
    ["o'neil+tag.x@mail-1.example.co", "o'neil+tag.x@mail-1.example.co"],
    ['ann@exämple.org', 'ann@exämple.org'],
    ['root@localhost', 'root@localhost'],
  ])('%s is one', (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  test.each([
    '',
    'ann',
    '@example.org',
    'ann@',
    'a@b, c@d',
    'a@b c@d',
    'a@b\r\nBcc: c@d',
    'Ann <ann@example.org>',
    'a"b@example.org',
    'a@exa mple.org',
    'a@-x.org',
    'a@x..org',
    `${'a'.repeat(65)}@example.org`,
    `a@${'b'.repeat(64)}.org`,
    `a@${'b.'.repeat(130)}org`,
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test('none that passes can hold a second one', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const address = parseAddress(text);
        return address === null || !/[\s,;<>"():]/.test(address);
      }),
    );
  });
});

describe('our mailboxes', () => {
  test('are read in any letter case', () => {
    expect(ownMailbox('Support+Demo@DESK.example', domain)).toEqual({ kind: 'support', product: 'demo' });
    expect(ownMailbox(`REPLY+${ticket}.${token.toUpperCase()}@desk.example`, domain)).toEqual({ kind: 'reply', ticket, token });
  });

  test.each([
    'support@desk.example',
    'support+@desk.example',
    'support+demo@other.example',
    'support+de mo@desk.example',
    `reply+${ticket}@desk.example`,
    `reply+TKT-0000000U.${token}@desk.example`,
    `reply+${ticket}.${token}x@desk.example`,
    'desk.example',
    'a@b@desk.example',
    `support+${'x'.repeat(64)}@desk.example`,
    'abuse+demo@desk.example',
  ])('%s is none', (address) => {
    expect(ownMailbox(address, domain)).toBeNull();
  });

  test('as written by us are read back, and fit the limit of 64', () => {
    const reply = replyAddress(ticket, token, domain);
    expect(ownMailbox(reply, domain)).toEqual({ kind: 'reply', ticket, token });
    expect(reply.indexOf('@')).toBeLessThanOrEqual(64);
    expect(ownMailbox(supportAddress(asProductKey('demo'), domain), domain)).toEqual({ kind: 'support', product: 'demo' });
  });

  test('of a mail come in the order of trust, each once', () => {
    const headers = parseHeaders(
      [
        'To: "Us" <support+one@desk.example>, other@example.org',
        `Cc: Group: reply+${ticket}.${token}@desk.example;`,
        'X-Original-To: SUPPORT+one@desk.example',
        'Delivered-To: support+two@desk.example',
      ].join('\r\n'),
    );
    expect(ownMailboxesOf(headers, domain)).toEqual([
      { kind: 'support', product: 'two' },
      { kind: 'support', product: 'one' },
      { kind: 'reply', ticket, token },
    ]);
    expect(ownMailboxesOf(parseHeaders('To: a@b\nCc: nobody'), domain)).toEqual([]);
  });
});

describe('T18 cleaned text', () => {
  test('stands on one line without control and direction marks', () => {
    expect(oneLine('  Hi\r\nBcc: x\u0000\t\u202Egpj.exe\u2066 \u200B!  ', 100)).toBe('Hi Bcc: x gpj.exe !');
    expect(oneLine('a\u2028b', 100)).toBe('a b');
    expect(oneLine('abcdef', 3)).toBe('abc');
    expect(oneLine(`ab😀`, 3)).toBe('ab');
  });

  test('keeps its lines and tabs and nothing else that controls', () => {
    expect(manyLines('a\r\nb\rc\td\u0000\u0007\u001b[31m', 100)).toBe('a\nb\nc\td[31m');
    expect(manyLines('abcdef', 3)).toBe('abc');
  });

  test('never holds what was cleaned', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.integer({ min: 1, max: 50 }),
        (text, most) => !/[\p{Cc}\u2028\u2029]|\p{Cf}/u.test(oneLine(text, most)) && oneLine(text, most).length <= most,
      ),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[^\P{Cc}\n\t]/u.test(manyLines(text, 1_000))));
  });

  test.each([
    ['report.pdf', 'report.pdf'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\a\\x.doc', 'x.doc'],
    ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
    ['a\r\nContent-Type: x', 'a Content-Type_ x'],
    ['<a"b|c?*>.txt', '_a_b_c___.txt'],
    ['..', 'attachment'],
    ['.hidden', 'hidden'],
    ['', 'attachment'],
    ['dir/', 'attachment'],
    [`${'x'.repeat(300)}.txt`, 'x'.repeat(150)],
  ])('T24 a file named %j becomes %j', (given, clean) => {
    expect(fileName(given)).toBe(clean);
  });
});

test.each([
  ['Re: AW: Fwd: [TKT-0ABCDEFG] It does not start', 'It does not start'],
  ['[TKT-0ABCDEFG] Re: x', 'x'],
  ['RE[2]: x', 'x'],
  ['Regarding: x', 'Regarding: x'],
  ['Re:', ''],
  ['', ''],
])('the bare subject of %j is %j', (given, bare) => {
  expect(bareSubject(given)).toBe(bare);
});
