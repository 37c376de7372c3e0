/** The real ticket workflow on a server that skips time, with activities that answer from a scenario instead of from a database. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isGrpcServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import type { WorkerOptions, WorkflowBundleOption } from '@temporalio/worker';
import type {
  DeliveryActivities,
  GiveUpActivities,
  PlanningActivities,
  ProjectionActivities,
  StaffingActivities,
} from '../activities/contract.js';
import { wholeSecond } from '../domain/sla/clock.js';
import { commandsOf } from '../domain/sla/play.js';
import type { RecordedTrace, ScenarioEvent } from '../domain/sla/scenario.js';
import type { TicketCommand } from '../domain/ticket/command.js';
import { second } from '../domain/time.js';
import { isClosed } from '../domain/ticket/ticket.js';
import { passedOver, taskQueue, ticketStartOptions, ticketWorkflowType } from '../workflows/names.js';
import type { Log } from './log.js';
import { Play } from './sla-play.js';
import type { Run } from './sla-play.js';
import { startTimeSkippingServer } from './time-skipping-server.js';
import type { TimeSkippingServer } from './time-skipping-server.js';

type OpenCommand = Extract<TicketCommand, { kind: 'open' }>;
type Activities = ProjectionActivities & PlanningActivities & StaffingActivities & GiveUpActivities & DeliveryActivities;

/** What one event says to the ticket. */
interface Message {
  readonly name: string;
  readonly fields: object;
  /** Null: no verb of the ticket, but of an operator or another part of the desk. */
  readonly command: TicketCommand | null;
}

interface Running {
  readonly worker: Worker;
  readonly done: Promise<void>;
}

/** A machine that stalls in each of these stalls always. */
const attempts = 3;
/** Far more than a scenario has: no run continues as new. */
const continueAfter = 1000;
/** As gRPC counts. */
const notFound = 5;
/** Nobody is told of anything. */
const nothing = { sent: 0, failed: 0, unknown: 0, suppressed: 0 } as const;

/** Plays one scenario after the other; of no use any more after one that did not end. */
export class Stage implements AsyncDisposable {
  private readonly server: TimeSkippingServer;
  private readonly bundle: WorkflowBundleOption;
  private readonly queueSuffix = `-${randomBytes(4).toString('hex')}`;
  /** They stay up: time stands still while an activity waits for somebody to take it. */
  private readonly helpers: Running[] = [];
  /** The worker that goes down and up. */
  private desk: Running | null = null;
  private spare: Worker | null = null;
  private mayLeave = false;
  private fail: (error: unknown) => void = () => undefined;
  private readonly failed: Promise<never>;
  private play: Play | null = null;
  private ticket: WorkflowHandle | null = null;
  /** While the worker is down, a task of the ticket waits for it, and time passes all the same. */
  private waiting = false;

  private constructor(server: TimeSkippingServer, bundle: WorkflowBundleOption) {
    this.server = server;
    this.bundle = bundle;
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failed.catch(() => undefined); // between two scenarios nobody waits for it
    server.crashed.catch(this.fail);
  }

  /** @param log hears how the server's program is fetched, once */
  static async build(bundle: WorkflowBundleOption, log: Log): Promise<Stage> {
    const stage = new Stage(await startTimeSkippingServer(log), bundle);
    const { deliver, ...core } = stage.activities();
    stage.helpers.push(stage.run(await stage.hire({ taskQueue: stage.queue('core'), activities: core })));
    stage.helpers.push(stage.run(await stage.hire({ taskQueue: stage.queue('outbound'), activities: { deliver } })));
    return stage;
  }

