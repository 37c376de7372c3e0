/** Opens a ticket, reads it, and answers it. */
import { done } from '../usher.js';
import type { Ticket, Usher } from '../usher.js';

export async function openAndReply(usher: Usher): Promise<Ticket> {
  const ticket = await done(
    usher.POST('/v1/tickets', {
      body: {
        product: 'demo',
        subject: 'Invoice 4711',
        description: 'The amount is wrong.',
        channel: 'web',
        requester: { email: 'customer@example.com' },
      },
    }),
  );
  const path = { ticketId: ticket.id };
  await done(usher.POST('/v1/tickets/{ticketId}/messages', { params: { path }, body: { body: 'We are looking into it.' } }));
  return done(usher.GET('/v1/tickets/{ticketId}', { params: { path } }));
}
