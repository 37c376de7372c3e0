import { ApplicationFailure } from '@temporalio/workflow';
import type { Members } from '../../domain/decision.js';

/** A refusal as callers read it by code and members, and operators, in the form of the Web UI, by its message. */
export function refusal(code: string, members: Members): ApplicationFailure {
  const said = Object.entries(members).map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  const failure = ApplicationFailure.create({ type: code, message: [code, ...said].join(' · '), nonRetryable: true, details: [members] });
  // Where in our code it was said helps nobody who typed a wrong value.
  failure.stack = '';
  return failure;
}
