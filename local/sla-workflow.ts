/**
 * Plays scenarios of a case file on the real ticket workflow, under Temporal's time-skipping server: one request on standard input, one answer
 * on standard output. Only what the activities would ask of a database is answered from the scenario.
 */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import proto from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Activities, ExpandRequest, PlanRequest } from '../activities/contract.js';
import { ticketIdFrom } from '../domain/ids.js';
import type { TicketId } from '../domain/ids.js';
import { alwaysOpenCalendar, expand } from '../domain/sla/calendar.js';
import type { Calendar } from '../domain/sla/calendar.js';
import type { Clock } from '../domain/sla/clock.js';
import { wholeSecond } from '../domain/sla/clock.js';
import { neededMs } from '../domain/sla/ledger.js';
import { commandsOf, planOf, targetsOf, viewOf } from '../domain/sla/play.js';
import { alwaysOpen } from '../domain/sla/policy.js';
import type { SlaPlan } from '../domain/sla/policy.js';
import type { ClockView, PlayAnswer, PlayRequest, RecordedTrace, RefusedEvent, ScenarioEvent } from '../domain/sla/scenario.js';
import type { Windows } from '../domain/sla/windows.js';
import type { TicketStep } from '../domain/ticket/step.js';
import { day, second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { workflowBundle } from '../worker/bundle.js';
import { ticketStartOptions, taskQueue } from '../workflows/names.js';
import { updates } from '../workflows/ticket/messages.js';
import { acquireTimeSkippingServer } from './time-skipping.js';

type Run = PlayRequest['runs'][number];

/** Nobody is told of anything. */
const nothing = { sent: 0, failed: 0, unknown: 0, suppressed: 0 } as const;

const queueSuffix = `-${randomBytes(4).toString('hex')}`;
const zoneData = process.versions['tz'] ?? '';

/** One scenario on the stage: its ticket, and what its activities answer and are told. */
class Play {
  readonly ticketId: TicketId = ticketIdFrom(randomBytes(5));
  readonly steps: TicketStep[] = [];
  readonly refused: RefusedEvent[] = [];
  /** Scenario time less the server's. */
  offsetMs = 0;
  /** Plans by the revision of the policy set that brings them; null: no policy. */
  private readonly plans: (SlaPlan | null)[] = [];
  private present: SlaPlan;
  readonly run: Run;

  constructor(run: Run) {
    this.run = run;
    this.present = planOf(run.scenario);
    this.plans.push(this.present);
  }

  /** The revision that brings what an event changes about the policy; null: nothing. */
  revisionFor(event: ScenarioEvent): number | null {
    switch (event.verb) {
      case 'target':
        this.present = { ...this.present, targets: targetsOf(event.targets) };
        return this.plans.push(this.present);
      case 'calendar':
        this.present = { ...this.present, calendar: { id: event.calendar, revision: 1 } };
        return this.plans.push(this.present);
      case 'no_policy':
        return this.plans.push(null);
      case 'policy_again':
        return this.plans.push(this.present);
      default:
        return null;
    }
  }

  plan({ set, from, now }: PlanRequest): Awaited<ReturnType<Activities['planSla']>> {
    const plan = this.plans[set - 1] ?? null;
    if (plan === null) return { plan, windows: null, rematchOn: [], teamCalendar: false };
    const reach = { from, until: now + 35 * day, needMs: neededMs(plan), needFrom: now };
    return { plan: { ...plan, set }, windows: this.expand({ calendar: plan.calendar, ...reach }), rematchOn: [], teamCalendar: false };
  }

  expand({ calendar, from, until, needMs, needFrom }: Omit<ExpandRequest, 'tenant'>): Windows {
    const by = this.offsetMs;
    const found = calendar.id === alwaysOpen ? alwaysOpenCalendar : this.run.calendars[calendar.id];
    if (found === undefined) throw ApplicationFailure.nonRetryable(`no calendar ${calendar.id}`, 'sla.unknown_revision');
    const reach = { from: from + by, until: until + by, zoneData };
    const windows = expandOr(found, calendar, { ...reach, needMs, needFrom: needFrom + by });
    return {
      ...windows,
      from: windows.from - by,
      until: windows.until - by,
      windows: windows.windows.map(([open, close]) => [open - by, close - by] as const),
    };
  }

  trace(): RecordedTrace {
    const { looks } = this.run;
    const rungs = this.steps.flatMap((step) => step.sla?.rungs ?? []);
    return {
      clocks: looks.at.map((at) => ({ at, clocks: this.clocksAt(at) })),
      rungs: looks.rungs.map(({ clock, rung }) => {
        const fired = rungs.find((one) => one.clock === clock && one.rung === rung);
        return { clock, rung, firedAt: fired === undefined ? null : wholeSecond(fired.firedAt + this.offsetMs) };
      }),
      refused: this.refused,
    };
  }

  private clocksAt(at: Instant): ClockView[] {
    const by = this.offsetMs;
    const clocks = new Map<string, Clock>();
    for (const step of this.steps) if (isVisible(step, at - by)) for (const clock of step.sla?.clocks ?? []) clocks.set(clock.clock, clock);
    return [...clocks.values()].map((clock) => {
      const until = Math.max(at - by, clock.since) + day;
      const windows = this.expand({ calendar: clock.calendar, from: clock.since, until, needMs: 0, needFrom: clock.since });
      const view = viewOf(clock, windows, at - by);
      const shifted = (instant: Instant | null): Instant | null => (instant === null ? null : instant + by);
      return { ...view, dueAt: shifted(view.dueAt), breachedAt: shifted(view.breachedAt), fulfilledAt: shifted(view.fulfilledAt) };
    });
  }
}

/** A server's clock never stands quite still: what happens at an instant is worked in a moment after it. What is due at it comes later. */
function isVisible({ kind, at, sla }: TicketStep, look: Instant): boolean {
  if (wholeSecond(at) > look) return false;
  const dues = [
    ...(sla?.rungs ?? []).map(({ dueAt }) => dueAt),
    ...(sla?.clocks ?? []).flatMap(({ breach }) => (breach?.cause === 'deadline' ? breach.at : [])),
  ];
  return kind !== 'sla' || dues.every((due) => due < look);
}

function expandOr(calendar: Calendar, ref: Windows['calendar'], reach: Parameters<typeof expand>[2]): Windows {
  const windows = expand(calendar, ref, reach);
  if (windows !== 'horizon') return windows;
  const all = expand(calendar, ref, { from: reach.from, until: reach.from + 5 * 365 * day, zoneData });
  if (all === 'horizon') throw new Error('an expansion that needs nothing always ends');
  return all;
}

/** The server, the worker, and the scenario that is on. */
class Stage {
  private worker: { readonly shutdown: () => void; readonly done: Promise<void> } | null = null;
  private readonly env: TestWorkflowEnvironment;
  private readonly bundle: Awaited<ReturnType<typeof workflowBundle>>;
  private readonly plays = new Map<string, Play>();

  constructor(env: TestWorkflowEnvironment, bundle: Awaited<ReturnType<typeof workflowBundle>>) {
    this.env = env;
    this.bundle = bundle;
  }

  async workerUp(): Promise<void> {
    if (this.worker !== null) return;
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: taskQueue('core', queueSuffix),
      workflowBundle: this.bundle,
      activities: this.activities(),
      stickyQueueScheduleToStartTimeout: '1s',
    });
    // Time does not pass on this server while a delivery waits for somebody to take it.
    const deliver: Activities['deliver'] = () => Promise.resolve(nothing);
    const outbound = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: taskQueue('outbound', queueSuffix),
      activities: { deliver },
    });
    const done = Promise.all([worker.run(), outbound.run()]).then(() => undefined);
    this.worker = { shutdown: () => [worker, outbound].forEach((one) => one.shutdown()), done };
  }

  async workerDown(): Promise<void> {
    const { worker } = this;
    this.worker = null;
    worker?.shutdown();
    await worker?.done;
  }

  async play(run: Run): Promise<RecordedTrace> {
    const play = new Play(run);
    this.plays.set(play.ticketId, play);
    const [first] = run.scenario.events;
    const begin = wholeSecond(await this.env.currentTimeMs()) + 2 * second;
    play.offsetMs = (first?.at ?? begin) - begin;
    const sent: Promise<void>[] = [];
    let handle: WorkflowHandle | null = null;
    for (const [index, event] of run.scenario.events.entries()) {
      await this.passTo(event.at - play.offsetMs);
      if (event.verb === 'worker_down') await this.workerDown();
      else if (event.verb === 'worker_up') await this.workerBack(sent);
      else {
        handle ??= this.env.client.workflow.getHandle(`ticket/${play.ticketId}`);
        const done = this.send(play, handle, { event, index });
        // While the worker is down nobody answers; the order in which they were sent is kept by the server.
        if (this.worker === null) sent.push(done);
        else await done;
      }
    }
    await this.workerBack(sent);
    await this.passTo(run.looks.until - play.offsetMs);
    await handle?.terminate('played').catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // it is over already
    });
    this.plays.delete(play.ticketId);
    return play.trace();
  }

  private async workerBack(sent: Promise<void>[]): Promise<void> {
    await this.workerUp();
    await Promise.all(sent.splice(0));
  }

  private async passTo(target: Instant): Promise<void> {
    const left = target - (await this.env.currentTimeMs());
    if (left > 0) await this.env.sleep(left);
  }

  private async send(play: Play, handle: WorkflowHandle, { event, index }: { event: ScenarioEvent; index: number }): Promise<void> {
    const shift = -play.offsetMs;
    try {
      for (const command of commandsOf(event, play.steps.at(-1)?.ticket ?? null)) {
        const { kind, ...fields } = command;
        const commandId = `case/${index}`;
        const args = { ...fields, commandId, receivedAt: (command.receivedAt ?? event.at) + shift };
        if (command.kind === 'open') await this.open(play, args);
        else await handle.executeUpdate(kind, { args: [args], updateId: commandId });
      }
      await this.sendClockVerb(play, handle, { event, index });
    } catch (error) {
      const cause = error instanceof WorkflowUpdateFailedError ? error.cause : null;
      if (!(cause instanceof ApplicationFailure)) throw error;
      play.refused.push({ event: index, code: cause.type ?? 'unknown' });
    }
  }

  /** What an operator or another part of the desk says, which no verb of the ticket covers. */
  private async sendClockVerb(
    play: Play,
    handle: WorkflowHandle,
    { event, index }: { event: ScenarioEvent; index: number },
  ): Promise<void> {
    const envelope = { commandId: `case/${index}`, actor: 'system/case', receivedAt: event.at - play.offsetMs };
    const set = play.revisionFor(event);
    if (set !== null) await handle.executeUpdate('replan', { args: [{ ...envelope, set }], updateId: envelope.commandId });
    if (event.verb === 'cause+' || event.verb === 'cause-') {
      if (event.cause !== 'manual') throw new Error(`the cause ${event.cause} has no command of its own`);
      const verb = event.verb === 'cause+' ? 'pauseClocks' : 'resumeClocks';
      await handle.executeUpdate(verb, { args: [envelope], updateId: envelope.commandId });
    }
    if (event.verb === 'call') throw new Error('calls have no command of their own');
  }

  private async open(play: Play, args: object): Promise<void> {
    const { ticketId } = play;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- commandsOf made the fields of `open`
    const open = { ...args, ticketId } as Parameters<typeof ticketStartOptions>[0] & { commandId: string; actor: string };
    const { typedSearchAttributes: _notOnThisServer, ...start } = ticketStartOptions({
      ...open,
      ticketId,
      queueSuffix,
      continueAfter: 1000,
    });
    await this.env.client.workflow.executeUpdateWithStart(updates.open.name, {
      args: [open],
      updateId: open.commandId,
      startWorkflowOperation: new WithStartWorkflowOperation('ticketWorkflow', start),
    });
  }

  private activities(): Omit<Activities, 'deliver'> {
    const of = (ticketId: string): Play => {
      const play = this.plays.get(ticketId);
      if (play === undefined) throw ApplicationFailure.nonRetryable('played already', 'over');
      return play;
    };
    return {
      project: (steps) => {
        const stored = steps.at(-1)?.ticket.version ?? 0;
        for (const step of steps) of(step.ticket.id).steps.push(step);
        return Promise.resolve({ stored, conflict: false });
      },
      planSla: (request) => Promise.resolve(of(request.ticketId).plan(request)),
      expandCalendar: (request) => Promise.resolve([...this.plays.values()].at(-1)?.expand(request) ?? never()),
      findAgent: () => Promise.resolve(null),
      giveUp: () => Promise.resolve(nothing),
    };
  }
}

