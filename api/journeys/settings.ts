/** How many journeys may be open, and whose events may start some. Source: journeys.md, sections 2 and 10. */
import { z } from 'zod';
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { recordAudit } from '../../db/queries/audit.js';
import { findJourneySettings, replaceJourneySettings } from '../../db/queries/journey-entry.js';
import type { JourneySettings as StoredSettings } from '../../db/queries/journey-entry.js';
import { usualCapacity } from '../../domain/journey/entry/consider.js';
import { packages } from '../../domain/journey/template.js';

const names: readonly string[] = packages;

export const JourneySettings = z
  .strictObject({
    maxConcurrentJourneys: z
      .int()
      .min(0)
      .max(100_000)
      .default(usualCapacity)
      .describe('open journeys of the tenant; paused and parked ones count'),
    packageIntegrations: z
      .record(
        z.string().refine((name) => names.includes(name), `must be one of ${names.join(', ')}`),
        z.strictObject({ enabled: z.boolean() }),
      )
      .default({})
      .describe('whether events of a package start journeys; one that is not named does'),
  })
  .meta({ id: 'JourneySettings' });
export type JourneySettings = z.output<typeof JourneySettings>;

interface Shown {
  readonly view: JourneySettings;
  readonly etag: string;
}

export type JourneySettingsService = ReturnType<typeof createJourneySettings>;

export const createJourneySettings = (engine: Pick<TicketEngine, 'within'>) => ({
  get: async (reader: Reader): Promise<Shown> =>
    shown(await engine.within(reader, (tx) => findJourneySettings(tx, reader.principal.tenant))),

  async replace(caller: Caller, { maxConcurrentJourneys, packageIntegrations }: JourneySettings): Promise<Answer> {
    const { expected, principal } = caller;
    const { tenant } = principal;
    if (expected === null) throw new Refusal('version_required');
    const settings = { capacity: maxConcurrentJourneys, integrations: packageIntegrations };
    const stored = await engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      const next = expected === 'never' ? null : await replaceJourneySettings(tx, tenant, expected, settings);
      if (next !== null) {
        const changes = { revision: next.revision };
        await recordAudit(tx, accountable(caller), { action: 'journey_settings.replaced', subject: `tenant/${tenant}`, changes });
        return next;
      }
      throw new Refusal('version_mismatch', { members: { current: (await findJourneySettings(tx, tenant)).revision } });
    });
    const { view, etag } = shown(stored);
    return { status: 200, body: view, headers: { etag } };
  },
});

const shown = ({ capacity, integrations, revision }: StoredSettings & { readonly revision: number }): Shown => ({
  view: {
    maxConcurrentJourneys: capacity,
    packageIntegrations: Object.fromEntries(packages.map((name) => [name, { enabled: integrations[name]?.enabled ?? true }])),
  },
  etag: `"${revision}"`,
});
