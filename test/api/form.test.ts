/** Forms as providers send them, and as nobody should: fields come out as bytes. */
import { expect, test } from 'vitest';
import { readForm } from '../../api/hooks/form.js';
import { Refusal } from '../../api/errors.js';

const read = (type: string, body: string | Buffer) => readForm(type, typeof body === 'string' ? Buffer.from(body) : body);
const text = (type: string, body: string | Buffer, name: string): string | null => read(type, body)(name)?.toString('latin1') ?? null;

const encoded = 'application/x-www-form-urlencoded';

test.each([
  ['a=1&b=2', 'b', '2'],
  ['a=1&b=2', 'c', null],
  ['a', 'a', ''],
  ['a=', 'a', ''],
  ['a=b=c', 'a', 'b=c'],
  ['&&a=1&', 'a', '1'],
  ['a=x+y%20z%2B', 'a', 'x y z+'],
  ['body%2Dmime=1', 'body-mime', '1'],
  ['a=%E9%00%ff', 'a', '\u00e9\u0000\u00ff'],
  ['a=100%&b=1', 'a', '100%'],
  ['a=%zz%4', 'a', '%zz%4'],
  ['a=%%41', 'a', '%A'],
  ['a=first&a=second', 'a', 'first'],
  ['__proto__=1', '__proto__', '1'],
  ['a=1', 'constructor', null],
  ['', 'a', null],
])('%j encoded: %s is %j', (body, name, value) => expect(text(encoded, body, name)).toBe(value));

test('bytes that are no text stay what they are', () => {
  expect(read(encoded, Buffer.from([0x61, 0x3d, 0xe9, 0xff]))('a')).toEqual(Buffer.from([0xe9, 0xff]));
});

const multipart = 'multipart/form-data; boundary=xYzZY';
/** With line breaks as they are sent. */
const lines = (...all: readonly string[]): string => all.join('\r\n');
const field = (name: string, value: string): string => lines('--xYzZY', `Content-Disposition: form-data; name="${name}"`, '', value);
const end = '--xYzZY--';

test.each([
  ['one after the other', lines(field('a', '1'), field('b', '2'), end), 'b', '2'],
  ['nothing', lines(field('a', ''), end), 'a', ''],
  ['lines', lines(field('a', '\r\n1\r\n\r\n2\r\n'), end), 'a', '\r\n1\r\n\r\n2\r\n'],
  ['dashes', lines(field('a', '--xYzZ\r\n--'), end), 'a', '--xYzZ\r\n--'],
  ['the boundary as a word', lines(field('a', 'xYzZY --xYzZY'), end), 'a', 'xYzZY --xYzZY'],
  ['words before and after', lines('Hello', field('a', '1'), end, 'Bye'), 'a', '1'],
  ['twice', lines(field('a', 'first'), field('a', 'second'), end), 'a', 'first'],
  ['other headers', lines('--xYzZY', 'Content-Type: text/plain', 'content-disposition: form-data; name="a"', '', '1', end), 'a', '1'],
  [
    'a file',
    lines('--xYzZY', 'Content-Disposition: form-data; filename="name=.eml"; name="a"', 'Content-Type: message/rfc822', '', '1', end),
    'a',
    '1',
  ],
  ['no name', lines('--xYzZY', 'Content-Disposition: form-data', '', '1', field('a', '2'), end), 'a', '2'],
  ['no header', lines('--xYzZY', '', '1', field('a', '2'), end), 'a', '2'],
  ['no end', lines(field('a', '1'), field('b', '2')), 'b', null],
  ['another boundary', lines(field('a', '1'), end).replaceAll('xYzZY', 'other'), 'a', null],
  ['nothing at all', '', 'a', null],
  ['no more than a beginning', '--xYzZY', 'a', null],
])('in parts, %s', (_, body, name, value) => expect(text(multipart, body, name)).toBe(value));

test('a boundary in quotes', () => {
  const body = lines(field('a', '1'), end).replaceAll('xYzZY', 'x Y;z');
  expect(text('Multipart/Form-Data; charset=utf-8; boundary="x Y;z"', body, 'a')).toBe('1');
});

test('more fields than anybody sends are not looked at', () => {
  const many = Array.from({ length: 1_000 }, (_, index) => `f${index}`);
  const first = read(encoded, many.map((name) => `${name}=1`).join('&'));
  const second = read(multipart, lines(...many.map((name) => field(name, '1')), end));
  for (const one of [first, second]) expect([one('f0')?.toString(), one('f999')]).toEqual(['1', null]);
});

test.each([null, '', 'application/json', 'multipart/form-data', 'multipart/mixed; boundary=a', 'application/x-www-form-urlencodedx'])(
  '%j is no form',
  (type) => expect(() => readForm(type, Buffer.from('a=1'))).toThrow(Refusal),
);
