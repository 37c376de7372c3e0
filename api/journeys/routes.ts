import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, optionalJson, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { onJourney } from './guard.js';
import type { JourneyReads } from './reads.js';
import {
  AcceptedJourney,
  AdvanceBody,
  AssignTaskBody,
  ChangedJourney,
  CompleteTaskBody,
  CompleteWithBody,
  ContextPatch,
  GotoBody,
  HistoryPage,
  JourneyDiagram,
  JourneyDiagramQuery,
  JourneyPage,
  JourneyParams,
  JourneysQuery,
  JourneyView,
  PauseBody,
  RepairBody,
  ResumeBody,
  RetryBody,
  SkipBody,
  StateQuery,
  StateView,
  StepPage,
  StepParams,
  StepsQuery,
  TaskBody,
  TaskPage,
  TasksQuery,
} from './schema.js';
import type { JourneyService } from './service.js';

const tags = ['Journeys'];
const params = JourneyParams;
const reading = { permission: 'journey.read', guards: [onJourney('journey.read')] } as const;
const advancing = { permission: 'journey.advance', guards: [onJourney('journey.advance')] } as const;
const repairing = { permission: 'journey.repair', guards: [onJourney('journey.repair')] } as const;
const page = ['not_found', 'forbidden', 'unknown_parameter', 'cursor_invalid'] as const;

/** Problems every command to a journey can end with. */
export const journeyProblems = [
  ...writeProblems,
  'forbidden',
  'not_found',
  'version_mismatch',
  'journey_ended',
  'journey_paused',
  'engine_busy',
  'engine_unavailable',
  'command_unconfirmed',
] as const;
const stepProblems = [...journeyProblems, 'unknown_step', 'step_not_open'] as const;
const repairProblems = [...journeyProblems, 'reason_required', 'unknown_step', 'no_incident'] as const;
const advanceProblems = [
  ...stepProblems,
  'step_mismatch',
  'ambiguous',
  'nothing_to_advance',
  'outcome_required',
  'unknown_outcome',
  'output_invalid',
  'context_too_large',
  'already_claimed',
] as const;

const changed = {
  200: answer(ChangedJourney, 'The journey afterwards'),
  202: answer(z.union([ChangedJourney, AcceptedJourney]), 'Accepted; reads may lag'),
};
const reason = 'The bridge is closed until Friday';

const list = contract(
  { permission: 'journey.read', guards: [onRole('journey.read')], problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/journeys',
    operationId: 'listJourneys',
    summary: 'List journeys, newest first',
    tags,
    request: { query: JourneysQuery },
    responses: { 200: answer(JourneyPage, 'One page') },
  },
);

const get = contract(
  { ...reading, problems: ['not_found', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/journeys/{journeyId}',
    operationId: 'getJourney',
    summary: 'Read a journey',
    tags,
    request: { params },
    responses: { 200: answer(JourneyView, 'The journey'), 304: { description: 'Not changed' } },
  },
);

const steps = contract(
  { ...reading, problems: page },
  {
    method: 'get',
    path: '/v1/journeys/{journeyId}/steps',
    operationId: 'listJourneySteps',
    summary: 'List every visit of every step, with its attempts and what came of it',
    tags,
    request: { params, query: StepsQuery },
    responses: { 200: answer(StepPage, 'One page, in the order they were entered') },
  },
);

const history = contract(
  { ...reading, problems: page },
  {
    method: 'get',
    path: '/v1/journeys/{journeyId}/history',
    operationId: 'getJourneyHistory',
    summary: 'What happened in the journey and its handoffs, with the reasons given',
    tags,
    request: { params, query: StepsQuery },
    responses: { 200: answer(HistoryPage, 'One page, oldest first') },
  },
);

const state = contract(
  { ...reading, problems: ['not_found', 'forbidden', 'unknown_parameter'] },
  {
    method: 'get',
    path: '/v1/journeys/{journeyId}/state',
    operationId: 'getJourneyState',
    summary: 'How the journey stood after one of its events',
    tags,
    request: { params, query: StateQuery },
    responses: { 200: answer(StateView, 'The state') },
  },
);

const diagram = contract(
  { ...reading, problems: ['not_found', 'forbidden', 'unknown_parameter'] },
  {
    method: 'get',
    path: '/v1/journeys/{journeyId}/diagram',
    operationId: 'getJourneyDiagram',
    summary: 'Draw the template, with where the journey is',
    tags,
    request: { params, query: JourneyDiagramQuery },
    responses: { 200: answer(JourneyDiagram, 'The drawing') },
  },
);

const tasks = contract(
  { permission: 'journey.read', guards: [onRole('journey.read')], problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/tasks',
    operationId: 'listTasks',
    summary: 'List open steps that people do, oldest first',
    tags,
    request: { query: TasksQuery },
    responses: { 200: answer(TaskPage, 'One page') },
  },
);

const advance = contract(
  { ...advancing, problems: advanceProblems },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/advance',
    operationId: 'advanceStep',
    summary: 'Complete an open step with one of its outcomes',
    tags,
    request: { params, body: json(AdvanceBody, { outcome: 'converted', output: { customerId: 'C1' } }) },
    responses: changed,
  },
);

