/** The erasure of one person, from its confirmation to the proof. */
import { CancellationScope, continueAsNew, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { onErasure } from '../proxies.js';
import type { ErasureStart } from './start.js';
import { progress } from './messages.js';
import type { ErasureProgress } from './messages.js';
import { show } from './operators.js';
import { Passes } from './passes.js';
import type { PassesCarry } from './passes.js';

export interface ErasureInput extends ErasureStart {
  readonly carried?: PassesCarry;
}

export async function erasureWorkflow(input: ErasureInput): Promise<ErasureProgress> {
  // What was promised to a person is not called off midway: a request to cancel changes nothing.
  return CancellationScope.nonCancellable(() => story(input));
}

async function story({ carried, ...start }: ErasureInput): Promise<ErasureProgress> {
  const { pace, ...request } = start;
  const passes = new Passes(carried);
  let state: ErasureProgress['state'] = carried === undefined ? 'marking' : 'running';
  const seen = (): ErasureProgress => ({ state, pass: passes.pass, stage: passes.stage, changed: passes.changed });
  const become = (next: ErasureProgress['state']): ErasureProgress => {
    state = next;
    show(seen());
    return seen();
  };
  setHandler(progress, seen, { description: 'State, pass and stage, and how much was closed, cancelled or erased.' });

  if (carried === undefined) {
    const marked = await mark(request);
    if (marked !== 'erasing') return become(marked);
  }
  become('running');
  for (;;) {
    const { stage, after } = passes;
    const page = await onErasure(`${stage} behind ${after ?? 'none'}`).erasePage({ ...request, stage, after, limit: pace.pageSize });
    const isEnd = passes.turn(page);
    show(seen());
    if (isEnd) {
      if (!passes.again()) break;
      await sleep(pace.settleMs, { summary: 'what was on its way arrives' });
    }
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof erasureWorkflow>({ ...start, carried: passes.carry() });
  }
  await onErasure('tombstone and proof').finishErasure(request);
  return become('done');
}

/** A request has 5 s to end its transaction; one that was taken back never will. */
const looks = 20;
const lookMs = 3_000;

/** Waits for the transaction that confirmed it. */
async function mark(request: Omit<ErasureStart, 'pace'>): Promise<'erasing' | 'over' | 'abandoned'> {
  for (let look = 1; look <= looks; look += 1) {
    const marked = await onErasure('nothing more is sent').markErasing(request);
    if (marked !== 'unconfirmed') return marked;
    await sleep(lookMs, { summary: 'the confirmation' });
  }
  return 'abandoned';
}
