/** Why a handoff refuses a command, and the HTTP status of each. A code never changes its meaning. Source: journeys.md, sections 8 and 9; api.md, section 4. */

export const handoffStatus = {
  invalid_request: 400,
  forbidden: 403,
  version_mismatch: 412,
  reason_required: 403,
  journey_paused: 409,
  unknown_outcome: 422,
  /** `state`, `verb` and the verbs `allowed` there. */
  'handoff.illegal_move': 409,
  /** The vote is being prepared; in a moment it is open. */
  'handoff.not_ready': 409,
  no_incident: 409,
  requester_excluded: 403,
  not_eligible: 403,
  already_voted: 409,
  approval_closed: 409,
  comment_required: 422,
  delegation_invalid: 422,
  not_claimed: 409,
  already_claimed: 409,
} as const;
export type HandoffCode = keyof typeof handoffStatus;
