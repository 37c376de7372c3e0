/** What somebody waits for goes before what a clock does by itself. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PlanResult, ProjectionResult } from '../../activities/contract.js';
import { inOrder, Precedence } from '../../activities/precedence.js';
import type { TicketStep } from '../../domain/ticket/step.js';

const turn = (): Promise<void> => new Promise(setImmediate);

// Of a step only its kind counts here.
const step = (kind: TicketStep['kind']): readonly TicketStep[] => [{ kind } as TicketStep];

const of = (workflowId: string) => new MockActivityEnvironment({ workflowExecution: { workflowId, runId: 'run' } });

/** A desk whose projections of commands end when they are told to. */
function aDesk() {
  const done: string[] = [];
  const ends: (() => void)[] = [];
  const desk = inOrder(
    {
      planSla: () => Promise.resolve({ plan: null, windows: null, rematchOn: [], teamCalendar: false } satisfies PlanResult),
      expandCalendar: () => Promise.reject(new Error('not asked')),
      project: async ([first]): Promise<ProjectionResult> => {
        if (first?.kind !== 'sla') await new Promise<void>((resolve) => ends.push(resolve));
        done.push(first?.kind ?? 'nothing');
        return { stored: 1, conflict: false, notices: 'relayed' };
      },
    },
    new Precedence(),
  );
  return {
    done,
    endAll: () => ends.splice(0).forEach((end) => end()),
    project: (workflowId: string, kind: TicketStep['kind']) => of(workflowId).run(desk.project, step(kind)),
    // What is planned does not matter here.
    plan: (workflowId: string) => of(workflowId).run(desk.planSla, {} as never),
  };
}

test('a clock’s record waits for the command that is being recorded, and for one that was planned', async () => {
  const desk = aDesk();
  await desk.plan('ticket/one');
  const clock = desk.project('ticket/two', 'sla');
  await turn();
  expect(desk.done, 'the planned one has not come back yet').toEqual([]);
  const command = desk.project('ticket/one', 'open');
  await turn();
  expect(desk.done).toEqual([]);
  desk.endAll();
  await Promise.all([command, clock]);
  expect(desk.done).toEqual(['open', 'sla']);
});

test('a clock’s record waits until a recorded command is answered', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const desk = aDesk();
  const command = desk.project('ticket/one', 'open');
  const clock = desk.project('ticket/two', 'sla');
  await turn();
  desk.endAll();
  await command;
  await turn();
  expect(desk.done, 'its workflow has not answered yet').toEqual(['open']);
  vi.advanceTimersByTime(10);
  await clock;
  expect(desk.done).toEqual(['open', 'sla']);
});

test('commands do not wait for each other, and a clock’s record not for nothing', async () => {
  const desk = aDesk();
  await desk.project('ticket/one', 'sla');
  const commands = [desk.project('ticket/two', 'open'), desk.project('ticket/three', 'reply')];
  await turn();
  desk.endAll();
  await Promise.all(commands);
  expect(desk.done).toEqual(['sla', 'open', 'reply']);
});

test('however much is asked for, a clock’s record comes after a while', async () => {
  const desk = aDesk();
  const commands = Array.from({ length: 5 }, (_, index) => desk.project(`ticket/${index}`, 'open'));
  await desk.project('ticket/late', 'sla');
  expect(desk.done).toEqual(['sla']);
  desk.endAll();
  await Promise.all(commands);
});

test('a command that never comes back holds nobody up for long', async () => {
  const precedence = new Precedence();
  precedence.begin('ticket/gone');
  for (let more = 0; more < 10; more += 1) await precedence.giveWay();
  let waited = true;
  void precedence.giveWay().then(() => (waited = false));
  await turn();
  expect(waited).toBe(false);
});
