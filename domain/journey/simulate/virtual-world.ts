/** The world of a run on a virtual clock: the rules are asked at once, and nothing takes time but what says so. */
import type { Refused } from '../../decision.js';
import type { HandoffCommand } from '../../handoff/command.js';
import type { HandoffStep } from '../../handoff/ledger.js';
import type { Instant } from '../../time.js';
import type { EntryTemplate } from '../entry/enter.js';
import type { JourneyCommand } from '../run/command.js';
import type { Effect, EffectOf, HandoffReport, Report } from '../run/effect.js';
import type { Doer } from '../run/event.js';
import type { Reaction } from '../run/reduce.js';
import type { JourneyStart } from '../run/state.js';
import { HandoffRun } from './handoff.js';
import { Instance } from './instance.js';
import { isQuestion } from './questions.js';
import { bySystem, World } from './world.js';
import type { Said } from './world.js';

/** Who an answer goes back to. */
type Asker = { readonly instance: Instance; readonly handoff: HandoffRun | null };

const codeOf = (answer: { readonly ok: true } | Refused): Said => (answer.ok ? null : answer.code);

export class VirtualWorld extends World {
  override readonly instances: Instance[] = [];
  override readonly handoffs = new Map<string, HandoffRun>();
  /** Attempts and messages under way, by asker and effect: what takes them back. */
  private readonly underWay = new Map<string, () => void>();

  override begin(template: EntryTemplate, start: JourneyStart, doer: Doer): Promise<void> {
    const number = this.instances.length + 1;
    const { instance, reaction } = Instance.begin({ number, template, start }, doer, this.now);
    this.instances.push(instance);
    this.took(instance, reaction);
    return Promise.resolve();
  }

  // Whoever it is handed is one of its own: a run has one world.
  override report(instance: Instance, said: Report): void {
    this.later(() => this.took(instance, instance.report(said, this.now)));
  }

  override order(instance: Instance, order: JourneyCommand): Promise<Said> {
    const answer = instance.command(order, this.now);
    if (answer.ok) this.took(instance, answer);
    return Promise.resolve(codeOf(answer));
  }

  override orderHandoff(handoff: HandoffRun, order: HandoffCommand): Promise<Said> {
    const answer = handoff.command(order, this.now);
    if (answer.ok) this.tookStep(handoff, answer);
    return Promise.resolve(codeOf(answer));
  }

  override nextAt(): Instant | null {
    const due = [
      this.agenda.next(),
      ...this.instances.map((one) => one.nextDue()),
      ...Array.from(this.handoffs.values(), (one) => one.nextDue()),
    ];
    return due.reduce((least, at) => (at === null || (least !== null && least <= at) ? least : at), null);
  }

  protected override async happen(at: Instant): Promise<void> {
    if (this.agenda.next() === at) {
      await this.agenda.take()?.();
      return;
    }
    const handoff = Array.from(this.handoffs.values()).find((one) => one.nextDue() === at);
    if (handoff !== undefined) return this.tookStep(handoff, handoff.wake(this.now));
    const instance = this.instances.find((one) => one.nextDue() === at);
    if (instance !== undefined) this.took(instance, instance.wake(this.now));
  }

  override rolesChanged(): void {
    for (const instance of this.instances) if (!instance.isOver()) this.report(instance, { kind: 'directory' });
    for (const handoff of this.handoffs.values()) this.later(() => this.tookStep(handoff, handoff.tell({ kind: 'directory' }, this.now)));
  }

  /** Works in what came of something. */
  private took(instance: Instance, { events, effects }: Pick<Reaction, 'events' | 'effects'>): void {
    this.told(instance, events);
    for (const effect of effects) this.carryOut(effect, { instance, handoff: null });
    if (instance.isOver()) this.later(() => this.callOff(instance));
  }

  /** What was handed over ends with its journey. */
  private callOff(instance: Instance): void {
    for (const handoff of this.handoffs.values()) {
      if (handoff.instance === instance) this.tookStep(handoff, handoff.tell({ kind: 'cancel' }, this.now));
    }
  }

