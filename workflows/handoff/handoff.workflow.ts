/** One handoff from package to package, from its creation to its end. */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { isRecord } from '../../domain/fields.js';
import { handoffVerbs } from '../../domain/handoff/command.js';
import type { HandoffVerb } from '../../domain/handoff/command.js';
import { handoffIdOf } from '../../domain/handoff/ledger.js';
import type { HandoffReport, Report } from '../../domain/journey/run/effect.js';
import type { HandoffRecord } from '../../domain/journey/run/record.js';
import { Effects } from '../journey/effects.js';
import { handoff } from '../journey/messages.js';
import { journeyWorkflowId } from '../journey/start.js';
import { recordLater, recordNow } from '../proxies.js';
import { now } from '../support/clock.js';
import { Line } from '../support/line.js';
import { Projector } from '../support/projector.js';
import type { Way } from '../support/projector.js';
import { watch } from '../support/watcher.js';
import { Journal } from './journal.js';
import type { HandoffInput } from './journal.js';
import { descriptions, state, tell, tellDescription, updates } from './messages.js';
import type { HandoffAnswer, Told } from './messages.js';
import { show } from './operators.js';

/** An attempt still running when the run continues as new gets this long to end first; the next run takes it up. */
const actionGrace = '60s';

const wayBy = (line: Line): Way<HandoffRecord> => ({
  now: (records) => line.run(() => recordNow.projectHandoff(records)),
  later: (summary) => recordLater(summary).projectHandoff,
  span: ({ events, view: { version } }) => [events[0]?.seq ?? version, version],
});

export async function handoffWorkflow(input: HandoffInput): Promise<HandoffAnswer> {
  const cancelled = CancellationScope.current().cancelRequested;
  // A journey that is over asks for this, and so may an operator: it is an end like others.
  return CancellationScope.nonCancellable(() => life(input, cancelled));
}

async function life(input: HandoffInput, cancelled: Promise<never>): Promise<HandoffAnswer> {
  const { start, tenant, template, subject, outboundQueue, continueAfter } = input;
  const { journeyId, rules } = start;
  const journey = { journeyId, tenant, template, subject, receiver: rules.to };
  const toJourney = getExternalWorkflowHandle(journeyWorkflowId(journeyId));
  const line = new Line();
  const effects = new Effects({
    line,
    journey: () => journey,
    requester: () => start.requester,
    outboundQueue,
    continueAfter,
    report: (said) => take(said),
  });
  const tellJourney = (reports: readonly HandoffReport[]): void => {
    for (const said of reports) effects.keepSaying(toJourney.signal(handoff, said).catch(abandoned));
  };
  // Nobody is there to hear: the journey was terminated, and what it handed over is over too.
  const abandoned = (error: unknown): void => {
    if (isCancellation(error)) throw error;
    journal.cancel(now());
    shown('abandoned');
  };
  const journal = new Journal(input, now(), { carryOut: (wanted) => effects.carryOut(wanted), report: tellJourney });
  const projector = new Projector(
    {
      pending: journal.pending,
      // What follows from it at once is seen with it.
      isReady: () => effects.isSettled(),
      rebase: (stored) => journal.rebase(stored, now()),
      projected: () => undefined,
    },
    wayBy(line),
    handoffIdOf(start),
    input.carried?.ledger.version ?? 0,
  );

  const shown = (last: string): void => {
    if (effects.isSettled()) show(journal, last);
  };
  const take = (said: Report): void => {
    journal.tell(said, now());
    shown(said.kind);
  };
  const answer = (version: number, projected: boolean): HandoffAnswer => ({
    version,
    view: journal.view(),
    projected,
    stored: projector.stored(),
  });

  const handle =
    (verb: HandoffVerb) =>
    (args: unknown): Promise<HandoffAnswer> =>
      CancellationScope.nonCancellable(async () => {
        const version = journal.accept(verb, args, now()); // before the first await, so that handlers cannot interleave
        shown(verb);
        await condition(() => effects.isSettled());
        return answer(version, await projector.upTo(Math.max(version, journal.version())));
      });
  for (const verb of handoffVerbs) {
    const validator = (args: unknown): void => journal.check(verb, args, now());
    setHandler(updates[verb], handle(verb), { validator, description: descriptions[verb] });
  }
  const told = (said: Told): void => {
    if (!isTold(said)) return;
    journal.told(said, now());
    shown(said.word.kind);
  };
  setHandler(tell, told, { description: tellDescription });
  setHandler(state, () => journal.view(), { description: 'The handoff as its workflow knows it: ids, enums, numbers, instants.' });

  void cancelled.catch(() => {
    journal.cancel(now());
    shown('cancelled');
  });
  inBackground(() => projector.run());
  inBackground(() => watch(journal, handoffIdOf(start), () => shown('timer')));
  shown(input.carried === undefined ? 'created' : 'continued');

  await condition(() => journal.isOver() || journal.shouldContinue());
  const drained = (): boolean => effects.isSettled() && effects.canLeave() && projector.isIdle() && allHandlersFinished();
  const idle = (): boolean => drained() && effects.isIdle();
  if (journal.isOver()) {
    effects.retain(journal.awaited());
    await condition(idle);
    return answer(journal.version(), true);
  }
  if (!idle()) await condition(idle, actionGrace);
  await condition(drained);
  effects.leave();
  return continueAsNew<typeof handoffWorkflow>(journal.carry());
}

/** A handler of signals throws nothing. */
const isTold = (said: unknown): boolean => isRecord(said) && typeof said['id'] === 'string' && isRecord(said['word']);

/** Runs beside the story until the run ends; a failure is a bug and must fail the task, visibly. */
function inBackground(work: () => Promise<void>): void {
  void work();
}
