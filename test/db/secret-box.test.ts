/** What is sealed opens for its owner alone, and also after another key has come first. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSecretBox } from '../../db/secret-box.js';

const secret = randomBytes(32);
const box = createSecretBox('k1:first');

test('opens for whom it was sealed, and shows nothing', () => {
  const sealed = box.seal('me', secret);
  expect(box.open('me', sealed)).toEqual(secret);
  expect(sealed.includes(secret)).toBe(false);
  expect(box.seal('me', secret)).not.toEqual(sealed);
});

test('opens for nobody else, and not when a bit has changed', () => {
  const sealed = box.seal('me', secret);
  expect(() => box.open('you', sealed)).toThrow();
  for (const at of [4, 20, sealed.length - 1]) {
    const damaged = Buffer.from(sealed);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(() => box.open('me', damaged), `byte ${at}`).toThrow();
  }
  expect(() => box.open('me', Buffer.alloc(0))).toThrow();
});

test('the first key seals, all open', () => {
  const sealed = box.seal('me', secret);
  const after = createSecretBox('k2:second,k1:first');
  expect(after.open('me', sealed)).toEqual(secret);
  expect(() => box.open('me', after.seal('me', secret))).toThrow('the key it was sealed with is not there');
  expect(() => createSecretBox('k1:another').open('me', sealed)).toThrow();
});
