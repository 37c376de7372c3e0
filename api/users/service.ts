/** The people of a tenant who sign in to work. Their actor is `user/<id>`; what they may is read for each request. */
import { v7 } from 'uuid';
import { assertRevision, doerOf, etagOf, telling, unlessTaken } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { assertKnown } from './references.js';
import type { ChangeUser, CreateUser, Membership, ReplaceIdentities, ReplaceMemberships, UserQuery, UserView } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { replaceIdentities } from '../../db/queries/identity.js';
import { findUser, hasAdmin, insertUser, listUsers, lockUsers, replaceMembership, updateUser } from '../../db/queries/users.js';
import type { Membership as StoredMembership, UserRecord } from '../../db/queries/users.js';

export type UserService = ReturnType<typeof createUserService>;

export function createUserService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>, forget: () => void) {
  /** Changes somebody at the revision the caller has read, as long as an admin is left. */
  const change = async (
    caller: Caller,
    id: string,
    work: (tx: TenantTx, present: UserRecord) => Promise<{ readonly type: string; readonly data?: Readonly<Record<string, unknown>> }>,
  ): Promise<Answer> => {
    const { tenant } = caller.principal;
    const changed = engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      await lockUsers(tx, tenant);
      const present = await findUser(tx, tenant, id);
      if (present === undefined) throw new Refusal('not_found');
      assertRevision(caller, present.revision);
      const hadAdmin = await hasAdmin(tx, tenant);
      const event = await work(tx, present);
      if (hadAdmin && !(await hasAdmin(tx, tenant))) throw new Refusal('last_admin');
      await recordAdminEvent(tx, doerOf(caller), { subject: `user/${id}`, ...event });
      return findUser(tx, tenant, id);
    });
    const view = viewOf(await telling(forget, changed));
    return { status: 200, body: view, headers: { etag: etagOf(view) } };
  };

  return {
    async list(reader: Reader, { limit, cursor, ...filter }: UserQuery): Promise<Page<UserView>> {
      const binding = cursorBinding(reader.principal, 'users', filter);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listUsers(tx, reader.principal.tenant, filter, { limit, ...after }));
      return pageOf(rows, limit, userView, ({ id }) => writeCursor(keys, binding, { position: '', id }));
    },

    async get(reader: Reader, id: string): Promise<UserView> {
      const found = await engine.within(reader, (tx) => findUser(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return userView(found);
    },

    async create(caller: Caller, { name, email, memberships, identities }: CreateUser): Promise<Answer> {
      const { tenant } = caller.principal;
      const membership = onlyOne(memberships);
      const id = v7();
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await assertKnown(tx, tenant, membership, '/memberships/0');
        await unlessTaken('/email', insertUser(tx, tenant, { id, name, email, membership }));
        await unlessTaken('/identities', replaceIdentities(tx, tenant, { ownerKind: 'user', ownerId: id }, identities));
        await recordAdminEvent(tx, doerOf(caller), { subject: `user/${id}`, type: 'user.added', data: { ...membership } });
        return findUser(tx, tenant, id);
      });
      const view = viewOf(made);
      return { status: 201, body: view, headers: { location: `/v1/users/${id}`, etag: etagOf(view) } };
    },

    change: (caller: Caller, id: string, fields: ChangeUser): Promise<Answer> =>
      change(caller, id, async (tx) => {
        await unlessTaken('/email', updateUser(tx, caller.principal.tenant, id, fields));
        const { active } = fields;
        return { type: 'user.changed', data: { changed: Object.keys(fields), ...(active === undefined ? {} : { active }) } };
      }),

    replaceMemberships: (caller: Caller, id: string, { memberships }: ReplaceMemberships): Promise<Answer> =>
      change(caller, id, async (tx, { role, products, teams }) => {
        const membership = onlyOne(memberships);
        await assertKnown(tx, caller.principal.tenant, membership, '/memberships/0');
        await replaceMembership(tx, caller.principal.tenant, id, membership);
        return { type: 'user.memberships_changed', data: { ...membership, from: { role, products, teams } } };
      }),

    replaceIdentities: (caller: Caller, id: string, { identities }: ReplaceIdentities): Promise<Answer> =>
      change(caller, id, async (tx) => {
        const { tenant } = caller.principal;
        await unlessTaken('/identities', replaceIdentities(tx, tenant, { ownerKind: 'user', ownerId: id }, identities));
        await updateUser(tx, tenant, id, {});
        return { type: 'user.identities_changed', data: { count: identities.length } };
      }),
  };
}

/** The contract takes exactly one. */
function onlyOne([first]: readonly Membership[]): StoredMembership {
  if (first === undefined) throw new Error('a membership is missing');
  return { ...first, products: first.products === '*' ? null : [...new Set(first.products)], teams: [...new Set(first.teams)] };
}

function viewOf(row: UserRecord | undefined): UserView {
  if (row === undefined) throw new Error('a person just stored is not there');
  return userView(row);
}

const userView = ({ role, products, teams, identities, createdAt, updatedAt, ...rest }: UserRecord): UserView => ({
  ...rest,
  memberships: [{ role, products: products === null ? '*' : [...products], teams: [...teams] }],
  identities: [...identities],
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});
