// Mistakes in a command line, found by commander, in the form of every other error: one sentence, and the help that says more.
import type { Command } from 'commander';
import { UserError } from '../contract/errors.ts';

/** What commander says of an option is its flags as declared: `-o, --out <file>`. */
const OPTION = String.raw`'(?:-\w, )?(--[\w-]+)[^']*'`;

/** What commander says, and how it is said here. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [
    new RegExp(`^option ${OPTION} argument '(.*)' is invalid\\. Allowed choices are (.*)\\.$`, 's'),
    '$1: expected one of $3, got $2',
  ],
  [new RegExp(`^option ${OPTION} argument '.*' is invalid\\. (.*)$`, 's'), '$1: $2'],
  [new RegExp(`^option ${OPTION} argument missing$`), '$1: expected a value, got none'],
  [new RegExp(`^required option ${OPTION} not specified$`), '$1: expected it, got none'],
  [
    new RegExp(`^option ${OPTION} cannot be used with option ${OPTION}$`),
    '$1: expected it without $2, got both; leave one of them out',
  ],
  [/^missing required argument '(.*)'$/, '$1: expected one, got none'],
  [/^too many arguments(?: for '.*')?\. Expected (\d+) arguments? but got (\d+)\.$/, 'arguments: expected $1, got $2'],
  [
    /^unknown (option|command) '(.*?)'\n\(Did you mean (?:one of )?(.*)\?\)$/s,
    '$2: expected a known $1, got another; did you mean $3?',
  ],
  [/^unknown (option|command) '(.*)'$/s, '$2: expected a known $1, got another'],
];

/** Makes a command and those below it throw UserErrors. Help and the version, which are no mistakes, end the program as ever. */
export function tellUsage(command: Command, name = command.name()): void {
  command.configureOutput({ outputError: () => {} }).exitOverride(({ exitCode, code, message }) => {
    if (exitCode === 0 || code === 'commander.help') return;
    const said = message.replace(/^error: /, '');
    const [pattern, sentence] = SENTENCES.find(([known]) => known.test(said)) ?? [/^/, ''];
    throw new UserError(`${said.replace(pattern, sentence)}; see ${name} --help`);
  });
  for (const below of command.commands) tellUsage(below, `${name} ${below.name()}`);
}
