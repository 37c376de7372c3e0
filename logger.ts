/** The log of a process: one JSON object a line, without what belongs to a person or opens a door. */
import { pino, stdSerializers } from 'pino';
import { PinoPretty } from 'pino-pretty';

export type { Logger } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/** Fields that never reach a log, on any path; upper and lower case and hyphens make no difference. */
const names = [
  'authorization',
  'cookie',
  'setCookie',
  'password',
  'token',
  'key',
  'apiKey',
  'secret',
  'email',
  'phone',
  'body',
  'subject',
  'html',
  'text',
  'raw',
];
const unwritten = new Set(names.map((name) => name.toLowerCase()));
const censor = '[redacted]';
const deepest = 8;

/** A copy without the fields named above; errors as pino writes them. Cut off below `deepest`, which also ends circles. */
function hide(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > deepest) return '[deeper]';
  if (value instanceof Error) return hide({ ...stdSerializers.errWithCause(value) }, depth);
  if (ArrayBuffer.isView(value)) return '[binary]';
  if ('toJSON' in value && typeof value.toJSON === 'function') return hide(value.toJSON(), depth + 1);
  if (Array.isArray(value)) return value.map((item) => hide(item, depth + 1));
  return hideFields(value, depth);
}

const hideFields = (fields: object, depth = 0): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      unwritten.has(name.toLowerCase().replaceAll('-', '')) ? censor : hide(value, depth + 1),
    ]),
  );

/** What must not stand in any text either, wherever it comes from: a message, a stack trace, a field with another name. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`"(${names.join('|')})":"(?:[^"\\\\]|\\\\.)*"`, 'gi'), `"$1":"${censor}"`],
  [/usk_[\w-]{4,}/g, '[api key]'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*/g, '[token]'],
  [/[^\s@<>"',;:()[\]\\/]{1,128}(?:@|%40)[^\s@<>"',;:()[\]\\/]{1,255}/gi, '[mail address]'],
  // International: a plus or two zeros, then seven to fifteen digits with single separators between them.
  [/(?<![\w.:+-])(?:\+|00)[1-9](?:[ ./-]?\(?\d\)?){6,14}(?![\w-])/g, '[phone number]'],
  // National: two or three groups with separators. Dates, addresses of machines and UUIDs have other groups.
  [/(?<![\w.:+/-])\(?\d{2,5}\)?[ /-]{1,2}\d{3,4}[ -]?\d{3,4}(?![\w:-])/g, '[phone number]'],
];

const scrub = (line: string): string => shapes.reduce((text, [shape, word]) => text.replace(shape, word), line);

export interface LoggerOptions {
  /** Least severe level that is written. */
  readonly level: string;
  /** Readable lines instead of JSON. */
  readonly pretty: boolean;
  /** The process: `api`, `worker`, … */
  readonly name: string;
}

/**
 * The logger of one process; pass it on, never make a second one.
 *
 * @param destination where the lines go; standard output when left out
 */
export function createLogger({ level, pretty, name }: LoggerOptions, destination?: DestinationStream): Logger {
  const stream = pretty ? PinoPretty({ ignore: 'pid,hostname', ...(destination ? { destination } : {}) }) : destination;
  const options = {
    name,
    level,
    redact: { paths: names, censor }, // for the bindings of child loggers, which pass no formatter
    formatters: { log: (fields: object) => hideFields(fields) },
    hooks: { streamWrite: scrub },
  };
  return stream ? pino(options, stream) : pino(options);
}
