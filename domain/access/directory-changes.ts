/** What changes who may do what: votes with a dynamic electorate look again. */

/** Types of events of the desk's own log. */
export const directoryChanges: readonly string[] = ['user.added', 'user.changed', 'user.memberships_changed', 'team.members_changed'];