const updateContext = contract(
  { ...advancing, problems: [...journeyProblems, 'unknown_variable', 'context_invalid', 'context_too_large'] },
  {
    method: 'patch',
    path: '/v1/journeys/{journeyId}/context',
    operationId: 'updateContext',
    summary: 'Change declared variables, all or nothing',
    tags,
    request: { params, body: json(ContextPatch, { score: 60 }) },
    responses: changed,
  },
);

const pause = contract(
  { ...repairing, problems: [...journeyProblems, 'reason_required'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/pause',
    operationId: 'pauseJourney',
    summary: 'Let nothing new begin until it is resumed',
    tags,
    request: { params, body: optionalJson(PauseBody, { deadlines: 'shift', reason }) },
    responses: changed,
  },
);

const resume = contract(
  { ...repairing, problems: [...journeyProblems, 'journey_not_paused'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/resume',
    operationId: 'resumeJourney',
    summary: 'Go on where it was paused',
    tags,
    request: { params, body: optionalJson(ResumeBody, { deadlines: 'keep' }) },
    responses: changed,
  },
);

const cancel = contract(
  { ...repairing, problems: [...journeyProblems, 'reason_required'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/cancel',
    operationId: 'cancelJourney',
    summary: 'End the journey with everything that is open in it',
    tags,
    request: { params, body: optionalJson(RepairBody, { reason }) },
    responses: changed,
  },
);

const compensate = contract(
  { ...repairing, problems: [...journeyProblems, 'reason_required'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/compensate-and-end',
    operationId: 'compensateAndEndJourney',
    summary: 'Undo completed steps, the last first, then end',
    tags,
    request: { params, body: optionalJson(RepairBody, { reason }) },
    responses: changed,
  },
);

const retry = contract(
  { ...repairing, problems: repairProblems },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/steps/{step}/retry',
    operationId: 'retryStep',
    summary: 'Try a parked step again, with new attempts, on the version it runs on',
    tags,
    request: { params: StepParams, body: optionalJson(RetryBody, {}) },
    responses: changed,
  },
);

const completeWith = contract(
  { ...repairing, problems: [...repairProblems, 'unknown_outcome', 'output_invalid', 'context_too_large'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/steps/{step}/complete-with',
    operationId: 'completeStepWith',
    summary: 'Complete a parked step by hand',
    tags,
    request: { params: StepParams, body: json(CompleteWithBody, { outcome: 'completed', output: { score: 80 }, reason }) },
    responses: changed,
  },
);

const skip = contract(
  { ...repairing, problems: [...repairProblems, 'not_skippable'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/steps/{step}/skip',
    operationId: 'skipStep',
    summary: 'Skip a parked step, where the template lets it',
    tags,
    request: { params: StepParams, body: optionalJson(SkipBody, { reason }) },
    responses: changed,
  },
);

const goTo = contract(
  {
    ...repairing,
    problems: [...repairProblems, 'too_many_open_steps', 'unknown_variable', 'context_invalid', 'context_too_large'],
  },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/steps/{step}/goto',
    operationId: 'goToStep',
    summary: 'Leave a parked step for another one',
    tags,
    request: { params: StepParams, body: json(GotoBody, { to: 'customer_conversion', reason }) },
    responses: changed,
  },
);

const claim = contract(
  { ...advancing, problems: [...stepProblems, 'already_claimed'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/tasks/{step}/claim',
    operationId: 'claimTask',
    summary: 'Take a task for oneself',
    tags,
    request: { params: StepParams, body: optionalJson(TaskBody, {}) },
    responses: changed,
  },
);

const unclaim = contract(
  { ...advancing, problems: [...stepProblems, 'not_claimed', 'already_claimed'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/tasks/{step}/unclaim',
    operationId: 'unclaimTask',
    summary: 'Give a task back',
    tags,
    request: { params: StepParams, body: optionalJson(TaskBody, {}) },
    responses: changed,
  },
);

const assign = contract(
  { ...advancing, problems: [...stepProblems, 'unknown_reference', 'already_claimed'] },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/tasks/{step}/assign',
    operationId: 'assignTask',
    summary: 'Give a task to somebody',
    tags,
    request: { params: StepParams, body: json(AssignTaskBody, { to: '018f3b1e-0000-7000-8000-000000000022' }) },
    responses: changed,
  },
);

const complete = contract(
  { ...advancing, problems: advanceProblems },
  {
    method: 'post',
    path: '/v1/journeys/{journeyId}/tasks/{step}/complete',
    operationId: 'completeTask',
    summary: 'Complete a task with one of its outcomes',
    tags,
    request: { params: StepParams, body: optionalJson(CompleteTaskBody, { outcome: 'converted', output: { customerId: 'C1' } }) },
    responses: changed,
  },
);

export const journeyRoutes = (service: JourneyService, reads: JourneyReads) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await reads.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(tasks, async (c) => c.json(await reads.tasks(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, async (c) => {
      const { version, endedAt } = c.var.journey;
      const etag = `"${version}"`;
      // What is open changes without a version too: deadlines, and whether somebody has to approve.
      if (endedAt !== null && notModified(c.req.header('if-none-match'), etag)) return c.body(null, 304, { etag });
      const { view } = await reads.get(readerOf(c.var), c.var.journey);
      return c.json(view, 200, { etag });
    })
    .openapi(steps, async (c) => c.json(await reads.steps(readerOf(c.var), c.var.journey, c.req.valid('query')), 200))
    .openapi(history, async (c) => c.json(await reads.history(readerOf(c.var), c.var.journey, c.req.valid('query')), 200))
    .openapi(state, async (c) => c.json(await reads.state(readerOf(c.var), c.var.journey, c.req.valid('query').seq), 200))
    .openapi(diagram, async (c) => c.json(await reads.diagram(readerOf(c.var), c.var.journey, c.req.valid('query').format), 200))
    .openapi(advance, (c) => write(c, (caller) => service.advance(caller, c.var.journey, c.req.valid('json'))))
    .openapi(updateContext, (c) => write(c, (caller) => service.updateContext(caller, c.var.journey, c.req.valid('json'))))
    .openapi(pause, (c) => write(c, (caller) => service.pause(caller, c.var.journey, c.req.valid('json'))))
    .openapi(resume, (c) => write(c, (caller) => service.resume(caller, c.var.journey, c.req.valid('json'))))
    .openapi(cancel, (c) => write(c, (caller) => service.cancel(caller, c.var.journey, c.req.valid('json'))))
    .openapi(compensate, (c) => write(c, (caller) => service.compensateAndEnd(caller, c.var.journey, c.req.valid('json'))))
    .openapi(retry, (c) => write(c, (caller) => service.retry(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))))
    .openapi(completeWith, (c) =>
      write(c, (caller) => service.completeWith(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))),
    )
    .openapi(skip, (c) => write(c, (caller) => service.skip(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))))
    .openapi(goTo, (c) => write(c, (caller) => service.goTo(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))))
    .openapi(claim, (c) => write(c, (caller) => service.claim(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))))
    .openapi(unclaim, (c) => write(c, (caller) => service.unclaim(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))))
    .openapi(assign, (c) => write(c, (caller) => service.assign(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))))
    .openapi(complete, (c) =>
      write(c, (caller) => service.complete(caller, c.var.journey, c.req.valid('param').step, c.req.valid('json'))),
    );
