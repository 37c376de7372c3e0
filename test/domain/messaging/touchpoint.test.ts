/** The words journeys send. */
import { expect, test } from 'vitest';
import { touchpointText } from '../../../domain/messaging/touchpoint.js';

const product = { name: 'Fiber' };

test('a welcome greets by name, where there is one', () => {
  const named = touchpointText('onboarding.welcome', { customer: { name: 'Ann' }, product });
  expect(named?.subject).toBe('Welcome to Fiber');
  expect(named?.text).toMatch(/^Hello Ann,\n\nwelcome/);
  expect(touchpointText('onboarding.welcome', { customer: { name: '' }, product })?.text).toMatch(/^Hello,\n/);
});

test('a name is one line, whatever it holds', () => {
  const { text = '' } = touchpointText('onboarding.welcome', { customer: { name: 'Ann\r\nBcc: x@example.com' }, product }) ?? {};
  expect(text.split('\n')[0]).toContain('Ann');
  expect(text).not.toMatch(/^Bcc:/m);
});

test.each(['nothing', 'constructor', '__proto__'])('nobody has written %s', (template) => {
  expect(touchpointText(template, { customer: { name: '' }, product })).toBeNull();
});