  /** @throws Error when it cannot be played to its end */
  async perform(run: Run): Promise<RecordedTrace> {
    for (let attempt = 1; ; attempt += 1) {
      const { trace, disturbance } = await Promise.race([this.performOnce(run), this.failed]);
      if (disturbance === null || attempt === attempts) return trace;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.desk === null ? this.helpers : [this.desk, ...this.helpers];
    for (const { worker } of running) worker.shutdown();
    await Promise.allSettled(running.map(({ done }) => done));
    await this.server[Symbol.asyncDispose]();
  }

  private async performOnce(run: Run): Promise<{ trace: RecordedTrace; disturbance: string | null }> {
    await this.staff(run.scenario.events.some(({ verb }) => verb === 'worker_down'));
    const play = new Play(run, wholeSecond(await this.server.now()) + 2 * second);
    this.play = play;
    this.ticket = null;
    const answers: Promise<void>[] = [];
    for (const [index, event] of run.scenario.events.entries()) {
      await this.server.passTo(play.onServer(event.at));
      if (event.verb === 'worker_down') await this.workerDown();
      else if (event.verb === 'worker_up') await this.workerUp();
      else await this.send(play, { event, index }, answers);
      if (this.desk !== null) await Promise.all(answers.splice(0));
    }
    await this.server.passTo(play.onServer(run.looks.until));
    const seen = { trace: play.trace(), disturbance: play.disturbance };
    await this.workerUp();
    await Promise.all(answers);
    await this.end(play);
    return seen;
  }

  /**
   * Returns once the server has it.
   *
   * @param answers gets the answer, which while the worker is down may be long in coming
   */
  private async send(play: Play, { event, index }: { event: ScenarioEvent; index: number }, answers: Promise<void>[]): Promise<void> {
    const message = messageOf(play, event);
    if (message === null) return;
    const { name, fields, command } = message;
    const ticket = command?.kind === 'open' ? await this.start(play, command) : this.ticket;
    if (ticket === null) throw new Error(`${name} before the ticket is open`);
    const commandId = `case/${index}`;
    const answered = new AbortController();
    const answer = ticket
      .executeUpdate(name, { args: [{ ...fields, commandId }], updateId: commandId })
      .then(
        () => undefined,
        (error: unknown) => {
          const code = refusalOf(error);
          // Of a ticket that is over there is nothing left to pause or to plan.
          if (command !== null || code !== 'ticket.closed') play.refused.push({ event: index, code });
        },
      )
      .finally(() => answered.abort());
    answer.catch(() => undefined); // it is waited for when the worker is back
    answers.push(answer);
    if (this.desk === null) await this.arrival(ticket, commandId, answered.signal);
  }

  /** Started first and opened then: asked a second time for both at once, as after 10 s without an answer, this server fails. */
  private async start({ ticketId }: Play, command: OpenCommand): Promise<WorkflowHandle> {
    const { status = 'new' } = command;
    const options = ticketStartOptions({ ...command, status, ticketId, queueSuffix: this.queueSuffix, continueAfter });
    const ticket = await this.server.client.workflow.start(ticketWorkflowType, options);
    this.ticket = ticket;
    if (this.desk === null) await this.letWait();
    return ticket;
  }

  /** What is sent next must not overtake what the server does not have yet. */
  private async arrival({ workflowId }: WorkflowHandle, updateId: string, answered: AbortSignal): Promise<void> {
    const { workflowService, options } = this.server.client;
    const request = { namespace: options.namespace, updateRef: { workflowExecution: { workflowId }, updateId } };
    while (!answered.aborted) {
      try {
        await workflowService.pollWorkflowExecutionUpdate(request);
        return;
      } catch (error) {
        const code: number | null = isGrpcServiceError(error) ? error.code : null;
        if (code !== notFound) throw error;
        await pause(1);
      }
    }
  }

  private async staff(mayLeave: boolean): Promise<void> {
    if (this.desk !== null && this.mayLeave === mayLeave) return;
    await this.dismiss();
    this.mayLeave = mayLeave;
    this.desk = this.run(await this.hireDesk());
  }

  private async dismiss(): Promise<void> {
    const { desk } = this;
    this.desk = null;
    desk?.worker.shutdown();
    await desk?.done;
  }

  private async workerDown(): Promise<void> {
    const { desk, ticket } = this;
    if (desk === null) return;
    await this.dismiss();
    this.spare = await this.hireDesk(); // it takes a moment, and is to be at work at the very instant
    if (ticket === null) return;
    try {
      await ticket.signal('nobody is there');
      await this.letWait();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // closed: nothing waits
    }
  }

  /** Whatever falls due while the worker is down makes the ticket wait for it, and stops time. So it waits from the start, and is overlooked. */
  private async letWait(): Promise<void> {
    if (this.waiting) return;
    await this.server.overlookOneTask();
    this.waiting = true;
  }

  private async workerUp(): Promise<void> {
    if (this.desk !== null) return;
    const worker = this.spare ?? (await this.hireDesk());
    this.spare = null;
    if (this.waiting) await this.server.heedAllTasks();
    this.waiting = false;
    this.desk = this.run(worker);
  }

  /** Closes the ticket: one that is cut off while it works leaves the server's clock standing still. */
  private async end({ ticket: last, run }: Play): Promise<void> {
    const { ticket } = this;
    if (ticket === null) return;
    const [first] = run.scenario.events;
    const close = first === undefined || last === null || isClosed(last) ? [] : commandsOf({ at: first.at, verb: 'close' }, last);
    for (const { kind, receivedAt: _now, ...fields } of close) {
      const commandId = 'case/end';
      await ticket.executeUpdate(kind, { args: [{ ...fields, commandId }], updateId: commandId }).catch(refusalOf);
    }
    if (last === null) await ticket.terminate('never opened');
    else await ticket.result();
  }

  private activities(): Activities {
    const of = (ticketId: string): Play => {
      if (this.play?.ticketId !== ticketId) throw ApplicationFailure.nonRetryable('played already', 'over');
      return this.play;
    };
    return {
      project: (steps) => {
        for (const step of steps) of(step.ticket.id).tell([step]);
        return Promise.resolve({ stored: steps.at(-1)?.ticket.version ?? 0, conflict: false });
      },
      planSla: (request) => Promise.resolve(of(request.ticketId).plan(request)),
      expandCalendar: (request) => {
        if (this.play === null) throw ApplicationFailure.nonRetryable('nothing is played', 'over');
        return Promise.resolve(this.play.expand(request));
      },
      findAgent: () => Promise.resolve(null),
      giveUp: () => Promise.resolve(nothing),
      deliver: () => Promise.resolve(nothing),
    };
  }

  private queue(kind: Parameters<typeof taskQueue>[0]): string {
    return taskQueue(kind, this.queueSuffix);
  }

  private hireDesk(): Promise<Worker> {
    return this.hire({
      taskQueue: this.queue('core'),
      workflowBundle: this.bundle,
      activities: this.activities(), // for the calls inside a workflow task; the others are the helper's
      enableNonLocalActivities: false,
      // Keeping tickets in memory is four times as fast. But the tasks of one that is kept wait for the very worker that keeps it, for ever.
      maxCachedWorkflows: this.mayLeave ? 0 : 10,
    });
  }

  private hire(options: WorkerOptions): Promise<Worker> {
    return Worker.create({ connection: this.server.connection, shutdownForceTime: '3s', ...options });
  }

  private run(worker: Worker): Running {
    const done = worker.run();
    done.catch(this.fail);
    return { worker, done };
  }
}

/** Null: the ticket is not told of it. */
function messageOf(play: Play, event: ScenarioEvent): Message | null {
  const [command] = commandsOf(event, play.ticket);
  if (command !== undefined) {
    const { kind, ...fields } = command;
    const own = kind === 'open' ? { ticketId: play.ticketId } : {};
    return { name: kind, fields: { ...fields, ...own, receivedAt: play.onServer(command.receivedAt ?? event.at) }, command };
  }
  const envelope = { actor: 'system/case', receivedAt: play.onServer(event.at) };
  if (event.verb === 'cause+') return { name: 'pauseClocks', fields: envelope, command: null };
  if (event.verb === 'cause-') return { name: 'resumeClocks', fields: envelope, command: null };
  const set = play.revisionFor(event);
  return set === null ? null : { name: 'replan', fields: { ...envelope, set }, command: null };
}

/** The code of a refusal; anything else is thrown on. */
function refusalOf(error: unknown): string {
  if (error instanceof WorkflowNotFoundError) return 'ticket.closed'; // the workflow has ended with the ticket
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : null;
  if (!(cause instanceof ApplicationFailure)) throw error;
  return passedOver.includes(cause.type ?? '') ? 'ticket.closed' : (cause.type ?? 'unknown');
}
