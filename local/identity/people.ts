/** Who can sign in at the demo's identity provider: the people of the demo data, by addresses the provider has verified. */

export interface DemoPerson {
  /** `sub` of their tokens. */
  readonly login: string;
  readonly name: string;
  readonly email: string;
}

const staff = (login: string, name: string): DemoPerson => ({ login, name, email: `${login}@usher.localhost` });
const customer = (number: number): DemoPerson => ({
  login: `customer${number}`,
  name: `Demo Customer ${number}`,
  email: `customer${number}@example.com`,
});

export const demoPeople: readonly DemoPerson[] = [
  staff('admin', 'Demo Admin'),
  staff('lead', 'Demo Lead'),
  staff('agent1', 'Demo Agent 1'),
  staff('agent2', 'Demo Agent 2'),
  staff('agent3', 'Demo Agent 3'),
  customer(1),
  customer(2),
];
