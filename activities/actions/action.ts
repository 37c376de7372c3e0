import type { JsonObject } from '../../domain/journey/json.js';
import type { TenantId } from '../../domain/ids.js';
import type { ActionDeclaration } from '../../domain/journey/action.js';
import type { PackageCall } from './ports.js';

/** What an action is done with. */
export interface ActionContext<Port> extends PackageCall {
  readonly tenant: TenantId;
  readonly port: Port;
}

/** How an action is done: its input fits its declaration, and its output will be held against it. */
export type Action<Port> = (input: JsonObject, context: ActionContext<Port>) => Promise<JsonObject>;

/** An action with its port in its hands. */
export interface RegisteredAction {
  readonly declaration: ActionDeclaration;
  readonly run: (input: JsonObject, context: Omit<ActionContext<unknown>, 'port'>) => Promise<JsonObject>;
}
