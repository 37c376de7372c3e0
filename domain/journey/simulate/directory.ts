/** Who there is, and what they may: the directory of a script, and the attributes of subjects. */
import type { Person } from '../run/effect.js';
import { own } from '../json.js';
import type { JsonObject } from '../json.js';
import type { Roles, Subject } from './script.js';

export class Directory {
  private people: Readonly<Record<string, readonly string[]>>;
  private readonly subjects = new Map<string, { readonly zone: string | null; readonly attributes: JsonObject }>();

  constructor(people: Roles) {
    this.people = people;
  }

  /** The roles of those named take the place of what they held. */
  change(people: Roles): void {
    this.people = { ...this.people, ...people };
  }

  rolesOf(id: string): readonly string[] {
    return own(this.people, id) ?? [];
  }

  /** Everybody named, whether the directory knows them or not, and all who hold one of the roles; each once. */
  find(users: readonly string[], roles: readonly string[]): Person[] {
    const holders = Object.keys(this.people).filter((id) => this.rolesOf(id).some((role) => roles.includes(role)));
    return [...new Set([...users, ...holders])].map((id) => ({ id, roles: this.rolesOf(id) }));
  }

  /** What is new is laid over what is known. */
  note({ type, id, zone, attributes }: Subject): void {
    const known = this.known(type, id);
    this.subjects.set(`${type}/${id}`, { zone: zone ?? known.zone, attributes: { ...known.attributes, ...attributes } });
  }

  /** What expressions see as `subject`. */
  subjectRoot({ type, id }: { readonly type: string; readonly id: string }): JsonObject {
    const { zone, attributes } = this.known(type, id);
    return { ...(zone === null ? {} : { zone }), ...attributes, type, id };
  }

  zoneOf({ type, id }: { readonly type: string; readonly id: string }): string | null {
    return this.known(type, id).zone;
  }

  private known(type: string, id: string) {
    return this.subjects.get(`${type}/${id}`) ?? { zone: null, attributes: {} };
  }
}