  private tookStep(handoff: HandoffRun, { events, effects, reports }: HandoffStep): void {
    const { instance, start } = handoff;
    this.toldOfHandoff(instance, start, events);
    for (const effect of effects) this.carryOut(effect, { instance, handoff });
    for (const one of reports) this.later(() => this.hear(handoff, one));
  }

  private hear({ instance }: HandoffRun, one: HandoffReport): void {
    this.took(instance, instance.report({ kind: 'handoff', report: one }, this.now));
  }

  private answer({ instance, handoff }: Asker, said: Report): void {
    this.later(() => {
      // Whoever is over hears nothing any more.
      if (instance.isOver() && handoff === null) return;
      if (handoff === null) this.took(instance, instance.report(said, this.now));
      else this.tookStep(handoff, handoff.report(said, this.now));
    });
  }

  private carryOut(effect: Effect, asker: Asker): void {
    const { instance } = asker;
    if (isQuestion(effect)) {
      this.later(() => this.answer(asker, this.questions.answer(effect, instance)));
      return;
    }
    switch (effect.kind) {
      case 'action':
        return this.later(() => this.attempt(effect, asker));
      case 'dropAction':
        return this.later(() => this.drop(`${ownerOf(asker)}/${effect.action}`));
      case 'touchpoint':
        return this.later(() => this.touch(effect, asker));
      case 'openHandoff':
        return this.later(() => this.openHandoff(effect, instance));
      case 'tellHandoff':
        return this.later(() => {
          const handoff = this.handoffs.get(effect.handoff);
          if (handoff !== undefined) this.tookStep(handoff, handoff.tell(effect.word, this.now));
        });
      case 'openChild':
        return this.later(() => this.doors.enterChild(instance, effect));
      case 'cancelChild':
        return this.later(() => this.cancelChild(effect.journey));
      case 'ticketCause':
        return undefined; // there is no ticket in a run
    }
  }

  private attempt(effect: EffectOf<'action'>, asker: Asker): void {
    const { afterMs, said, isKept, late } = this.attempted(effect, asker.instance);
    this.await(`${ownerOf(asker)}/${effect.id}`, afterMs, () => this.answer(asker, said()), isKept);
    if (late !== null) this.agenda.add(this.now + late.afterMs, () => this.answer(asker, late.said()));
  }

  /** @param isKept when it is taken back meanwhile, what comes of it is told all the same */
  private await(key: string, ms: number, work: () => void, isKept = false): void {
    const over = (): void => {
      this.underWay.delete(key);
      work();
    };
    if (ms <= 0) return over();
    const takeBack = this.agenda.add(this.now + ms, over);
    if (!isKept) this.underWay.set(key, takeBack);
  }

  private drop(key: string): void {
    this.underWay.get(key)?.();
    this.underWay.delete(key);
  }

  /** One message to the subject, when the quiet hours are over. */
  private touch(effect: EffectOf<'touchpoint'>, asker: Asker): void {
    const due = this.now;
    const send = (): void => {
      const outcome = this.touched(effect, asker.instance, due);
      this.answer(asker, { kind: 'done', effect: effect.id, output: {}, outcome });
    };
    this.await(`${ownerOf(asker)}/${effect.id}`, (effect.notBefore ?? due) - due, send);
  }

  private openHandoff({ start }: EffectOf<'openHandoff'>, instance: Instance): void {
    const { handoff, step } = HandoffRun.open(instance, start, this.now);
    this.handoffs.set(handoff.id, handoff);
    this.tookStep(handoff, step);
  }

  private cancelChild(journey: string): void {
    const child = this.instances.find(({ id }) => id === journey);
    if (child === undefined) return;
    const commandId = this.name('cancel');
    const answer = child.command({ kind: 'cancel', commandId, ...bySystem, cause: 'cancelled' }, this.now);
    if (answer.ok) this.took(child, answer);
  }
}

const ownerOf = ({ instance, handoff }: Asker): string => (handoff === null ? instance.id : handoff.id);
