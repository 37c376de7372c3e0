import { describe, expect, test } from 'vitest';
import { ProductSettings } from '../../../domain/configuration/schema.js';
import { ticketSettings } from '../../../domain/configuration/settings.js';

const smallest = { fromName: 'Support' };

test('what is left out has its default', () => {
  expect(ProductSettings.parse(smallest)).toEqual({
    fromName: 'Support',
    reopenWindowS: 7 * 24 * 3600,
    mail: { acknowledgement: true, reply: true, resolved: true },
    defaultPriority: 'medium',
    defaultTeam: null,
    categories: [],
    strangerPolicy: 'new_ticket',
    supportJourney: false,
    templates: {},
    statusLabels: {},
  });
});

test('a ticket keeps its window and which mails go out', () => {
  const settings = ProductSettings.parse({ ...smallest, reopenWindowS: 60, mail: { resolved: false } });
  expect(ticketSettings(settings)).toEqual({ reopenWindowS: 60, mail: { acknowledgement: true, reply: true, resolved: false } });
});

describe('refused', () => {
  test.each([
    [{}, 'fromName'],
    [{ ...smallest, fromName: 'a\r\nBcc: x' }, 'fromName'],
    [{ ...smallest, reopenWindowS: -1 }, 'reopenWindowS'],
    [{ ...smallest, defaultTeam: 'support' }, 'defaultTeam'],
    [{ ...smallest, categories: ['<b>'] }, 'categories'],
    [{ ...smallest, templates: { reply: { subject: 's\n', text: 't' } } }, 'templates'],
    [{ ...smallest, templates: { welcome: { subject: 's', text: 't' } } }, 'templates'],
    [{ ...smallest, extra: 1 }, undefined],
  ])('%j', (settings, field) => {
    const parsed = ProductSettings.safeParse(settings);
    expect(parsed.error?.issues[0]?.path[0]).toBe(field);
    expect(parsed.success).toBe(false);
  });
});
