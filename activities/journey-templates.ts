/** Published templates in the worker's memory: a version never changes, so what was loaded once is asked no more. */
import { withTenant } from '../db/client.js';
import type { Db } from '../db/client.js';
import { findCompiled } from '../db/queries/journey-questions.js';
import type { TenantId } from '../domain/ids.js';
import type { CompiledTemplate } from '../domain/journey/compile.js';
import type { JourneyStart } from '../domain/journey/run/state.js';
import { neverAgain } from './failures.js';
import { recent } from './recent.js';

export interface Templates {
  /**
   * The compiled form of a published version.
   *
   * @throws a failure that is not tried again when there is no such version, or its hash is another
   */
  readonly load: (tenant: TenantId, template: JourneyStart['template']) => Promise<CompiledTemplate>;
}

export interface TemplatesDeps {
  readonly db: Db;
  /** How long a statement may take, in milliseconds; the pool's own limit when absent. */
  readonly statementMs?: () => number;
}

/** At most 64 KiB each. */
const mostKept = 500;

export function createTemplates({ db, statementMs }: TemplatesDeps): Templates {
  const kept = recent<CompiledTemplate>(mostKept);
  return {
    load: (tenant, { key, version, hash }) =>
      kept.get(`${tenant}/${key}/${version}/${hash}`, async () => {
        const found = await withTenant(db, tenant, (tx) => findCompiled(tx, tenant, { key, version }), { statementMs: statementMs?.() });
        if (found === undefined) throw neverAgain('journey.unknown_template');
        if (found.hash !== hash) throw neverAgain('journey.other_template');
        return found.compiled;
      }),
  };
}
