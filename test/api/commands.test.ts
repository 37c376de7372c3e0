/** What the client's errors mean; the client here only throws them. */
import type { Client } from '@temporalio/client';
import { ServiceError, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/common';
import { expect, test } from 'vitest';
import { CommandLost, CommandRefused, createCommands } from '../../api/commands.js';
import { openTemporal } from '../../api/connect.js';
import { asTicketId } from '../../domain/ids.js';

const id = asTicketId('TKT-00000001');
const args = { commandId: 'c', actor: 'user/x' };
const settings = { queueSuffix: '', continueAfter: 1000 };

/** A gRPC error as the client passes it on. */
const status = (code: number, details: string): ServiceError =>
  new ServiceError('failed', { cause: Object.assign(new Error(details), { code, details, metadata: {} }) });

/** Answers each call with the next error, then with `ok`. */
function failing(...errors: Error[]) {
  const calls = { count: 0 };
  const executeUpdate = () => {
    const error = errors[calls.count];
    calls.count += 1;
    return error === undefined ? Promise.resolve('ok') : Promise.reject(error);
  };
  const client = {
    withDeadline: (_at: number, call: () => Promise<unknown>) => call(),
    workflow: { getHandle: () => ({ executeUpdate }) },
  };
  // Only what a send uses.
  return { calls, commands: createCommands(client as unknown as Client, settings) };
}

const send = (commands: ReturnType<typeof createCommands>) => commands.send(id, 'start', args, Date.now() + 5_000);
const always = (error: Error): Error[] => Array.from({ length: 50 }, () => error);

test.each([
  ['a missing workflow', new WorkflowNotFoundError('x', 'ticket/x', undefined), 'gone'],
  ['a closed run', new WorkflowExecutionAlreadyStartedError('x', 'ticket/x', 'ticketWorkflow'), 'over'],
  [
    'a deadline while the Update was under way',
    new WorkflowUpdateRPCTimeoutOrCancelledError('x', { cause: status(4, 'Deadline exceeded after 5s,remote_addr=x') }),
    'unconfirmed',
  ],
  [
    'a deadline without a connection',
    new WorkflowUpdateRPCTimeoutOrCancelledError('x', { cause: status(4, 'Deadline exceeded after 5s,Waiting for LB pick') }),
    'unavailable',
  ],
  ['too many Updates', status(9, 'limit'), 'busy'],
] as const)('%s', async (_name, error, kind) => {
  await expect(send(failing(...always(error)).commands)).rejects.toMatchObject({ name: 'CommandLost', kind });
});

test('a refusal is passed on with its members', async () => {
  const cause = ApplicationFailure.create({ type: 'ticket.illegal_move', details: [{ from: 'new' }] });
  const refused = send(failing(new WorkflowUpdateFailedError('x', cause)).commands);
  await expect(refused).rejects.toBeInstanceOf(CommandRefused);
  await expect(refused).rejects.toMatchObject({ code: 'ticket.illegal_move', members: { from: 'new' } });
});

test('a short outage is waited out', async () => {
  const away = status(14, 'No connection established');
  const { commands, calls } = failing(away, away, status(8, 'busy'));
  expect(await send(commands)).toBe('ok');
  expect(calls.count).toBe(4);
});

test('a long one is not: nothing was sent', async () => {
  const { commands } = failing(...always(status(14, 'No connection established. Last error: ECONNREFUSED')));
  await expect(send(commands)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('once a connection broke under the command, nobody may say that nothing was sent', async () => {
  const { commands } = failing(status(14, 'read ECONNRESET'), ...always(status(14, 'No connection established')));
  await expect(send(commands)).rejects.toMatchObject({ kind: 'unconfirmed' });
});

test('an error of ours stays one', async () => {
  await expect(send(failing(new TypeError('bug')).commands)).rejects.toBeInstanceOf(TypeError);
});

test('no server: every call says so in time', async () => {
  await using temporal = openTemporal({ address: '127.0.0.1:1', namespace: 'usher', apiKey: undefined, tls: false });
  const commands = createCommands(temporal.client, settings);
  const began = Date.now();
  await expect(send(commands)).rejects.toBeInstanceOf(CommandLost);
  await expect(send(commands)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(Date.now() - began).toBeLessThan(25_000);
});
