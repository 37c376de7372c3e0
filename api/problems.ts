/** Every problem a caller can meet: its status and what it means. A code never changes either. Source: api.md, section 4. */

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number;
}

export const problems = {
  malformed_json: { status: 400, title: 'Malformed JSON', text: 'The body is not one well-formed JSON value in UTF-8.' },
  invalid_request: {
    status: 400,
    title: 'Invalid request',
    text: 'One or more fields have the wrong form. `errors` names each with a JSON pointer; the code `unknown_field` marks a field that does not exist.',
  },
  unknown_parameter: {
    status: 400,
    title: 'Unknown parameter',
    text: 'A query parameter, filter, include or sort order does not exist here, or its value has the wrong form.',
  },
  product_required: {
    status: 400,
    title: 'Product required',
    text: 'Lists of product-scoped things need `product=`: one key, several by comma, or `*` for all of yours.',
  },
  too_deep: {
    status: 400,
    title: 'Too deep',
    text: 'The JSON is nested deeper than 32, has an array over 1,000 items, an object over 200 keys, or a forbidden key.',
  },
  cursor_invalid: {
    status: 400,
    title: 'Invalid cursor',
    text: 'The cursor is damaged, or belongs to another caller, filter or sort order. Start again from the first page.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'Invalid Idempotency-Key',
    text: 'An Idempotency-Key has 1 to 255 visible ASCII characters.',
  },
  auth_missing: { status: 401, title: 'Credential missing', text: 'Send `Authorization: Bearer <key>`.' },
  auth_invalid: {
    status: 401,
    title: 'Credential invalid',
    text: 'The key is not known, was revoked, or stands where no key may stand, such as in an address.',
  },
  auth_expired: { status: 401, title: 'Credential expired', text: 'The key was valid once. Use its successor.' },
  forbidden: {
    status: 403,
    title: 'Forbidden',
    text: 'You may see this, but your role does not allow what you asked, or only on tickets assigned to you. `permission` names what is missing.',
  },
  reason_required: { status: 403, title: 'Reason required', text: 'This is allowed only with a `reason` of 3 to 500 characters.' },
  not_found: { status: 404, title: 'Not found', text: 'It does not exist, or it is not yours to see.' },
  method_not_allowed: { status: 405, title: 'Method not allowed', text: 'This address answers other methods; see the `Allow` header.' },
  not_acceptable: { status: 406, title: 'Not acceptable', text: 'This address answers in JSON, which `Accept` leaves out.' },
  request_timeout: { status: 408, title: 'Request timeout', text: 'The request did not arrive as a whole in time. Nothing was done.' },
  too_large: { status: 413, title: 'Too large', text: 'The body is larger than `limit` bytes.' },
  media_type: { status: 415, title: 'Unsupported media type', text: 'The body has a media type that is not accepted here.' },
  headers_too_large: { status: 431, title: 'Headers too large', text: 'The request headers are larger than 16 KiB together.' },
  'ticket.illegal_move': {
    status: 409,
    title: 'Illegal move',
    text: 'A ticket cannot go `from` this status `to` that one; `allowed` lists where it can go.',
  },
  'ticket.closed': {
    status: 409,
    title: 'Ticket closed',
    text: 'The ticket is closed for good. `followUp` names the ticket that continues it, when there is one.',
  },
  'ticket.not_closed': { status: 409, title: 'Ticket not closed', text: 'Only closed tickets can be removed and restored.' },
  'ticket.restore_expired': { status: 409, title: 'Restore expired', text: 'A removed ticket can be restored for 30 days.' },
  'escalation.not_found': { status: 404, title: 'Escalation not found', text: 'The ticket has no escalation of this number.' },
  'escalation.illegal_move': {
    status: 409,
    title: 'Escalation not movable',
    text: 'The escalation cannot go there from its status; see from, to and allowed.',
  },
  'sla.unknown_clock': { status: 404, title: 'Clock not found', text: 'The ticket has no such clock, or it is over.' },
  'ticket.stale_reply': {
    status: 409,
    title: 'Stale reply',
    text: 'A newer public message exists (`last`) than the reply was based on. Read it, or send `force`.',
  },
  'ticket.already_assigned': { status: 409, title: 'Already assigned', text: 'Another agent (`assignee`) has the ticket.' },
  contact_taken: { status: 409, title: 'Contact taken', text: 'Another customer has this e-mail address, phone number or external id.' },
  calendar_taken: { status: 409, title: 'Calendar taken', text: 'Another calendar has this id, or it is built in.' },
  still_in_use: {
    status: 409,
    title: 'Still in use',
    text: 'Something relies on it, so it cannot go. A calendar can be retired instead: then nothing new may use it.',
  },
  idempotency_in_flight: {
    status: 409,
    title: 'Still running',
    text: 'The first request with this Idempotency-Key has not ended yet.',
    retryAfter: 1,
  },
  version_mismatch: {
    status: 412,
    title: 'Version mismatch',
    text: 'It has changed since you read it. `current` is its version or revision now.',
  },
  version_required: { status: 428, title: 'Version required', text: 'Configuration changes need `If-Match` with the revision you read.' },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key reused',
    text: 'This key was used for a request with another body or query.',
  },
  unknown_reference: {
    status: 422,
    title: 'Unknown reference',
    text: 'An id or key in the body names nothing you can use. `pointer` says where.',
  },
  template_invalid: {
    status: 422,
    title: 'Template invalid',
    text: 'A mail template cannot be rendered. `errors` names each part that fails and why.',
  },
  calendar_invalid: {
    status: 422,
    title: 'Calendar invalid',
    text: 'The calendar cannot work, or would not as it was meant. `errors` names each field and the rule it breaks.',
  },
  policy_invalid: {
    status: 422,
    title: 'Policy invalid',
    text: 'Some policy would be left unarmed or reach nobody. `errors` names each field and the rule it breaks; nothing was published.',
  },
  sla_horizon_exceeded: {
    status: 422,
    title: 'Beyond the horizon',
    text: 'A target lies more than five years of its calendar away. `errors` names each.',
  },
  not_permitted_agent: {
    status: 422,
    title: 'Agent not permitted',
    text: 'The agent does not belong to the ticket’s product or team; `missing` says which.',
  },
  recipient_invalid: { status: 422, title: 'Invalid recipient', text: 'A recipient is not a mail address that can be written to.' },
  engine_busy: { status: 429, title: 'Engine busy', text: 'Too many commands at once. Nothing was done.', retryAfter: 1 },
  internal: { status: 500, title: 'Internal error', text: 'A fault of ours. The request id finds it in our log.' },
  engine_unavailable: {
    status: 503,
    title: 'Engine unavailable',
    text: 'The workflow engine cannot be reached. Nothing was done.',
    retryAfter: 2,
  },
  database_unavailable: {
    status: 503,
    title: 'Database unavailable',
    text: 'The database cannot be reached. Nothing was done.',
    retryAfter: 2,
  },
  command_unconfirmed: {
    status: 503,
    title: 'Command unconfirmed',
    text: 'The command was sent but not confirmed in time. Repeat it with the Idempotency-Key in `idempotencyKey`: that is safe.',
    retryAfter: 2,
  },
} as const satisfies Readonly<Record<string, ProblemKind>>;

export type ProblemCode = keyof typeof problems;

export const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(problems, code);

export const problemKind = (code: ProblemCode): ProblemKind => problems[code];
