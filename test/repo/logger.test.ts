import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../logger.js';

const mail = 'ana.canary@example.com';
const phones = [
  '+44 20 7946 0958',
  '+15551234567',
  '+49 (171) 123-4567',
  '0049 171 1234567',
  '(555) 123-4567',
  '020 7946 0958',
  '0171/1234567',
];
const apiKey = 'usk_S3cretCanaryS3cretCanaryS3cretCanaryS3cret0_0a1b2c3d';
const token = 'eyJTokenCanaryHeader00.eyJTokenCanaryClaims11.TokenCanarySignature22';

/** Runs `write` on a fresh logger; the text it wrote. */
function written(write: (log: ReturnType<typeof createLogger>) => void, pretty = false): string {
  let text = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  write(createLogger({ level: 'trace', pretty, name: 'canary' }, sink));
  return text;
}

describe.each([
  ['JSON', false],
  ['readable', true],
])('%s lines', (_, pretty) => {
  test.each([mail, ...phones, apiKey, token])('T35: %s appears nowhere', (canary) => {
    const text = written((log) => {
      log.info(`as message ${canary}`);
      log.info('as argument %s', canary);
      log.warn({ note: canary, deep: { er: { still: [{ more: canary }] } } }, 'as field');
      log.error(new Error(`as error ${canary}`));
      log.error({ err: new Error('outer', { cause: new Error(`as cause ${canary}`) }) });
      log.child({ caller: canary }).info('as binding');
      log.info({ [canary]: 1 }, 'as name');
    }, pretty);
    expect(text.match(/as (message|argument|field|error|cause|binding|name)/g)?.length).toBeGreaterThanOrEqual(7);
    expect(text).not.toContain(canary);
    expect(text).not.toContain(canary.slice(4, -1));
  });
});

test.each(['authorization', 'cookie', 'password', 'token', 'key', 'secret', 'email', 'phone', 'body', 'subject', 'html', 'text', 'raw'])(
  'the field %s is hidden at every depth',
  (field) => {
    for (let depth = 0; depth <= 5; depth += 1) {
      let value: Record<string, unknown> = { [field]: 'CANARY' };
      for (let level = 0; level < depth; level += 1) value = { nested: value };
      expect(written((log) => log.info(value))).not.toContain('CANARY');
      expect(written((log) => log.child(value).info('x'))).not.toContain('CANARY');
    }
    expect(written((log) => log.info({ list: [{ [field]: 'CANARY' }] }))).not.toContain('CANARY');
  },
);

test('what operators need stays', () => {
  const fields = {
    ticketId: 'TKT-12345678',
    runId: '01234567-1234-4234-8234-123456789012',
    at: '2026-11-21T10:20:30.405Z',
    dueAt: 1_795_000_000_000,
    ip: '192.168.100.200',
    address: '127.0.0.1:7233',
    workflowId: 'handoff/JRN-00112233/approve/1',
    version: '20.20.2',
    url: 'http://127.0.0.1:3000/v1/tickets/TKT-12345678?limit=50',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    frame: 'at run (file:///app/node_modules/@temporalio/worker/lib/worker.js:1234:567)',
  };
  const line: unknown = JSON.parse(written((log) => log.info(fields, 'ticket.opened in 12 ms')));
  expect(line).toMatchObject({ ...fields, level: 30, name: 'canary', msg: 'ticket.opened in 12 ms' });
});

test('a line is written in little time', () => {
  const started = performance.now();
  written((log) => {
    for (let line = 0; line < 2000; line += 1) log.info({ ticketId: 'TKT-12345678', route: '/v1/tickets', status: 200, ms: 12 }, 'request');
    log.info('a'.repeat(200_000));
    log.info('1 2 '.repeat(50_000));
  });
  // A pattern that looks back over such a line takes minutes; how fast the machine is does not matter.
  expect(performance.now() - started).toBeLessThan(20_000);
});
