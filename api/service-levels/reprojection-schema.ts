import { z } from 'zod';
import { effects } from '../../domain/sla/preview.js';

/** What a draft would do to open tickets. */
export const PolicySetPreview = z
  .strictObject({
    current: z.int().describe('revision the draft would replace; 0: none yet'),
    open: z.int().describe('open tickets'),
    looked: z.int().describe('open tickets that were looked at; each counts once below'),
    truncated: z.boolean().describe('there are more than could be looked at'),
    effects: z
      .array(
        z.strictObject({
          effect: z.enum(effects),
          count: z.int(),
          tickets: z.array(z.string()).describe('up to 100 numbers; none for `unchanged`'),
        }),
      )
      .describe('the gravest first; a ticket counts where its gravest clock does'),
    previewToken: z.string().describe('publishes this draft with `reproject`, as long as `current` is the newest revision'),
  })
  .meta({ id: 'SlaPolicySetPreview' });
export type PolicySetPreview = z.output<typeof PolicySetPreview>;
