/** The command line is wrong: exit status 2. */
export class UsageError extends Error {}
/** The user's file or data is wrong: exit status 1. */
export class UserError extends Error {}
