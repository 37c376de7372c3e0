/** One ticket, from open to closed. */
import { allHandlersFinished, CancellationScope, condition, continueAsNew, isCancellation, setHandler } from '@temporalio/workflow';
import { verbs } from '../../domain/ticket/command.js';
import type { Verb } from '../../domain/ticket/command.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import { projectLater, projectNow } from '../proxies.js';
import { now } from '../support/clock.js';
import { showAttributes, showDetails } from '../support/operators.js';
import { Projector } from '../support/projector.js';
import type { Way } from '../support/projector.js';
import { deliverMessage } from './deliveries.js';
import { Journal } from './journal.js';
import type { TicketInput } from './journal.js';
import { approval, approvalDescription, descriptions, noticeEnded, noticeEndedDescription, state, updates } from './messages.js';
import type { ApprovalFact, NoticeFact, TicketAnswer } from './messages.js';
import { keepPlanned, keepStaffed } from './planner.js';
import { watch } from './watcher.js';

/** Deliveries still running when the run continues as new get this long to end first; the next run takes up the rest. */
const deliveryGrace = '60s';

const way: Way<TicketStep> = {
  now: projectNow,
  later: projectLater,
  span: ({ events, ticket }) => [events[0]?.version ?? ticket.version, ticket.version],
};

export type TicketEnd = TicketAnswer | { readonly outcome: 'never_opened' };

export async function ticketWorkflow(input: TicketInput): Promise<TicketEnd> {
  const journal = new Journal(input, now());
  const cancelled = CancellationScope.current().cancelRequested;
  // A request to cancel is an end like others: it closes the ticket, and what was accepted is still brought home.
  return CancellationScope.nonCancellable(() => life(input, journal, cancelled));
}

async function life(input: TicketInput, journal: Journal, cancelled: Promise<never>): Promise<TicketEnd> {
  const { tenant, ticketId } = input;
  const deliveries = new CancellationScope();
  const projector = new Projector(
    {
      pending: journal.pending,
      isReady: () => journal.isReady(),
      rebase: (stored) => journal.rebase(stored, now()),
      projected: ({ planned, sla }, { notices }) => {
        const own = notices === 'relayed' ? [] : (sla?.notices ?? []);
        for (const { message } of [...planned, ...own]) send(message);
      },
    },
    way,
    ticketId,
    journal.ticket?.version ?? 0,
  );

  const show = (last: string): void => {
    if (journal.ticket === null) return;
    showAttributes(journal.ticket);
    const due = journal.nextDue(now());
    const { clocks } = journal.ledger;
    showDetails(journal.ticket, { pending: journal.pending.length, deliveries: [...journal.deliveries], due, clocks, last });
  };

  const send = (message: string): void => {
    if (journal.deliveries.has(message)) return;
    journal.deliveries.add(message);
    inBackground(() => delivery(message));
  };

  const delivery = async (message: string): Promise<void> => {
    const result = await deliveries
      .run(() => deliverMessage({ tenant, ticketId, message }, input.outboundQueue))
      .catch((error: unknown) => (isCancellation(error) ? null : Promise.reject(error)));
    if (result === null) return; // the next run takes it up
    const { failed, unknown } = result;
    journal.deliveries.delete(message);
    if (failed + unknown === 0) return show('delivered');
    const outcome = failed > 0 ? 'failed' : 'unknown';
    journal.deliveryEnded(message, outcome, now());
    show(`delivery ${outcome}`);
  };

  const handle =
    (kind: Verb) =>
    (args: unknown): Promise<TicketAnswer> =>
      CancellationScope.nonCancellable(async () => {
        const version = journal.accept(kind, args, now()); // before the first await, so that handlers cannot interleave
        show(kind);
        const projected = await projector.upTo(version);
        return journal.answer(version, projected, projector.stored());
      });
  for (const kind of verbs) {
    const validator = (args: unknown): void => journal.check(kind, args, now());
    setHandler(updates[kind], handle(kind), { validator, description: descriptions[kind] });
  }
  const approvalTold = ({ tenant: of, approval: id, open }: ApprovalFact): void => {
    if (of !== tenant) return;
    journal.approval(id, open, now());
    show('approval');
  };
  setHandler(approval, approvalTold, { description: approvalDescription });
  const noticeTold = ({ tenant: of, message, outcome }: NoticeFact): void => {
    if (of !== tenant || journal.ticket === null || !isNoticeEnd(message, outcome)) return;
    journal.deliveryEnded(message, outcome, now());
    show(`notice ${outcome}`);
  };
  setHandler(noticeEnded, noticeTold, { description: noticeEndedDescription });
  setHandler(state, () => journal.ticket, { description: 'The ticket as its workflow knows it: ids, enums, numbers, instants.' });

  inBackground(() => projector.run());
  inBackground(() => keepPlanned(journal, input, show));
  inBackground(() => keepStaffed(journal, input, show));
  inBackground(() => watch(journal, ticketId, () => show('timer')));
  for (const message of input.carried?.deliveries ?? []) inBackground(() => delivery(message));
  void cancelled.catch(() => {
    journal.cancel(now());
    show('cancelled');
  });
  show('continued');

  await condition(() => journal.isOver() || journal.shouldContinue());
  const drained = (): boolean => projector.isIdle() && allHandlersFinished();
  if (journal.isOver()) {
    await condition(() => drained() && journal.deliveries.size === 0);
    return journal.ticket === null ? { outcome: 'never_opened' } : journal.answer(journal.ticket.version, true, projector.stored());
  }
  const delivered = (): boolean => drained() && journal.deliveries.size === 0;
  if (!delivered()) await condition(delivered, deliveryGrace);
  await condition(drained);
  deliveries.cancel();
  return continueAsNew<typeof ticketWorkflow>(journal.carry(now()));
}

/** A signal has no validator: what cannot be said of a notice is not taken. */
const isNoticeEnd = (message: unknown, outcome: unknown): boolean =>
  typeof message === 'string' && /^notice\/[A-Za-z0-9_.:/#-]{1,200}$/.test(message) && (outcome === 'failed' || outcome === 'unknown');

/** Runs beside the story until the run ends; a failure is a bug and must fail the task, visibly. */
function inBackground(work: () => Promise<void>): void {
  void work();
}
