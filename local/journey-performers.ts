/** Journeys and handoffs that live in workflows, as their records tell of them. */
import type { EntryTemplate } from '../domain/journey/entry/enter.js';
import type { JourneyStart } from '../domain/journey/run/state.js';
import { Performer } from '../domain/journey/simulate/performer.js';
import type { PerformedHandoff } from '../domain/journey/simulate/performer.js';
import type { Standing } from '../domain/journey/simulate/run.js';
import type { HandoffRecord, HandoffView, JourneyRecord, JourneyView } from '../domain/journey/run/record.js';

export class StagedJourney extends Performer {
  private last: JourneyView;

  constructor(number: number, template: EntryTemplate, start: JourneyStart) {
    super(number, template, start);
    this.last = unrecorded(start);
  }

  /** @returns the events that are new: a record may come twice */
  take({ view, visits, gates, events }: JourneyRecord): JourneyRecord['events'] {
    const { version: known } = this.last;
    this.last = view;
    this.keep(visits, gates);
    return events.filter(({ seq }) => seq > known);
  }

  override view(): JourneyView {
    return this.last;
  }

  override isOver(): boolean {
    return this.last.endedAt !== null;
  }
}

/** Before its first record nobody knows more than that somebody entered. */
const unrecorded = (start: JourneyStart): JourneyView => ({
  start,
  status: 'active',
  result: null,
  outcome: null,
  stage: null,
  progress: 0,
  currentStep: null,
  openSteps: [],
  context: {},
  dueAt: null,
  deadline: null,
  awaitsApproval: false,
  version: 0,
  lastActivity: start.startedAt,
  endedAt: null,
});

export class StagedHandoff implements PerformedHandoff {
  readonly instance: StagedJourney;
  private last: HandoffRecord;

  constructor(instance: StagedJourney, first: HandoffRecord) {
    this.instance = instance;
    this.last = { ...first, view: { ...first.view, version: 0 } };
  }

  /** @returns the events that are new */
  take(record: HandoffRecord): HandoffRecord['events'] {
    const { view, gate } = this.last;
    this.last = { ...record, gate: record.gate ?? gate };
    return record.events.filter(({ seq }) => seq > view.version);
  }

  /** More attempts have begun than were recorded. */
  tried(attempts: number): void {
    this.last = { ...this.last, view: { ...this.last.view, attempts } };
  }

  view(): HandoffView {
    return this.last.view;
  }

  gates(): Standing['gates'] {
    const { gate, view } = this.last;
    return gate === null ? [] : [{ step: view.step, visit: view.visit, gate }];
  }
}
