/** `npm run demo`: one ticket from the customer's first mail to its end, on a system that runs, with a link for every step. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { demo } from '../db/seed.js';
import type { Person, Running } from './demo-tools.js';
import { Correspondent, DemoError, findRunning, giveKey, personWith, until } from './demo-tools.js';

const Ticket = z.object({
  id: z.string(),
  status: z.string(),
  subject: z.string().nullable().optional(),
  requester: z.string(),
  version: z.number(),
});
type Ticket = z.output<typeof Ticket>;
const TicketPage = z.object({ data: z.array(Ticket) });
const MessagePage = z.object({ data: z.array(z.object({ author: z.object({ kind: z.string() }), body: z.string().nullable() })) });
const HistoryPage = z.object({
  data: z.array(
    z.object({ version: z.number(), at: z.string(), type: z.string(), actor: z.object({ role: z.string() }), summary: z.string() }),
  ),
});
const Anything = z.unknown();

const began = Date.now();
const step = (number: number, text: string): void => console.log(`\n${number}. ${text}   (${((Date.now() - began) / 1000).toFixed(1)} s)`);
const show = (name: string, value: string): void => console.log(`   ${name.padEnd(16)}${value}`);

async function tell(running: Running): Promise<void> {
  const { apiUrl, mailUrl, product, credentials } = running;
  const agent = personWith(apiUrl, credentials.agent);
  const mark = randomBytes(3).toString('hex');
  const customer = new Correspondent(running, `customer-${mark}@example.com`);
  const subject = `Cannot sign in (${mark})`;

  step(1, `A customer writes to support+${product}@usher.localhost`);
  await customer.write(`support+${product}@usher.localhost`, subject, 'The sign-in page says that my account is locked.');
  show('from', customer.address);
  show('subject', subject);

  const ticket = await until('the ticket of that mail', async () => {
    const { data } = await agent.get(`/v1/tickets?product=${product}&sort=-createdAt&limit=25`, TicketPage);
    return data.find((found) => found.subject === subject);
  });
  const path = `/v1/tickets/${ticket.id}`;
  step(2, `It has become ticket ${ticket.id}, and the customer was told so`);
  show('ticket', `${apiUrl}${path}`);
  show('workflow', workflowLink(running, ticket));
  const acknowledgement = await customer.receive('the acknowledgement');
  show('acknowledgement', acknowledgement.link);

  step(3, 'An agent takes it, leaves a note for colleagues, and replies');
  // Not `claim`: the support journey may have given it to somebody by now.
  await agent.post(`${path}/assign`, { agentId: demo.agents[0] }, Anything);
  await agent.post(`${path}/notes`, { body: 'Third lock-out this week: look at the limit.' }, Anything);
  await agent.post(`${path}/messages`, { body: 'I have unlocked your account. Does it work now?', format: 'text' }, Anything);
  const reply = await customer.receive('the reply');
  show('reply', reply.link);
  show('answers go to', reply.replyTo);

  step(4, 'The customer answers that mail');
  const words = `Yes, it works again (${mark}).`;
  await customer.answer(reply, words);
  await until('the answer on the ticket', async () => {
    const { data } = await agent.get(`${path}/messages`, MessagePage);
    return data.find(({ author, body }) => author.kind === 'customer' && body?.includes(words) === true);
  });
  show('messages', `${apiUrl}${path}/messages`);

  step(5, 'The agent resolves it, and the customer is told');
  await agent.post(`${path}/resolve`, {}, Ticket);
  const notice = await customer.receive('the notice');
  show('notice', notice.link);

  step(6, 'The customer answers the notice, which opens it again');
  await customer.answer(notice, 'Now it is locked again.');
  await untilStatus(agent, ticket, 'in_progress');
  show('status', 'in_progress');

  step(7, 'Resolved once more, and closed by the customer');
  await agent.post(`${path}/resolve`, {}, Ticket);
  show('notice', (await customer.receive('the second notice')).link);
  const portal = await giveKey(running, ticket.requester);
  await portal.post(`${path}/close`, {}, Ticket);
  const end = await untilStatus(agent, ticket, 'closed');
  show('status', `${end.status}, version ${end.version}`);

  await history(agent, path);
  console.log('\nTo look at:');
  show('ticket', `curl -s -H 'Authorization: Bearer ${credentials.agent}' ${apiUrl}${path}`);
  show('workflow', workflowLink(running, ticket));
  show('mail', mailUrl);
  console.log(`\nDone in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

const workflowLink = ({ webUiUrl, namespace }: Running, { id }: Ticket): string =>
  `${webUiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(`ticket/${id}`)}`;

const untilStatus = (person: Person, { id }: Ticket, status: string): Promise<Ticket> =>
  until(`${id} to be ${status}`, async () => {
    const found = await person.get(`/v1/tickets/${id}`, Ticket);
    return found.status === status ? found : undefined;
  });

async function history(person: Person, path: string): Promise<void> {
  const { data } = await person.get(`${path}/history?limit=100`, HistoryPage);
  console.log('\nIts history:');
  for (const { version, at, actor, summary } of data)
    console.log(`   ${String(version).padStart(3)}  ${at.slice(11, 19)}  ${actor.role.padEnd(9)} ${summary}`);
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args: [...args], options: { 'state-dir': { type: 'string' } } });
    await tell(await findRunning(values['state-dir'] ?? '.usher'));
    return 0;
  } catch (error) {
    console.error(error instanceof DemoError ? `\n${error.message}` : error);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
