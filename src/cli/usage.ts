/** The command line is wrong: exit status 2. */
export class UsageError extends Error {}
/** The user's file or data is wrong: exit status 1. Empty where diagnostics have said so already. */
export class UserError extends Error {
  /** @param code of the catalogue; of a name that is not there by default */
  constructor(
    message: string,
    readonly code = "GRAD6002",
  ) {
    super(message);
  }
}
