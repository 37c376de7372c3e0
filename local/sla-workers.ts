/** The workers of a stage. That of the tickets goes down and up; those for activities stay, because time stands still while one waits. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import type { WorkerOptions, WorkflowBundleOption } from '@temporalio/worker';
import type {
  DeliveryActivities,
  GiveUpActivities,
  PlanningActivities,
  ProjectionActivities,
  StaffingActivities,
} from '../activities/contract.js';
import { second } from '../domain/time.js';
import { taskQueue } from '../workflows/names.js';
import type { StagedTicket } from './sla-ticket.js';
import type { TimeSkippingServer } from './time-skipping-server.js';

export type TicketActivities = ProjectionActivities & PlanningActivities & StaffingActivities & GiveUpActivities & DeliveryActivities;

interface Running {
  readonly worker: Worker;
  readonly done: Promise<void>;
}

export class Workers implements AsyncDisposable {
  readonly queueSuffix = `-${randomBytes(4).toString('hex')}`;
  /** Rejects with the reason when one fails. */
  readonly failed: Promise<never>;
  private readonly server: TimeSkippingServer;
  private readonly bundle: WorkflowBundleOption;
  private readonly activities: TicketActivities;
  private readonly others: Running[] = [];
  private tickets: Running | null = null;
  private spare: Worker | null = null;
  private mayLeave = false;
  /** While the worker is down a task of the ticket waits for it, and time passes all the same. */
  private waiting = false;
  private fail: (error: unknown) => void = () => undefined;

  private constructor(server: TimeSkippingServer, bundle: WorkflowBundleOption, activities: TicketActivities) {
    this.server = server;
    this.bundle = bundle;
    this.activities = activities;
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failed.catch(() => undefined); // between two scenarios nobody waits for it
  }

  static async hire(server: TimeSkippingServer, bundle: WorkflowBundleOption, activities: TicketActivities): Promise<Workers> {
    const workers = new Workers(server, bundle, activities);
    const { deliver, ...core } = activities;
    workers.others.push(workers.run(await workers.create({ taskQueue: workers.queue('core'), activities: core })));
    workers.others.push(workers.run(await workers.create({ taskQueue: workers.queue('outbound'), activities: { deliver } })));
    return workers;
  }

  get areUp(): boolean {
    return this.tickets !== null;
  }

  /** @param mayLeave it may go down while a ticket is open */
  async begin({ mayLeave }: { mayLeave: boolean }): Promise<void> {
    if (this.areUp && this.mayLeave === mayLeave) return;
    await this.dismiss();
    this.mayLeave = mayLeave;
    this.tickets = this.run(await this.createForTickets());
  }

  async down(ticket: StagedTicket | null): Promise<void> {
    if (!this.areUp) return;
    await this.dismiss();
    this.spare = await this.createForTickets(); // it takes a moment, and is to be at work at the very instant
    if ((await ticket?.nudge()) === true) await this.overlook();
  }

  /** Something fell due or came, and waits: that would stop time. So the ticket has a task from the start of the outage, which is overlooked. */
  async overlook(): Promise<void> {
    if (this.waiting || this.areUp) return;
    await this.server.overlookOneTask();
    this.waiting = true;
  }

  async up(): Promise<void> {
    if (this.areUp) return;
    const worker = this.spare ?? (await this.createForTickets());
    this.spare = null;
    if (this.waiting) await this.server.heedAllTasks();
    this.waiting = false;
    this.tickets = this.run(worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.tickets === null ? this.others : [this.tickets, ...this.others];
    for (const { worker } of running) worker.shutdown();
    // A server that stands still holds them up for half a minute; they end when it has.
    await Promise.race([Promise.allSettled(running.map(({ done }) => done)), pause(5 * second)]);
  }

  private async dismiss(): Promise<void> {
    const { tickets } = this;
    this.tickets = null;
    tickets?.worker.shutdown();
    await tickets?.done;
  }

  private createForTickets(): Promise<Worker> {
    return this.create({
      taskQueue: this.queue('core'),
      workflowBundle: this.bundle,
      activities: this.activities, // for the calls inside a workflow task
      enableNonLocalActivities: false,
      // Keeping tickets in memory is four times as fast; but what comes for one that is kept waits for the very worker that keeps it, for ever.
      maxCachedWorkflows: this.mayLeave ? 0 : 10,
    });
  }

  private create(options: WorkerOptions): Promise<Worker> {
    return Worker.create({ connection: this.server.connection, shutdownForceTime: '3s', ...options });
  }

  private run(worker: Worker): Running {
    const done = worker.run();
    done.catch(this.fail);
    return { worker, done };
  }

  private queue(kind: Parameters<typeof taskQueue>[0]): string {
    return taskQueue(kind, this.queueSuffix);
  }
}
