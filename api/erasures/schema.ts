import { z } from 'zod';
import { erasureStates } from '../../domain/privacy/erasure.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

export const ErasureParams = z.object({ erasureId: Uuid });

export const ErasureQuery = z.strictObject({ state: z.exactOptional(z.enum(erasureStates)), ...PageQuery });
export type ErasureQuery = z.output<typeof ErasureQuery>;

export const ErasureView = z
  .strictObject({
    id: Uuid,
    customer: Uuid,
    state: z.enum(erasureStates).describe('`waiting` for another admin; once `running` it cannot be stopped'),
    requestedBy: z.string(),
    requestedAt: Moment,
    confirmedBy: z.string().nullable(),
    confirmedAt: Moment.nullable(),
    withdrawnBy: z.string().nullable(),
    withdrawnAt: Moment.nullable(),
    erasedAt: Moment.nullable(),
    rows: z.record(z.string(), z.int()).describe('by table, in how many rows something was erased'),
    files: z.int().describe('attachments and mails as they came'),
    reportHash: z.string().nullable().describe('SHA-256 of the report, in hex; null until it is done'),
  })
  .meta({ id: 'Erasure' });
export type ErasureView = z.output<typeof ErasureView>;
export const ErasurePage = pageSchema('ErasurePage', ErasureView);
