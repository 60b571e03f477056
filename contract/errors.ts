// The error for a user's mistake: its message is one sentence (what, expected, got, what to do) and is all that is shown.

export class UserError extends Error {
  override readonly name = 'UserError';
}
