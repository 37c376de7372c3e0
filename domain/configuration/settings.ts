/** What a ticket keeps of its product's settings. */
import type { TicketSettings } from '../ticket/ticket.js';
import type { ProductSettings } from './schema.js';

/** The part of a product's settings that travels with each of its tickets from the moment it opens. */
export const ticketSettings = ({ reopenWindowS, mail }: Pick<ProductSettings, 'reopenWindowS' | 'mail'>): TicketSettings => ({
  reopenWindowS,
  mail: { acknowledgement: mail.acknowledgement, reply: mail.reply, resolved: mail.resolved },
});
