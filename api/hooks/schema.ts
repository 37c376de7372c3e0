/** The wire shapes of hooks: where others send us signed events. Source: api-surfaces.md, section 3. */
import { z } from 'zod';
import { OneLine } from '../../domain/configuration/schema.js';
import { hookProviders } from '../../domain/webhook/incoming.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

export const HookParams = z.object({ hookId: Uuid });
export const HookQuery = z.strictObject(PageQuery);
export type HookQuery = z.output<typeof HookQuery>;

/** `<tenant>.<name>`; anything else names nothing. */
export const CallbackParams = z.object({ address: z.string().describe('`<tenant>.<name>`, as the hook’s `path` says') });

/** What a signed callback brings; it is looked at once its signature is known to be good. */
export const Callback = z
  .string()
  .meta({ format: 'binary' })
  .describe('a JSON object with the `type` of the event; the bytes are what is signed');

/** What Twilio, Mailgun and SendGrid bring; Twilio signs the address too. */
export const Form = z.string().meta({ format: 'binary' }).describe('a form; the bytes are what is looked at');

export const CreateHook = z
  .strictObject({
    provider: z
      .enum(hookProviders)
      .describe(
        '`standard`: who sends follows Standard Webhooks; `crm`: `usher-timestamp` and, over it and the body, `usher-signature`; `twilio`: what becomes of SMS; `mailgun`, `sendgrid`: mail they received',
      ),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be up to 40 lower-case letters, digits, _ and -')
      .describe('in its address, for ever'),
    description: OneLine(200),
    secret: z
      .exactOptional(
        z
          .string()
          .regex(
            /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$|^(?!whsec_)[!-~]{24,200}$/,
            'must be whsec_ and base64, or 24 to 200 visible characters',
          ),
      )
      .describe('what the other side signs with, where that side made it; left out: one is made'),
  })
  .meta({ id: 'CreateHook' });
export type CreateHook = z.output<typeof CreateHook>;

/** Longest time in which two secrets count. */
const mostOverlapHours = 168;
export const RotateHook = z
  .strictObject({
    overlapHours: z
      .int()
      .min(0)
      .max(mostOverlapHours)
      .default(24)
      .describe('how long the present secret goes on counting beside the new one'),
    secret: CreateHook.shape.secret,
  })
  .meta({ id: 'RotateHookSecret' });
export type RotateHook = z.output<typeof RotateHook>;

const shown = {
  id: Uuid,
  provider: z.enum(hookProviders),
  name: z.string(),
  path: z.string().describe('where the other side posts to, below the address of the API'),
  description: z.string(),
  oldSecretUntil: Moment.nullable().describe('until then the secret before the present one counts too'),
  createdBy: z.string(),
  revision: z.int(),
  createdAt: Moment,
  updatedAt: Moment,
};

export const HookView = z.strictObject(shown).meta({ id: 'Hook' });
export type HookView = z.output<typeof HookView>;
export const HookPage = pageSchema('HookPage', HookView);

export const NewHookView = z
  .strictObject({
    ...shown,
    secret: z.string().nullable().describe('what the other side signs with, shown this once; null in a repeated answer'),
  })
  .meta({ id: 'NewHook' });

export const CallbackReceipt = z.strictObject({ result: z.enum(['accepted', 'duplicate']) }).meta({ id: 'CallbackReceipt' });
export type CallbackReceipt = z.output<typeof CallbackReceipt>;
