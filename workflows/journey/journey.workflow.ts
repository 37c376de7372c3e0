/** One journey, from its entry to its end. */
import {
  allHandlersFinished,
  ActivityFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  sleep,
  TemporalFailure,
} from '@temporalio/workflow';
import { journeyVerbs } from '../../domain/journey/shape.js';
import type { JourneyVerb } from '../../domain/journey/run/command.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import type { Report } from '../../domain/journey/run/effect.js';
import type { JourneyRecord } from '../../domain/journey/run/record.js';
import { hour } from '../../domain/time.js';
import { askLater, askNow, recordLater, recordNow } from '../proxies.js';
import { now } from '../support/clock.js';
import { Line } from '../support/line.js';
import { Projector } from '../support/projector.js';
import type { Way } from '../support/projector.js';
import { refusal } from '../support/refusal.js';
import { watch } from '../support/watcher.js';
import { Effects } from './effects.js';
import { isChildEnd, isEvent, isFollower, isHandoffReport } from './facts.js';
import { Journal } from './journal.js';
import type { Done, JourneyInput } from './journal.js';
import { childEnded, descriptions, directory, event, follow, handoff, open, signalDescriptions, state, updates } from './messages.js';
import type { JourneyAnswer } from './messages.js';
import { show } from './operators.js';

/** Actions still running when the run continues as new get this long to end first; the next run takes up the rest. */
const actionGrace = '60s';

const wayBy = (line: Line): Way<JourneyRecord> => ({
  now: (records) => line.run(() => recordNow.projectJourney(records)),
  later: (summary) => recordLater(summary).projectJourney,
  span: ({ events, view: { version } }) => [events[0]?.seq ?? version, version],
});

export type JourneyEnd = JourneyAnswer | { readonly outcome: 'never_opened' };

export async function journeyWorkflow(input: JourneyInput): Promise<JourneyEnd> {
  const cancelled = CancellationScope.current().cancelRequested;
  // A request to cancel is an end like others: everything that is open is closed, and what was accepted is still brought home.
  return CancellationScope.nonCancellable(() => life(input, cancelled));
}

async function life(input: JourneyInput, cancelled: Promise<never>): Promise<JourneyEnd> {
  const { journeyId, outboundQueue, continueAfter } = input;
  const line = new Line();
  const effects = new Effects({
    line,
    journey: () => journal.ref(),
    requester: () => journal.requester(),
    outboundQueue,
    continueAfter,
    report: (said) => tell(said),
    isReleased: (step) => journal.isReleased(step),
  });
  const journal = new Journal(input, now(), (wanted) => effects.carryOut(wanted));
  const projector = new Projector(
    {
      pending: journal.pending,
      // What follows from it at once is seen with it.
      isReady: () => effects.isSettled(),
      rebase: (stored) => journal.rebase(stored, now()),
      projected: () => undefined,
    },
    wayBy(line),
    journeyId,
    input.carried?.state.version ?? 0,
  );

  const shown = (last: string): void => {
    // Once for all that followed at once.
    if (effects.isSettled()) show(journal, last);
  };
  const ready = async (): Promise<void> => {
    if (!journal.isReady()) await condition(() => journal.isReady() || journal.isOver());
    if (!journal.isReady()) throw refusal('unknown_template', {});
  };
  const tell = (said: Report): void => {
    journal.tell(said, now());
    shown(said.kind);
  };
  const answer = async (done: Done): Promise<JourneyAnswer> => {
    await condition(() => effects.isSettled());
    const version = Math.max(done.version, journal.version());
    const projected = await projector.upTo(version);
    return { version: done.version, view: journal.seen(), said: done.said, projected, stored: projector.stored() };
  };

  /** Whoever waits for the end, once there is one. */
  const tellFollowers = (): void => {
    for (const news of journal.news()) effects.tellParent(news);
  };

  const handle =
    (verb: JourneyVerb) =>
    (args: unknown): Promise<JourneyAnswer> =>
      CancellationScope.nonCancellable(async () => {
        await ready();
        const done = journal.accept(verb, args, now()); // synchronous, so that handlers cannot interleave
        shown(verb);
        return answer(done);
      });
  for (const verb of journeyVerbs) {
    const validator = (args: unknown): void => journal.check(verb, args, now());
    setHandler(updates[verb], handle(verb), { validator, description: descriptions[verb] });
  }
  setHandler(
    open,
    (args) =>
      CancellationScope.nonCancellable(async () => {
        await ready();
        const { entry, ...done } = journal.open(args, now());
        shown('open');
        return { ...(await answer(done)), entry };
      }),
    { validator: (args) => journal.checkOpening(args), description: descriptions.open },
  );
  setHandler(event, (occurred) => void (isEvent(occurred) && tell({ kind: 'event', event: occurred })), {
    description: signalDescriptions.event,
  });
  setHandler(handoff, (said) => void (isHandoffReport(said) && tell({ kind: 'handoff', report: said })), {
    description: signalDescriptions.handoff,
  });
  setHandler(directory, () => tell({ kind: 'directory' }), { description: signalDescriptions.directory });
  setHandler(
    follow,
    (follower) => {
      if (!isFollower(follower)) return;
      journal.follow(follower);
      tellFollowers();
    },
    { description: signalDescriptions.follow },
  );
  setHandler(childEnded, (said) => void (isChildEnd(said) && tell({ kind: 'childEnded', ...said })), {
    description: signalDescriptions.childEnded,
  });
  setHandler(state, () => journal.view(), { description: 'The journey as its workflow knows it: ids, enums, numbers, instants.' });

  void cancelled.catch(async () => {
    await condition(() => journal.isReady() || journal.isOver());
    journal.cancel(now());
    shown('cancelled');
  });
  inBackground(async () => {
    const template = await loadTemplate(input, line);
    if (template === null) return journal.abandon();
    journal.begun(template);
    shown('continued');
  });
  inBackground(() => projector.run());
  inBackground(() => watch(journal, journeyId, () => shown('timer')));

  await condition(() => journal.isOver() || (journal.shouldContinue() && journal.isReady()));
  const drained = (): boolean => effects.isSettled() && effects.canLeave() && projector.isIdle() && allHandlersFinished();
  if (journal.isOver()) {
    effects.retain(journal.awaited());
    tellFollowers();
    for (const id of journal.openHandoffs()) effects.callOff(id);
    await condition(() => drained() && effects.isIdle());
    const view = journal.view();
    return view === null
      ? { outcome: 'never_opened' }
      : { version: view.version, view, said: {}, projected: true, stored: projector.stored() };
  }
  const idle = (): boolean => drained() && effects.isIdle();
  if (!idle()) await condition(idle, actionGrace);
  await condition(drained);
  effects.leave();
  return continueAsNew<typeof journeyWorkflow>(journal.carry());
}

/**
 * The compiled form, recorded once for each run.
 *
 * @returns null when there is none of this hash, and the journey has not begun
 */
async function loadTemplate({ tenant, template, journeyId, carried }: JourneyInput, line: Line): Promise<CompiledTemplate | null> {
  const wanted = { tenant, template };
  try {
    return await line.run(() => askNow.loadTemplate(wanted));
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
  }
  for (;;) {
    try {
      return await askLater(`template of ${journeyId}`).loadTemplate(wanted);
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      if (carried === undefined) return null;
    }
    // What is open is never given up for it: somebody has to put the version back.
    await sleep(hour, { summary: `template ${template.key}@${template.version} is missing` });
  }
}

/** Runs beside the story until the run ends; a failure is a bug and must fail the task, visibly. */
function inBackground(work: () => Promise<void>): void {
  void work();
}
