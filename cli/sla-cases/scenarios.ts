/** One scenario of a case file: what its ticket runs under, what happens, what is expected. */
import { z } from 'zod';
import { clockKinds, pausePresets, pausingStatuses, presets, reopenModes } from '../../domain/sla/policy.js';
import type { PauseMatrix, Rung } from '../../domain/sla/policy.js';
import type { Scenario } from '../../domain/sla/scenario.js';
import { chosen } from '../../domain/choice/schema.js';
import { eventsOf } from './events.js';
import { Expectation } from './expectations.js';
import { Rungs } from './rungs.js';
import { Kind, Name, oneOf, Targets, Truth } from './values.js';

export interface ScenarioCase {
  readonly scenario: Scenario;
  readonly expect: readonly Expectation[];
}

const Preset = oneOf(pausePresets).transform((name) => presets[name]);
const Statuses = z.array(oneOf(pausingStatuses), { error: `must be a list of ${pausingStatuses.join(', ')}` });
const Matrix: z.ZodType<PauseMatrix> = z.strictObject(Object.fromEntries(clockKinds.map((kind) => [kind, z.exactOptional(Statuses)])), {
  error: 'must be a preset, or a map of clock kinds to lists of statuses',
});
const Pause = chosen<PauseMatrix>((value) => (typeof value === 'string' ? Preset : Matrix));

/** @param calendar a name that the file knows, of a calendar that can be used */
export const scenarioOf = (calendar: z.ZodType<string>) =>
  z
    .strictObject(
      {
        id: Name,
        calendar,
        preset: z.exactOptional(Pause),
        pause: z.exactOptional(Pause),
        pauseOnApproval: z.array(Kind, { error: 'must be a list of clock kinds' }).default([]),
        reopen: oneOf(reopenModes).default('resume'),
        counts: z.strictObject({ bot: Truth.default(false), call: Truth.default(false), firstInNext: Truth.default(false) }).prefault({}),
        targets: Targets,
        rungs: Rungs.default([]),
        events: eventsOf(calendar),
        expect: z.array(Expectation, { error: 'must be a list of expectations' }).min(1, 'must expect something'),
      },
      { error: 'must be a map' },
    )
    .superRefine(({ preset, pause, rungs, targets, events, expect }, context) => {
      const say = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
      if (preset !== undefined && pause !== undefined) say(['pause'], 'must not stand beside preset');
      const later = events.flatMap((event) => (event.verb === 'target' ? [event.targets] : []));
      for (const [index, rung] of rungs.entries()) {
        const target = targets[rung.clock];
        if (target === undefined && later.every((those) => those[rung.clock] === undefined)) {
          say(['rungs', index, 'clock'], 'must be a kind that has a target in this scenario');
        }
        const before = beforeOf(rung);
        if (target !== undefined && before !== undefined && before >= target)
          say(['rungs', index, 'when', 'before'], 'must be less than the target of its clock');
        if (rung.whilePaused === true && !(typeof rung.when === 'object' && 'after' in rung.when)) {
          say(['rungs', index, 'whilePaused'], 'is only for rungs after the breach');
        }
      }
      for (const [index, expected] of expect.entries()) {
        if (expected.kind !== 'rung') continue;
        const rung = rungs.find(({ id }) => id === expected.rung);
        if (rung === undefined) say(['expect', index, 'rung'], 'must be a rung of this scenario');
        else if (!expected.clock.startsWith(`${rung.clock}#`)) say(['expect', index, 'clock'], `must be of the rung’s kind, ${rung.clock}`);
      }
    })
    .transform(({ preset, pause, expect, ...rest }): ScenarioCase => ({
      scenario: { ...rest, pause: pause ?? preset ?? presets.default },
      expect,
    }));

const beforeOf = ({ when }: Rung): number | undefined => (typeof when === 'object' && 'before' in when ? when.before : undefined);
