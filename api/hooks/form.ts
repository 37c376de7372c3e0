/**
 * Fields of a form as bytes: a mail in it need not be well-formed text, and has to be kept as it came. The platform's parsers cannot:
 * `formData()` and `URLSearchParams` make UTF-8 of every field, and lose what is none; and the former refuses a form with its boundary as a word in a field, where
 * SendGrid's is always `xYzZY`, so that whoever writes that word would be heard no more.
 */
import { Refusal } from '../errors.js';

/** A field by its name; null when it is not there. */
export type FormReader = (name: string) => Buffer | null;

/** More fields than any provider sends. */
const mostFields = 200;

/** @throws Refusal `media_type` when it is no form */
export function readForm(contentType: string | null, bytes: Uint8Array): FormReader {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType ?? '')) return encodedFields(body);
  const [, quoted, bare] = /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw new Refusal('media_type');
  return partsOf(body, boundary);
}

/** The parts up to the first that has no end; of two with one name the first, since what follows may come from within a mail. */
function partsOf(body: Buffer, boundary: string): FormReader {
  const fields = new Map<string, Buffer>();
  const delimiter = `\r\n--${boundary}`;
  // Before the first one there need not be a line break.
  let from = body.indexOf(delimiter.trimStart());
  for (let count = 0; from >= 0 && count < mostFields; count += 1) {
    const end = body.indexOf(delimiter, from + 1);
    const head = body.indexOf('\r\n\r\n', from);
    if (end < 0 || head < 0 || head > end) break;
    const header = body.toString('latin1', from, Math.min(head, from + 4_096));
    const name = /^content-disposition:[^\r\n]*?[;\s]name="([^"\r\n]{1,100})"/im.exec(header)?.[1];
    if (name !== undefined && !fields.has(name)) fields.set(name, body.subarray(head + 4, end));
    from = end;
  }
  return (name) => fields.get(name) ?? null;
}

/** As in addresses: what is no good escape stands for itself. */
function encodedFields(body: Buffer): FormReader {
  const fields = new Map<string, Buffer>();
  for (let from = 0, count = 0; from < body.length && count < mostFields; count += 1) {
    const next = body.indexOf('&', from);
    const end = next < 0 ? body.length : next;
    const pair = body.subarray(from, end);
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.subarray(0, equals)).toString('latin1');
    if (!fields.has(name)) fields.set(name, equals < 0 ? pair.subarray(pair.length) : pair.subarray(equals + 1));
    from = end + 1;
  }
  return (name) => {
    const field = fields.get(name);
    return field === undefined ? null : decoded(field);
  };
}

const [percent, plus, space] = [0x25, 0x2b, 0x20];

function decoded(field: Buffer): Buffer {
  const out = Buffer.allocUnsafe(field.length);
  let length = 0;
  for (let at = 0; at < field.length; at += 1) {
    let byte = field[at] ?? 0;
    if (byte === plus) byte = space;
    else if (byte === percent) {
      const [high, low] = [hexDigit(field[at + 1]), hexDigit(field[at + 2])];
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        at += 2;
      }
    }
    out[length] = byte;
    length += 1;
  }
  return out.subarray(0, length);
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
