/**
 * Plays scenarios of a case file on the real ticket workflow, under Temporal's time-skipping server: one request on standard input, one answer
 * on standard output. Only what the activities would ask of a database is answered from the scenario.
 */
import type { PlayAnswer } from '../domain/sla/scenario.js';
import { whyUnplayable } from './sla-play.js';
import type { Run } from './sla-play.js';
import { Stage } from './sla-stage.js';
import { playAll, Theatre } from './theatre.js';

const theatre = new Theatre((bundle, say) => Stage.build(bundle, say));

async function play(run: Run): Promise<PlayAnswer['traces'][number]> {
  const unplayable = whyUnplayable(run.scenario);
  if (unplayable !== null) return { ok: false, error: unplayable };
  return theatre.play(async (stage) => ({ ok: true, trace: await stage.perform(run) }));
}

await playAll(
  theatre,
  ({ scenario }) => scenario.id,
  play,
  (traces): PlayAnswer => ({ schema: 1, traces }),
);
