/**
 * Plays scripts on the real workflows of journeys and handoffs, under Temporal's time-skipping server: one request on standard input, one answer on
 * standard output. Only what the activities would ask of a database or a package is answered from the script.
 */
import { castOf } from '../cli/journey/cast.js';
import { readScript } from '../cli/journey/script-file.js';
import { recorded } from '../domain/journey/simulate/recorded.js';
import type { PlayAnswer, Played, PlayRequest } from '../domain/journey/simulate/recorded.js';
import { JourneyStage } from './journey-stage.js';
import { playAll, Theatre } from './theatre.js';

const theatre = new Theatre((bundle, say) => JourneyStage.build(bundle, say));

const play = ({ script: name, template }: PlayRequest['runs'][number]): Promise<Played> =>
  theatre.play(async (stage) => {
    const file = await readScript(name);
    const run = await stage.perform(file.script, await castOf(file, template ?? undefined));
    const looks = file.script.expect.flatMap(({ at }) => at ?? []);
    return { ok: true, run: recorded(run, looks) };
  });

await playAll(
  theatre,
  ({ script }) => script,
  play,
  (runs): PlayAnswer => ({ schema: 1, runs }),
);
