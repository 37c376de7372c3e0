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
    text: 'The JSON is nested deeper than 32, has an array over 1,000 items, an object over 200 keys (of a template 1,000), or a forbidden key.',
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
  auth_missing: {
    status: 401,
    title: 'Credential missing',
    text: 'Send `Authorization: Bearer <credential>`: an API key, or an access token of an identity provider your tenant trusts.',
  },
  auth_invalid: {
    status: 401,
    title: 'Credential invalid',
    text: 'The key or token is not known, was revoked, is not meant for here, or stands where none may stand, such as in an address.',
  },
  signature_invalid: {
    status: 401,
    title: 'Signature invalid',
    text: 'The callback is not signed, not by a secret that counts here, or not now: its instant may be five minutes off.',
  },
  auth_expired: { status: 401, title: 'Credential expired', text: 'The key or token was valid once. Use its successor.' },
  forbidden: {
    status: 403,
    title: 'Forbidden',
    text: 'Your role does not allow what you asked, or only on what is yours. `permission` names what is missing.',
  },
  reason_required: { status: 403, title: 'Reason required', text: 'This is allowed only with a `reason` of 3 to 500 characters.' },
  requester_excluded: { status: 403, title: 'Requester excluded', text: 'Nobody decides about their own request.' },
  not_eligible: { status: 403, title: 'Not eligible', text: 'You are not among those who may vote here.' },
  not_found: { status: 404, title: 'Not found', text: 'It does not exist, or it is not yours to see.' },
  method_not_allowed: { status: 405, title: 'Method not allowed', text: 'This address answers other methods; see the `Allow` header.' },
  not_acceptable: { status: 406, title: 'Not acceptable', text: 'This address answers in JSON, which `Accept` leaves out.' },
  request_timeout: { status: 408, title: 'Request timeout', text: 'The request did not arrive as a whole in time. Nothing was done.' },
  erased: {
    status: 410,
    title: 'Erased',
    text: 'It was here once. What it said was erased, for a person or because its time was over, and cannot be brought back.',
  },
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
  journey_ended: { status: 409, title: 'Journey ended', text: 'The journey is over; nothing more can be done in it.' },
  journey_paused: { status: 409, title: 'Journey paused', text: 'The journey is paused. Resume it first.' },
  journey_not_paused: { status: 409, title: 'Journey not paused', text: 'Only a paused journey can be resumed.' },
  step_mismatch: { status: 409, title: 'Step not expected', text: 'The step you expect is not open. `openSteps` lists those that are.' },
  step_not_open: { status: 409, title: 'Step not open', text: 'The step, or the one with this outcome, is not open for that now.' },
  ambiguous: {
    status: 409,
    title: 'Ambiguous',
    text: 'Several open steps fit. Name one in `expectStep`; the members list them.',
  },
  nothing_to_advance: { status: 409, title: 'Nothing to advance', text: 'No open step waits for a word of yours.' },
  no_incident: { status: 409, title: 'No incident', text: 'The step is not parked, so there is nothing to repair.' },
  not_skippable: { status: 409, title: 'Not skippable', text: 'The template does not let this step be skipped.' },
  too_many_open_steps: {
    status: 409,
    title: 'Too many open steps',
    text: 'The journey would have more open steps than its template allows.',
  },
  already_voted: { status: 409, title: 'Already voted', text: 'This vote was given in this round already.' },
  approval_closed: { status: 409, title: 'Approval closed', text: 'The vote is over; `outcome` says how it ended.' },
  not_claimed: { status: 409, title: 'Not claimed', text: 'Nobody has claimed this, or somebody else has.' },
  already_claimed: { status: 409, title: 'Already claimed', text: 'Somebody else has claimed this.' },
  'handoff.illegal_move': {
    status: 409,
    title: 'Handoff not movable',
    text: 'A handoff in `state` does not take this `verb`; `allowed` lists those it takes.',
  },
  'handoff.not_ready': {
    status: 409,
    title: 'Vote not open yet',
    text: 'Who may vote is being found out. Try again in a moment.',
    retryAfter: 1,
  },
  already_active: {
    status: 409,
    title: 'Already active',
    text: 'A journey of this template is open for this subject, and the template wants only one.',
  },
  reentry_not_allowed: {
    status: 409,
    title: 'Re-entry not allowed',
    text: 'The subject was in this journey before, and may not enter again, or not yet.',
  },
  max_entries: { status: 409, title: 'Entered too often', text: 'The subject was in this journey as often as the template allows.' },
  audience: {
    status: 409,
    title: 'Not in the audience',
    text: 'The template is not meant for this subject; `guard` says who it is meant for.',
  },
  guard_error: {
    status: 409,
    title: 'Guard without a value',
    text: 'Whether the subject may enter cannot be told: `path` is missing, or of another type than `guard` expects.',
  },
  trigger_disabled: {
    status: 409,
    title: 'Takes no entries',
    text: 'The template is paused, or this version of it is published no longer.',
  },
  duplicate_event: { status: 409, title: 'Duplicate event', text: 'Another event with the same key was here before.' },
  contact_taken: { status: 409, title: 'Contact taken', text: 'Another customer has this e-mail address, phone number or external id.' },
  calendar_taken: { status: 409, title: 'Calendar taken', text: 'Another calendar has this id, or it is built in.' },
  template_taken: { status: 409, title: 'Template taken', text: 'Another template has this key.' },
  nothing_changed: { status: 409, title: 'Nothing changed', text: 'The draft says the same as the newest version, `version`.' },
  still_in_use: {
    status: 409,
    title: 'Still in use',
    text: 'Something relies on it, so it cannot go. A calendar can be retired, a template’s version deprecated instead: then nothing new may use it.',
  },
  preview_stale: {
    status: 409,
    title: 'Preview stale',
    text: 'The token is missing, older than an hour, or of another caller or preview. Preview it again.',
  },
  already_exists: {
    status: 409,
    title: 'Already exists',
    text: 'Another one has the name, address or key at `pointer`, which only one can have.',
  },
  last_admin: {
    status: 409,
    title: 'Last admin',
    text: 'Nobody would be left who may manage the tenant. Make somebody else an admin of all products first.',
  },
  key_ended: { status: 409, title: 'Key ended', text: 'The key is revoked, has expired or was replaced already. Make a new one.' },
  erasure_pending: {
    status: 409,
    title: 'Erasure under way',
    text: 'The erasure is confirmed and runs. It cannot be stopped or taken back.',
  },
  erasure_withdrawn: {
    status: 409,
    title: 'Erasure withdrawn',
    text: 'Somebody took this request back. Ask for the erasure again.',
  },
  endpoint_disabled: {
    status: 409,
    title: 'Endpoint disabled',
    text: 'Nothing is sent to a webhook endpoint that is disabled. Enable it first.',
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
    text: 'A mail template cannot be rendered, or a journey template not run. `errors` names each part that fails and why; of journeys `diagnostics` and `warnings` say more.',
  },
  kind_not_available: {
    status: 422,
    title: 'Kind not available',
    text: 'What the template or the request asks for exists, but this version of Usher cannot do it yet. `errors` says where it stands.',
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
  outcome_required: {
    status: 422,
    title: 'Outcome required',
    text: 'The step can end in several ways. Name one in `outcome`; the members list them.',
  },
  unknown_outcome: { status: 422, title: 'Unknown outcome', text: 'No step knows this outcome. The members list those allowed now.' },
  input_invalid: {
    status: 422,
    title: 'Input invalid',
    text: 'What you send does not fit the input of the template. `errors` names each place and the rule.',
  },
  output_invalid: {
    status: 422,
    title: 'Output invalid',
    text: 'What you send breaks the form of the step. `errors` names each place and the rule.',
  },
  unknown_variable: { status: 422, title: 'Unknown variable', text: 'The template declares no such variable. `errors` names each.' },
  context_invalid: { status: 422, title: 'Context invalid', text: 'A variable cannot hold this value. `errors` names each and the rule.' },
  context_too_large: { status: 422, title: 'Context too large', text: 'The variables of a journey hold at most 16 KiB together.' },
  unknown_step: { status: 422, title: 'Unknown step', text: 'The template of the journey has no such step.' },
  comment_required: { status: 422, title: 'Comment required', text: 'This vote needs a comment.' },
  delegation_invalid: {
    status: 422,
    title: 'Delegation invalid',
    text: 'The delegation would close a circle, make a chain of more than three, or name somebody who may vote already.',
  },
  handoff_invalid: {
    status: 422,
    title: 'Handoff invalid',
    text: 'The handoff cannot be made as it is. `errors` names every place at fault.',
  },
  target_not_allowed: {
    status: 422,
    title: 'Target not allowed',
    text: 'Usher does not go to this address. `errors` names the field and the rule.',
  },
  not_permitted_agent: {
    status: 422,
    title: 'Agent not permitted',
    text: 'The agent does not belong to the ticket’s product or team; `missing` says which.',
  },
  recipient_invalid: { status: 422, title: 'Invalid recipient', text: 'A recipient is not a mail address that can be written to.' },
  capacity: {
    status: 429,
    title: 'No capacity',
    text: 'As many journeys are open as your settings allow. One has to end first.',
    retryAfter: 60,
  },
  rate_limited: { status: 429, title: 'Too many', text: 'Too much at once with this credential. Nothing was done.', retryAfter: 5 },
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
  keys_unavailable: {
    status: 503,
    title: 'Keys unavailable',
    text: 'The identity provider that issued the token cannot be asked for its keys. Nothing was done.',
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