function never(): never {
  throw ApplicationFailure.nonRetryable('nothing is played', 'over');
}

/** The attributes a ticket shows: the server refuses what it does not know. */
async function addAttributes(env: TestWorkflowEnvironment): Promise<void> {
  const {
    INDEXED_VALUE_TYPE_KEYWORD: keyword,
    INDEXED_VALUE_TYPE_INT: int,
    INDEXED_VALUE_TYPE_DATETIME: datetime,
  } = proto.temporal.api.enums.v1.IndexedValueType;
  const keywords = Object.fromEntries(['Tenant', 'Product', 'Priority', 'Status', 'SlaState', 'Stage'].map((name) => [name, keyword]));
  const searchAttributes = { ...keywords, EscalationLevel: int, DueAt: datetime };
  await env.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
}

async function main(): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the command line of the same checkout
  const request = JSON.parse(await text(process.stdin)) as PlayRequest;
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const path = await acquireTimeSkippingServer((line) => void process.stderr.write(`${line}\n`));
  const env = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
  const traces: PlayAnswer['traces'][number][] = [];
  try {
    await addAttributes(env);
    const stage = new Stage(env, await workflowBundle(new DefaultLogger('ERROR')));
    for (const [place, run] of request.runs.entries()) {
      process.stderr.write(`${place + 1}/${request.runs.length} ${run.scenario.id}\n`);
      await stage.workerUp();
      traces.push(
        await stage.play(run).then(
          (trace) => ({ ok: true, trace }) as const,
          (error: unknown) => ({ ok: false, error: error instanceof Error ? error.message : String(error) }) as const,
        ),
      );
    }
    await stage.workerDown();
  } finally {
    await env.teardown();
  }
  const answer: PlayAnswer = { schema: 1, traces };
  await new Promise((done) => process.stdout.write(JSON.stringify(answer), done));
}

await main();
