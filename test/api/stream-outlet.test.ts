/** A stream's end on a real connection: what is told straight comes behind what its body began with, and a slow reader holds nobody up. */
import { connect } from 'node:net';
import { Hono } from 'hono';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Env } from '../../api/caller.js';
import { listen } from '../../api/listen.js';
import { Outlet } from '../../api/stream/outlet.js';
import type { Connection } from '../../api/stream/streams.js';

let served: Awaited<ReturnType<typeof listen>>;
let outlet: Outlet;
let seen: { isGone: boolean; /** Pieces that went straight to the connection. */ straight: number };

beforeAll(async () => {
  const app = new Hono<Env>().get('/', (c) => {
    const outgoing: Connection | undefined = c.env.outgoing;
    if (outgoing !== undefined) {
      outlet.carriedBy({
        get headersSent() {
          return outgoing.headersSent;
        },
        get destroyed() {
          return outgoing.destroyed;
        },
        write: (bytes) => {
          seen.straight += 1;
          return outgoing.write(bytes);
        },
        once: (event, then) => outgoing.once(event, then),
      });
    }
    return c.body(outlet.body, 200, { connection: 'close' });
  });
  served = await listen(app, '127.0.0.1', 0);
});
afterAll(() => served[Symbol.asyncDispose]());

beforeEach(() => {
  seen = { isGone: false, straight: 0 };
  outlet = new Outlet(() => {
    seen.isGone = true;
  });
});

const url = () => `http://127.0.0.1:${served.port}/`;
const line = (number: number) => Buffer.from(`${number}\n`);
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}\n`).join('');
/** A turn of the event loop. */
const turn = () => new Promise((resolve) => void setImmediate(resolve));
const block = Buffer.alloc(100_000, 'x');

/** A reader that has begun and now takes nothing until it is read. */
async function idleReader() {
  const socket = connect(served.port, '127.0.0.1');
  // Without chunks.
  socket.write('GET / HTTP/1.0\r\nhost: x\r\n\r\n');
  socket.pause();
  while (seen.straight === 0) {
    outlet.write(Buffer.from('begun\n'), 0);
    await turn();
  }
  return {
    async text(): Promise<string> {
      let all = '';
      for await (const piece of socket) all += String(piece);
      return all;
    },
  };
}

/** @returns how many blocks were written until the reader was too far behind: the kernel takes some megabytes, then the queue its own */
async function fill(): Promise<number> {
  let count = 0;
  for (; outlet.write(block, 1); count += 1) {
    expect(count).toBeLessThan(1_000);
    await turn();
  }
  return count;
}

test('everything in its order: what was there before, what comes at once, what comes later', async () => {
  for (let number = 0; number < 10; number += 1) outlet.write(line(number), 1);
  const response = await fetch(url());
  for (let number = 10; number < 400; number += 1) {
    expect(outlet.write(line(number), 1)).toBe(true);
    if (number % 3 === 0) await turn();
  }
  outlet.end();
  expect(await response.text()).toBe(numbers(400));
  expect(seen.straight).toBeGreaterThan(100);
});

test('a reader that takes nothing is too far behind; the last word comes behind what was on its way', async () => {
  const reader = await idleReader();
  const blocks = await fill();
  outlet.end({ insteadOfAll: Buffer.from('behind') });
  const text = await reader.text();
  // What waited in the queue was left out.
  const told = [...text.matchAll(/x+/g)].reduce((sum, [run]) => sum + run.length, 0);
  expect(told % block.length).toBe(0);
  expect(told / block.length).toBeLessThan(blocks);
  expect(text).toMatch(/begun\nx+behind$/);
  expect(seen.isGone).toBe(false);
});

test('a slow reader gets all of what fits', async () => {
  const reader = await idleReader();
  const blocks = await fill();
  outlet.end();
  expect(/x*$/.exec(await reader.text())?.[0]).toHaveLength(blocks * block.length);
});

test('a reader that leaves is gone, and writing on harms nobody', async () => {
  const stop = new AbortController();
  const response = await fetch(url(), { signal: stop.signal });
  const reading = response.text();
  for (let number = 0; number < 20; number += 1) {
    outlet.write(line(number), 1);
    await turn();
  }
  stop.abort();
  await expect(reading).rejects.toThrow('aborted');
  while (!seen.isGone) {
    expect(outlet.write(line(0), 1)).toBe(true);
    await turn();
  }
  expect(outlet.write(line(1), 1)).toBe(true);
  outlet.end();
});
