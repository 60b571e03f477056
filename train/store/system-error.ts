// Errors of the operating system (no such folder, disk full, …) as one sentence instead of a stack trace.

export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;

/** `ENOENT: no such file or directory, open 'x.png'` → `x.png: expected to open it, got "no such file or directory" (ENOENT); …` */
export function systemErrorSentence({ code, syscall, path, message }: NodeJS.ErrnoException): string {
  const what = message.replace(/^[A-Z0-9_]+: /, '').replace(/, .*$/s, '');
  return (
    `${path ?? 'file'}: expected to ${syscall ?? 'use'} it, got "${what}" (${code}); ` +
    'check the path, its permissions and the space left'
  );
}
