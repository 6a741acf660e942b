/** Orgs that one person owns: open ones, and those made in the last day, so that closing makes no room at once. */
export const ownedOrgsMax = 20;
/** Projects of an org, the archived ones too: its ledger keeps each. */
export const projectsMax = 500;
/** Service accounts of an org that are not removed. */
export const serviceAccountsMax = 1_000;
/** How long an invitation is good for. */
export const invitationMs = 7 * 24 * 3_600_000;
/** How often one invitation is mailed at most: nobody's inbox is ours to fill. */
export const invitationSendsMax = 5;
/** How long lies between two mails of one invitation. */
export const invitationSendMs = 60_000;
/** Invitations that one org, and one inviter in all their orgs, has mailed in a day at most. */
export const invitationsDayMax = 100;
